#pragma once

#include <cstdint>

#include "lab/core/clock.hpp"

namespace lab::test {

/// Asks again until it holds, at most `patience`. For what other processes do: they live in real time, and
/// what they have done is seen by looking.
template <class Condition>
bool eventually(Condition condition, Nanos patience = 10 * kSecond) {
  for (const Nanos end = monotonic_now() + patience; monotonic_now() < end;
       sleep_until(monotonic_now() + kMillisecond)) {
    if (condition()) return true;
  }
  return condition();
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

/// How often a test tries what is by chance: a sanitizer looks at what each try does, not at how many come
/// out well, and makes each ten times as long.
constexpr std::int64_t tries(std::int64_t full) {
  return kSanitized ? full / 10 : full;
}

}  // namespace lab::test
