#pragma once

#include <string_view>

#include "lab/core/plan.hpp"
#include "lab/servers/steps/execution.hpp"

namespace lab {

/// The worker's task queues as a handler sees them. Thread safety: all of it, from any thread.
class JobDesk {
 public:
  JobDesk() = default;
  JobDesk(const JobDesk&) = delete;
  JobDesk& operator=(const JobDesk&) = delete;
  virtual ~JobDesk() = default;

  /// Queues the job and leaves its id, or why there is no place, as the execution's reply. `place` is that of
  /// the step itself; its steps come behind it.
  virtual void enqueue(PlanExecution& execution, const Enqueue& job, StepPlace place) = 0;
  /// Leaves the state of the job that `id` names as the execution's reply.
  virtual void fetch(PlanExecution& execution, const FetchResult& fetch, std::string_view id) = 0;
};

}  // namespace lab
