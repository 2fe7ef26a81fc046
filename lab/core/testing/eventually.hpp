#pragma once

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

}  // namespace lab::test
