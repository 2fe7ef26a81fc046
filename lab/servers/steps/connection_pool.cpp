#include "lab/servers/steps/connection_pool.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>

namespace lab {

/// A thread in the line; the pool's lock guards its members.
struct ConnectionPool::ThreadWaiter final : Waiter {
  explicit ThreadWaiter(std::mutex& of) : mutex(of) {}
  void granted(std::uint16_t which) override {
    const std::lock_guard lock(mutex);
    unit = which;
    // Under the lock: the waiter is gone as soon as its thread may go on.
    turn.notify_one();
  }
  std::mutex& mutex;
  std::condition_variable turn;
  std::optional<std::uint16_t> unit;
};

ConnectionPool::ConnectionPool(int connections) {
  for (int unit = connections - 1; unit >= 0; --unit) free_.push_back(static_cast<std::uint16_t>(unit));
}

std::optional<std::uint16_t> ConnectionPool::take(Waiter* waiter) {
  const std::lock_guard lock(mutex_);
  return take_locked(waiter);
}

std::optional<std::uint16_t> ConnectionPool::take_locked(Waiter* waiter) {
  if (free_.empty()) {
    if (waiter != nullptr) line_.push_back(waiter);
    return std::nullopt;
  }
  const std::uint16_t unit = free_.back();
  free_.pop_back();
  return unit;
}

std::optional<std::uint16_t> ConnectionPool::take_blocking(Nanos at_most) {
  ThreadWaiter waiter(mutex_);
  const auto granted = [&waiter] { return waiter.unit.has_value(); };
  std::unique_lock lock(mutex_);
  if (const auto unit = take_locked(&waiter)) return unit;
  const std::chrono::nanoseconds span(at_most);
  if (at_most > 0 && !waiter.turn.wait_for(lock, span, granted) && std::erase(line_, &waiter) > 0)
    return std::nullopt;
  // Who is in the line no more has been granted one meanwhile.
  waiter.turn.wait(lock, granted);
  return waiter.unit;
}

void ConnectionPool::give(std::uint16_t unit) {
  Waiter* next = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (line_.empty()) {
      free_.insert(std::ranges::lower_bound(free_, unit, std::greater<>()), unit);
      return;
    }
    next = line_.front();
    line_.pop_front();
  }
  next->granted(unit);
}

std::size_t ConnectionPool::waiting() const {
  const std::lock_guard lock(mutex_);
  return line_.size();
}

}  // namespace lab
