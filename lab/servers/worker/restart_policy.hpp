#pragma once

#include <deque>
#include <optional>

#include "lab/core/clock.hpp"

namespace lab {

/// When to start a worker again, and when to stop trying. A pure function of what it is told; not
/// thread-safe.
class RestartPolicy {
 public:
  /// A worker has died. `lived`: since its start; `replied`: it had answered a request. The moment to start
  /// it again, or nothing: too many died young.
  std::optional<Nanos> on_death(Nanos now, Nanos lived, bool replied);

 private:
  std::deque<Nanos> young_deaths_;
};

}  // namespace lab
