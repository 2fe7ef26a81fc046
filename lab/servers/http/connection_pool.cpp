#include "lab/servers/http/connection_pool.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>

namespace lab {

namespace {

class ThreadWaiter final : public ConnectionPool::Waiter {
 public:
  void granted(std::uint16_t unit) override {
    const std::lock_guard lock(mutex_);
    unit_ = unit;
    // Under the lock: the waiter is gone as soon as its thread may go on.
    turn_.notify_one();
  }
  std::optional<std::uint16_t> wait(Nanos at_most) {
    std::unique_lock lock(mutex_);
    const auto granted = [this] { return unit_.has_value(); };
    if (at_most == 0) {
      turn_.wait(lock, granted);
    } else {
      turn_.wait_for(lock, std::chrono::nanoseconds(at_most), granted);
    }
    return unit_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable turn_;
  std::optional<std::uint16_t> unit_;
};

}  // namespace

ConnectionPool::ConnectionPool(int connections) {
  for (int unit = connections - 1; unit >= 0; --unit) free_.push_back(static_cast<std::uint16_t>(unit));
}

std::optional<std::uint16_t> ConnectionPool::try_take() {
  const std::lock_guard lock(mutex_);
  return take_free();
}

std::optional<std::uint16_t> ConnectionPool::take(Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  const auto unit = take_free();
  if (!unit) line_.push_back(&waiter);
  return unit;
}

std::optional<std::uint16_t> ConnectionPool::take_free() {
  if (free_.empty()) return std::nullopt;
  const std::uint16_t unit = free_.back();
  free_.pop_back();
  return unit;
}

bool ConnectionPool::leave(Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  const auto place = std::find(line_.begin(), line_.end(), &waiter);
  if (place == line_.end()) return false;
  line_.erase(place);
  return true;
}

std::optional<std::uint16_t> ConnectionPool::take_blocking(Nanos at_most) {
  ThreadWaiter waiter;
  if (const auto unit = take(waiter)) return unit;
  if (const auto unit = waiter.wait(at_most)) return unit;
  if (leave(waiter)) return std::nullopt;
  return waiter.wait(0);
}

void ConnectionPool::give(std::uint16_t unit) {
  Waiter* next = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (line_.empty()) {
      free_.insert(std::lower_bound(free_.begin(), free_.end(), unit, std::greater<>()), unit);
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
