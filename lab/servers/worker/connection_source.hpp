#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/core/unique_fd.hpp"

namespace lab {

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

/// One descriptor kept in reserve. When all others are in use it is given up to take one waiting connection
/// and close it, so that this client hears of it instead of hanging. Not thread-safe.
class SpareDescriptor {
 public:
  SpareDescriptor();
  void shed_one(int listening);

 private:
  UniqueFd fd_;
};

/// Takes connections off a listening socket; never blocks. Not thread-safe.
class Acceptor {
 public:
  explicit Acceptor(int listening) : listening_(listening) {}
  int fd() const { return listening_; }
  AcceptResult take(Accepted& accepted);

 private:
  int listening_;
  SpareDescriptor spare_;
};

/// Where a worker's connections come from: the listening socket itself, or the master's hand. Not
/// thread-safe.
class ConnectionSource {
 public:
  /// `handed`: `fd` is a channel that the master passes descriptors through, else a listening socket.
  ConnectionSource(int fd, bool handed) : acceptor_(fd), handed_(handed) {}
  /// Readable when a connection waits.
  int fd() const { return acceptor_.fd(); }
  AcceptResult take(Accepted& accepted);

 private:
  AcceptResult receive(Accepted& accepted);

  Acceptor acceptor_;
  bool handed_;
};

/// Passes a connection through a channel (SCM_RIGHTS, unix(7)). False: the channel is full for now.
bool hand_over(int channel, const Accepted& connection);

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
  Acceptor acceptor_;
  std::vector<int> channels_;
  std::vector<std::deque<Accepted>> waiting_;
  std::size_t next_;
};

}  // namespace lab
