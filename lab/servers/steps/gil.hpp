#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "lab/core/traits.hpp"

namespace lab {

/// One worker's interpreter lock, as CPython has it: whoever runs handler code holds it, gives it back while
/// it waits, and gives way to a thread that has waited for the switch interval. First come, first served; who
/// gave way goes to the end of the line. Thread safety: all of it, from any thread.
class Gil {
 public:
  /// How long somebody had it, and whether anybody else wanted it at the time.
  struct Hold {
    Nanos from = 0, to = 0;
    bool contended = false;
  };

  explicit Gil(Nanos interval = kSwitchInterval) : interval_(interval) {}

  /// Waits for its turn.
  void acquire();
  /// The holder only: hands it to the first in the line.
  Hold release();
  /// The holder only: somebody's patience is over. Costs one load, so it is polled while computing.
  bool wanted() const noexcept { return wanted_.load(std::memory_order_relaxed); }
  /// How many stand in the line.
  std::size_t waiting() const;

 private:
  struct Waiter {
    std::condition_variable turn;
    bool granted = false;
  };
  void wait_for_turn(std::unique_lock<std::mutex>& lock);

  const Nanos interval_;
  mutable std::mutex mutex_;
  std::deque<Waiter*> line_;
  bool held_ = false;
  bool contended_ = false;  // somebody waited for this hold, or during it
  Nanos since_ = 0;         // the last change of the holder
  std::atomic<bool> wanted_{false};
};

}  // namespace lab
