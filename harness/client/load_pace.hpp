#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "lab/core/clock.hpp"

namespace lab {

// What both load generators hold to, and wait with: the one of scenarios (LoadDriver) and the one of `lab
// load` (LoadEngine).

/// A sleeping thread is woken up to this much late (measured: 50 us, more where the core had gone to sleep).
constexpr Nanos kSpinLead = 200 * kMicrosecond;
/// Until when to wait, given the next send and what else is to be done: near a send it is not slept (0).
inline Nanos wake_up(Nanos send, Nanos other, Nanos now) {
  if (send == kNever) return other;
  return send <= now + kSpinLead ? 0 : std::min(other, send - kSpinLead);
}
/// After so many sends in a row replies get their stamps; a smaller burst leaves in one go.
constexpr int kSendsInARow = 64;
/// Below every usual accept backlog.
constexpr std::size_t kOpenAtOnce = 128;
/// Where a connection is refused or there is no port, the next attempt waits, twice as long each time.
constexpr Nanos kFirstPause = kMillisecond;
constexpr Nanos kLongestPause = 100 * kMillisecond;
/// How long, after so many failures in a row; counts one more.
inline Nanos back_off(std::uint16_t& failures) {
  const Nanos pause = std::min(kFirstPause << std::min<int>(failures, 10), kLongestPause);
  if (failures < 10) ++failures;
  return pause;
}

/// Something to do at a time: `what` is a number of the user's.
struct Due {
  Nanos at = 0;
  std::uint32_t what = 0;
  bool operator>(const Due& other) const { return at > other.at; }
};

/// The earliest first.
class DueHeap : public std::priority_queue<Due, std::vector<Due>, std::greater<>> {
 public:
  void reserve(std::size_t size) { c.reserve(size); }
  Nanos next() const { return empty() ? kNever : top().at; }
  bool is_due(Nanos now) const { return !empty() && top().at <= now; }
  Due take() {
    const Due due = top();
    pop();
    return due;
  }
};

/// What is idle, the longest idle first; each at most once.
class IdleQueue {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  /// Numbers below that are put without allocating.
  void reserve(std::size_t size) { next_.resize(std::max(size, next_.size())); }
  bool empty() const { return first_ == kNone; }
  void put(std::uint32_t index) {
    reserve(index + std::size_t{1});
    next_[index] = kNone;
    (last_ == kNone ? first_ : next_[last_]) = index;
    last_ = index;
  }
  /// kNone: nothing is idle.
  std::uint32_t take() {
    const std::uint32_t index = first_;
    if (index == kNone) return kNone;
    first_ = next_[index];
    if (first_ == kNone) last_ = kNone;
    return index;
  }

 private:
  std::vector<std::uint32_t> next_;
  std::uint32_t first_ = kNone, last_ = kNone;
};

}  // namespace lab
