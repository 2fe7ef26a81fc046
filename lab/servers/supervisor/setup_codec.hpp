#pragma once

#include <string>
#include <string_view>

#include "lab/core/error.hpp"
#include "lab/servers/server_setup.hpp"

namespace lab {

/// A server's setup as bytes, for the program of the same build that serves on another backend. What only
/// predictions and reports need of an arm is left out.
std::string encode_setup(ServerSetup setup);

/// The setup that encode_setup() wrote. Errors: no such bytes, a mode that this build has not.
Result<ServerSetup> decode_setup(std::string_view bytes);

}  // namespace lab
