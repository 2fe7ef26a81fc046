// The room supervisor: makes a server of a setup, restarts its processes and ends them. The program outside
// includes this header, mode.hpp and of the steps work.hpp.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/event_ring.hpp"
#include "lab/core/process.hpp"
#include "lab/servers/server_setup.hpp"

namespace lab {

/// Whether servers can run on it here. The error says why not: a program or a kernel without io_uring, a
/// container that forbids it.
Result<void> backend_available(Backend backend);

/// Whether only this machine reaches a server on that address.
inline bool is_loopback(std::string_view host) {
  return host == "::1" || host == "localhost" || host.starts_with("127.");
}

/// What is wrong with a setup that no server could be made of (exit 2): an unknown mode, modes that cannot
/// share a process, counts out of range, a network address for a mode that must stay on loopback, a step that
/// its mode cannot do or that lacks what it needs.
std::optional<Error> find_fault(const ServerSetup& setup);

/// The setup with the units of all computing filled in, from its rates or from this machine's (calibrate()).
/// Errors: find_fault()'s, and those of the work itself, such as a file that is not there.
Result<ServerSetup> complete(ServerSetup setup);

/// A running server: a master process (child of this one, without threads) that supervises W workers.
/// The whole family dies with this process, however it ends. Not thread-safe.
class Server {
 public:
  /// Binds, forks the master, waits until every worker can answer. Call it while this process has one thread.
  /// Errors: the port is taken (names it), the server died while it started (its last words).
  /// `events` may be null; otherwise worker slot k appends to ring k.
  static Result<Server> start(const ServerSetup& setup, EventRings* events);

  Server() = default;
  Server(Server&& other) = default;
  Server& operator=(Server&& other) = default;
  ~Server() { kill(); }  ///< reaps what still runs

  std::uint16_t port() const { return port_; }
  pid_t master() const { return master_.pid(); }
  /// Pids of the workers as they were at the start, by slot.
  const std::vector<pid_t>& workers() const { return workers_; }

  /// Whether somebody has stopped the master (SIGSTOP): its workers serve whom they have, and new connections
  /// wait where the master is the one that accepts them.
  bool is_stopped() const;
  /// Whether the master has ended by itself, as it does where its workers keep dying.
  bool has_ended() const;

  /// TERM: finishes what is in flight, then ends; KILL after `patience`. Every process is reaped on return.
  /// Returns false where it had to be killed.
  bool stop(Nanos patience);
  /// KILL at once, reaped on return.
  void kill();

 private:
  ChildProcess master_;
  std::uint16_t port_ = 0;
  std::vector<pid_t> workers_;
};

/// Called once with the port and the workers' pids, when every worker can answer.
using ServerReady = std::function<void(std::uint16_t port, const std::vector<pid_t>& workers)>;

/// Serves in this process as the master until TERM or Ctrl-C (`lab serve`). Returns the exit code: 0, or 1
/// where the workers kept dying. On epoll only. Throws Failure where no server can be made of the setup or
/// the port.
int serve_here(const ServerSetup& setup, EventRings* events, const ServerReady& ready);

}  // namespace lab
