#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/core/record.hpp"

namespace lab {

/// One request of an examination: which of the two requests, on which connection, when.
struct Probe {
  std::uint32_t connection = 0;
  bool ping = false;          ///< the cheap request instead of the examined one
  Nanos at = 0;               ///< after the salvo's time zero
  bool opened_before = true;  ///< its connection is there at time zero; otherwise it is opened at `at`
  bool keep = false;          ///< leave the connection open for a later salvo
  /// The first part of a reply is acknowledged at once, so that a server that waits for it with the second
  /// one (Nagle's algorithm, RFC 896) shows how it executes. Otherwise as the kernel sees fit: as clients do.
  bool prompt = true;
};

/// How a probe ended. Times count from the salvo's time zero.
struct Reply {
  Nanos sent = 0;  ///< or when its connection was asked for
  Nanos received = 0;
  Outcome outcome = Outcome::unsent;
  int status = 0;
  bool kept = false;  ///< its connection is still open
  bool late = false;  ///< its connection was to be there at time zero and was not: the backlog was full

  bool is_ok() const { return outcome == Outcome::ok; }
  Nanos latency() const { return received - sent; }
};

/// The server under examination, as seen from outside: sockets, or a simulated one under test.
class Target {
 public:
  virtual ~Target() = default;
  /// Sends a salvo and waits for all replies, at most `patience` from its time zero: whatever has no reply
  /// then is a timeout and its connection is closed. One reply per probe, in the probes' order.
  virtual std::vector<Reply> send_probes(const std::vector<Probe>& probes, Nanos patience) = 0;
  /// Closes all kept connections.
  virtual void hang_up() = 0;
  virtual Nanos now() = 0;
  virtual bool interrupted() const = 0;
  /// How long all threads that serve had a core or waited for one, so far; none where they are not on this
  /// machine.
  virtual std::optional<Nanos> cpu_time() = 0;
};

}  // namespace lab
