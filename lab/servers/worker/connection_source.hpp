#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/core/error.hpp"
#include "lab/core/process.hpp"

namespace lab {

struct Listener {
  UniqueFd fd;  ///< non-blocking, closed on exec
  std::uint16_t port = 0;
};

/// Binds and listens. `host` is an address or `localhost`; port 0: the kernel chooses. Several sockets have
/// one port, and the kernel deals connections to them by lot (SO_REUSEPORT). Errors: bad host (exit 2), port
/// in use or not permitted (names the port and the way out). The first one binds alone, so a port that
/// somebody else listens on is refused and not joined.
Result<std::vector<Listener>> listen_on(const std::string& host, std::uint16_t port, std::size_t sockets);

/// A connection that was taken over: non-blocking, closed on exec, without Nagle's delay.
struct Accepted {
  UniqueFd fd;
  std::uint16_t client_port = 0;
};

/// What asking for a connection gave.
enum class AcceptResult : std::uint8_t {
  taken,
  none,       ///< nobody is waiting
  exhausted,  ///< no descriptors are left; ask again after kAcceptPause
};

/// How long to leave the accept queue alone when descriptors have run out: often enough to serve again within
/// a second, seldom enough to cost nothing.
constexpr Nanos kAcceptPause = 50 * kMillisecond;

/// Where connections come from: a listening socket, or the master's hand. Never blocks. Not thread-safe.
class ConnectionSource {
 public:
  /// `handed`: `fd` is a channel that the master passes descriptors through, else a listening socket.
  ConnectionSource(int fd, bool handed);
  /// Readable when a connection waits.
  int fd() const { return fd_; }
  AcceptResult take(Accepted& accepted) { return handed_ ? receive(accepted) : accept(accepted); }

 private:
  AcceptResult accept(Accepted& accepted);
  AcceptResult receive(Accepted& accepted);

  int fd_;
  bool handed_;
  // Kept in reserve. When all other descriptors are in use it is given up to take one waiting connection and
  // close it, so that this client hears of it instead of hanging.
  UniqueFd spare_;
};

/// The master's side of the accept policy `handoff`: takes connections and deals them to the workers in turn,
/// so ten connections on four workers are always 3-3-2-2. A worker that does not take its own keeps its
/// place; what does not fit into its channel waits here. Not thread-safe.
class Dealer {
 public:
  Dealer(int listening, std::vector<int> channels, std::size_t first);

  /// Takes all connections that wait. False: descriptors have run out.
  bool deal();
  /// Hands over what waits for this slot.
  void flush(std::size_t slot);
  bool has_waiting(std::size_t slot) const { return !waiting_[slot].empty(); }

 private:
  ConnectionSource source_;
  std::vector<int> channels_;
  std::vector<std::deque<Accepted>> waiting_;
  std::size_t next_;
};

}  // namespace lab
