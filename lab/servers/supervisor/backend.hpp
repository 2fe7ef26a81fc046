#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/event_ring.hpp"
#include "lab/core/process.hpp"
#include "lab/servers/server_setup.hpp"

namespace lab {

/// The program that serves on io_uring: in `folder`, where the running program is, or where a build keeps
/// programs. The error says that it is in neither, and how to get it.
Result<std::filesystem::path> io_uring_program(const std::filesystem::path& folder);

/// What that program, which is of the same build, is started with: the setup, and descriptors that it
/// inherits.
struct Handover {
  ServerSetup setup;
  int ring = -1;  ///< the events' rings; -1: none
  int slots = 0;  ///< of the rings
  std::size_t capacity = 0;
};
/// As bytes. What only predictions and reports need of an arm is left out.
std::string encode_handover(Handover handover);
/// What encode_handover() wrote. Errors: no such bytes, a mode that this build has not.
Result<Handover> decode_handover(std::string_view bytes);

/// Starts the program that serves on io_uring. The rings may be null.
Result<ChildProcess> start_io_uring_master(const ServerSetup& setup, const EventRings* rings, int report);

/// The other side: what that program does with its arguments; gives its exit code.
int serve_from_arguments(int count, char** arguments);

/// What a master says once: where its server is and by whom it is served, or why there is none.
struct StartReport {
  std::uint16_t port = 0;
  std::vector<pid_t> workers{};  ///< none: `error` says why
  Error error{};
};
void send_report(int fd, const StartReport& report);
/// Waits for the master's report, or its end.
StartReport read_report(int fd);

/// A forked master's life until it has ended; gives its exit code. Its report goes to `report`.
int serve_as_master(const ServerSetup& setup, EventRings* rings, UniqueFd report);

}  // namespace lab
