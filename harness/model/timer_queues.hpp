#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "lab/core/clock.hpp"

namespace lab {

/// One queue of timers per distinct duration. Timers of equal duration expire in the order in which they were
/// set, so each queue is a plain first-in-first-out list (linked by the owner of its elements) and only the
/// heads have to be compared. Longer durations come first: of two timers that expire together the longer was
/// set earlier.
class TimerQueues {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  struct Queue {
    Nanos duration = 0;
    Nanos due = kNever;  // of the head
    std::uint32_t head = kNone, tail = kNone;
  };

  /// Makes room for this duration; call it for all before index_of.
  void add(Nanos duration) {
    const auto at = std::lower_bound(queues_.begin(), queues_.end(), duration,
                                     [](const Queue& queue, Nanos value) { return queue.duration > value; });
    if (at == queues_.end() || at->duration != duration) queues_.insert(at, Queue{duration});
  }
  std::uint32_t index_of(Nanos duration) const {
    const auto at = std::find_if(queues_.begin(), queues_.end(),
                                 [&](const Queue& queue) { return queue.duration == duration; });
    return static_cast<std::uint32_t>(at - queues_.begin());
  }

  Queue& operator[](std::uint32_t index) { return queues_[index]; }

  /// The queue whose head expires first; null where all are empty.
  Queue* earliest() {
    Queue* best = nullptr;
    Nanos due = kNever;
    for (Queue& queue : queues_) {
      if (queue.due < due) {
        due = queue.due;
        best = &queue;
      }
    }
    return best;
  }

 private:
  std::vector<Queue> queues_;
};

}  // namespace lab
