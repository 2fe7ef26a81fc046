#pragma once

#include <cstddef>

#include "lab/core/clock.hpp"

namespace lab {

// What both load generators hold to: the one of scenarios (LoadDriver) and the one of `lab load`
// (LoadEngine).

/// A sleeping thread is woken up to this much late (measured: 50 us, more where the core had gone to sleep).
constexpr Nanos kSpinLead = 200 * kMicrosecond;
/// After so many sends in a row replies get their stamps; a smaller burst leaves in one go.
constexpr int kSendsInARow = 64;
/// Below every usual accept backlog.
constexpr std::size_t kOpenAtOnce = 128;
/// Where a connection is refused or there is no port, the next attempt waits, twice as long each time.
constexpr Nanos kFirstPause = kMillisecond;
constexpr Nanos kLongestPause = 100 * kMillisecond;
/// Servers that close idle connections wait longer than that (gunicorn 2 s, uvicorn and Node 5 s).
constexpr Nanos kLongIdle = 500 * kMillisecond;

}  // namespace lab
