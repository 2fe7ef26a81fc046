#pragma once

#include <cstddef>

#include "lab/core/clock.hpp"

namespace lab {

// Absolute, from the first byte of what they limit: a deadline per read would let a slow client stay for
// ever.
constexpr Nanos kHeaderDeadline = 10 * kSecond;
constexpr Nanos kBodyDeadline = 30 * kSecond;
constexpr Nanos kWriteDeadline = 30 * kSecond;
/// How long a connection that was refused is still read, so that the reply is not lost to a reset.
constexpr Nanos kLinger = kSecond;
/// What is left to a client in the middle of its request, or of our reply, when the server is to end.
constexpr Nanos kStopGrace = kSecond;
/// How long a thread waits for an idle client before it serves another one (httplib's own default). A loop
/// holds nothing for an idle client and lets it stay.
constexpr Nanos kIdleTimeout = 5 * kSecond;
/// A refused client may send so many bytes more before it is cut off.
constexpr std::size_t kMaxDiscarded = 32 << 20;

}  // namespace lab
