#pragma once

#include <filesystem>

#include "lab/core/error.hpp"
#include "lab/core/event_ring.hpp"
#include "lab/servers/server_setup.hpp"

namespace lab {

/// The program that serves on io_uring: in `folder`, where the running program is, or where a build keeps
/// programs. The error says that it is in neither, and how to get it.
Result<std::filesystem::path> io_uring_program(const std::filesystem::path& folder);

/// Becomes the program that serves on io_uring, in a process that was just forked: the setup, the rings (may
/// be null) and the pipe for its report go with it. Returns only where that failed, with the reason.
Error become_io_uring_server(const ServerSetup& setup, const EventRings* rings, int report, pid_t parent);

/// The other side: what that program does with its arguments. Never returns.
[[noreturn]] void serve_from_arguments(int count, char** arguments);

/// A forked master's life until it has ended; what it has to say goes to `report`: `ready PORT PID…` or
/// `error KIND MESSAGE`, a line.
[[noreturn]] void live_as_master(const ServerSetup& setup, EventRings* rings, int report);

}  // namespace lab
