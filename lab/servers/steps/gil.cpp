#include "lab/servers/steps/gil.hpp"

#include <algorithm>
#include <chrono>

namespace lab {

void Gil::acquire() {
  std::unique_lock lock(mutex_);
  const bool waits = held_;
  if (waits) wait_for_turn(lock);
  held_ = true;
  contended_ = waits || !line_.empty();
  since_ = monotonic_now();
}

/// The first in the line asks the holder to give way when it has waited for the interval, counted from when
/// it came or from the last change of the holder.
void Gil::wait_for_turn(std::unique_lock<std::mutex>& lock) {
  Waiter self;
  line_.push_back(&self);
  contended_ = true;
  const Nanos came = monotonic_now();
  while (!self.granted) {
    // Only the first has a clock to look at; the others learn when they have become that.
    if (line_.front() != &self) {
      self.turn.wait(lock, [&] { return self.granted || line_.front() == &self; });
      continue;
    }
    const Nanos due = std::max(came, since_) + interval_;
    const std::chrono::steady_clock::time_point deadline{std::chrono::nanoseconds(due)};
    // since_ only grows, so a deadline that was computed earlier is never too late.
    if (self.turn.wait_until(lock, deadline, [&self] { return self.granted; })) return;
    if (monotonic_now() < std::max(came, since_) + interval_) continue;
    wanted_.store(true, std::memory_order_relaxed);
    // Nothing more to do than to wait for the holder.
    self.turn.wait(lock, [&self] { return self.granted; });
  }
}

Gil::Hold Gil::release() {
  const std::lock_guard lock(mutex_);
  const Hold hold{.from = since_, .to = monotonic_now(), .contended = contended_};
  wanted_.store(false, std::memory_order_relaxed);
  if (line_.empty()) {
    held_ = false;
    return hold;
  }
  // It stays held, by the first in the line: nobody who comes later overtakes.
  Waiter* const next = line_.front();
  line_.pop_front();
  since_ = hold.to;
  next->granted = true;
  next->turn.notify_one();
  if (!line_.empty()) line_.front()->turn.notify_one();
  return hold;
}

std::size_t Gil::waiting() const {
  const std::lock_guard lock(mutex_);
  return line_.size();
}

}  // namespace lab
