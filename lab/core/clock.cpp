#include "lab/core/clock.hpp"

#include <cerrno>

namespace lab {

void sleep_until(Nanos deadline) noexcept {
  const timespec at{deadline / kSecond, deadline % kSecond};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) == EINTR) {
  }
}

Nanos thread_cpu_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

void burn_cpu(Nanos work) noexcept {
  const Nanos end = thread_cpu_now() + work;
  volatile std::uint64_t sink = 0;
  while (thread_cpu_now() < end) {
    for (int i = 0; i < 200; ++i) sink = sink * 6364136223846793005ULL + 1442695040888963407ULL;
  }
}

}  // namespace lab
