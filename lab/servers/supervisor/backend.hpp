#pragma once

#include <filesystem>

#include "lab/core/error.hpp"
#include "lab/core/event_ring.hpp"
#include "lab/core/process.hpp"
#include "lab/core/unique_fd.hpp"
#include "lab/servers/server_setup.hpp"

namespace lab {

/// The program that serves on io_uring: in `folder`, where the running program is, or where a build keeps
/// programs. The error says that it is in neither, and how to get it.
Result<std::filesystem::path> io_uring_program(const std::filesystem::path& folder);

/// Starts the program that serves on io_uring: the setup, the rings (may be null) and the pipe for its report
/// go with it.
Result<ChildProcess> start_io_uring_master(const ServerSetup& setup, const EventRings* rings, int report);

/// The other side: what that program does with its arguments; gives its exit code.
int serve_from_arguments(int count, char** arguments);

/// A forked master's life until it has ended; gives its exit code. What it has to say goes to `report`:
/// `ready PORT PID…` or `error KIND MESSAGE`, a line.
int serve_as_master(const ServerSetup& setup, EventRings* rings, UniqueFd report);
void report_error(int report, const Error& error);

}  // namespace lab
