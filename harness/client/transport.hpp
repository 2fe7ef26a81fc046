#pragma once

#include <sys/types.h>

#include <cerrno>
#include <cstdint>
#include <span>
#include <string_view>

#include "lab/core/clock.hpp"

namespace lab {

/// Time, so that the sending logic runs in virtual time under test.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Nanos now() = 0;
};

/// CLOCK_MONOTONIC.
class MonotonicClock final : public Clock {
 public:
  Nanos now() override { return monotonic_now(); }
};

/// A connection about which there may be news since the last wait. A hint: what really happened, the calls
/// say.
struct Readiness {
  std::uint32_t connection = 0;
  bool readable = false;  ///< bytes, the end, or an error
  bool writable = false;  ///< connected (or failed to), or room to send
  bool ended = false;     ///< the peer sends no more; what it sent before may still be unread
};

/// Connections to one server, numbered by the caller. Nothing blocks but wait().
class Transport {
 public:
  virtual ~Transport() = default;
  /// Begins to connect; 0, or errno. `writable` reports its end.
  virtual int open(std::uint32_t connection) = 0;
  /// The same with a client process of its own, which is started with the request that is sent first, makes
  /// its connection itself and ends after the reply. ENOTSUP where there are none.
  virtual int open_client(std::uint32_t /*connection*/) { return ENOTSUP; }
  /// How connecting ended: 0, or errno.
  virtual int opened(std::uint32_t connection) = 0;
  virtual std::uint16_t local_port(std::uint32_t connection) = 0;
  /// Bytes taken, or -errno.
  virtual ssize_t send(std::uint32_t connection, std::string_view bytes) = 0;
  /// Bytes read, 0 at the peer's end, or -errno.
  virtual ssize_t receive(std::uint32_t connection, std::span<char> into) = 0;
  virtual void close(std::uint32_t connection) = 0;
  /// Acknowledges what came at once, where the kernel would wait up to 40 ms for something to send with it.
  virtual void acknowledge(std::uint32_t /*connection*/) {}
  /// What happened; sleeps until something does, at most until `until`. In the past: only looks.
  virtual std::span<const Readiness> wait(Nanos until) = 0;
  /// The run is to end now.
  virtual bool interrupted() const = 0;
};

}  // namespace lab
