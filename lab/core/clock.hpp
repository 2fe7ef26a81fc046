#pragma once

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "lab/core/error.hpp"

namespace lab {

/// Nanoseconds, a point on CLOCK_MONOTONIC or a span. One clock for client and servers of one machine.
using Nanos = std::int64_t;

constexpr Nanos kMicrosecond = 1'000;
constexpr Nanos kMillisecond = 1'000'000;
constexpr Nanos kSecond = 1'000'000'000;
/// A time that does not come.
constexpr Nanos kNever = std::numeric_limits<Nanos>::max();

/// Now on CLOCK_MONOTONIC, in nanoseconds (clock_gettime(2)).
inline Nanos monotonic_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

inline double seconds(Nanos span) noexcept {
  return static_cast<double>(span) / 1e9;
}
inline std::optional<double> seconds(std::optional<Nanos> span) noexcept {
  return span ? std::optional(seconds(*span)) : std::nullopt;
}

/// In nanoseconds, rounded. What 292 years cannot hold becomes that, and what is no number becomes 0.
inline Nanos to_nanos(double seconds) noexcept {
  constexpr double kEnd = 0x1p63;  // the least that does not fit
  const double span = std::round(seconds * 1e9);
  if (std::isnan(span)) return 0;
  if (span >= kEnd) return kNever;
  return span <= -kEnd ? -kNever : static_cast<Nanos>(span);
}

/// Sleeps the calling thread until `deadline` on CLOCK_MONOTONIC; never returns early (clock_nanosleep(2)).
inline void sleep_until(Nanos deadline) noexcept {
  timespec at{};
  at.tv_sec = static_cast<time_t>(deadline / kSecond);  // 32 bits wide in WebAssembly
  at.tv_nsec = static_cast<long>(deadline % kSecond);   // NOLINT(google-runtime-int): as timespec has it
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) == EINTR) {
  }
}

/// The CPU time that the calling thread has had; time spent preempted does not count
/// (CLOCK_THREAD_CPUTIME_ID, clock_gettime(2)).
inline Nanos thread_cpu_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

/// Reads `100ms`, `100 ms`, `1.5s`, `1,5 s`, `200us`, `200µs`, `50ns`, `2min`, `1h`: the one reader of times
/// that people write. Refuses a bare number, a negative or absurd span (above 10 years), an unknown unit and
/// `1,000ms`, which may mean one or a thousand, each with the fix.
Result<Nanos> parse_duration(std::string_view written);

/// For people: `400 µs`, `100 ms`, `1.003 s`, `41 min 40 s`, `27 h 46 min` (whole minutes and hours that have
/// passed).
std::string format_duration(Nanos span);
inline std::string format_seconds(double seconds) {
  return format_duration(to_nanos(seconds));
}

/// The same with the two digits that an estimate is good for: 30.36 s is `30 s`.
std::string format_estimate(Nanos span);

/// As one writes it in a scenario file, exact: `100ms`, `1500us`.
std::string format_duration_literal(Nanos span);

}  // namespace lab
