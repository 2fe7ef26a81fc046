#pragma once

#include <optional>

#include "lab/core/error.hpp"
#include "lab/servers/server_setup.hpp"

namespace lab {

/// What is wrong with a setup that no server could be made of (exit 2): an unknown mode, modes that cannot
/// share a process, counts out of range, a network address for a mode that must stay on loopback, a step that
/// its mode cannot do or that lacks what it needs.
std::optional<Error> find_fault(const ServerSetup& setup);

/// The setup with the units of all computing filled in, from its rates or from this machine's (calibrate()).
/// Errors: find_fault()'s, and those of the work itself, such as a file that is not there.
Result<ServerSetup> complete(ServerSetup setup);

}  // namespace lab
