#pragma once

#include <string>
#include <string_view>

#include "lab/core/error.hpp"
#include "lab/servers/server_setup.hpp"

namespace lab {

/// A server's setup as JSON, for the program that serves on another backend. What only predictions and
/// reports need of an arm is left out.
std::string encode_setup(const ServerSetup& setup);

/// The setup that encode_setup() wrote. Errors: no such JSON, a mode that this build has not.
Result<ServerSetup> decode_setup(std::string_view text);

}  // namespace lab
