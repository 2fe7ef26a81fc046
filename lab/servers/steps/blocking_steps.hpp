#pragma once

#include <cstdint>

#include "lab/servers/steps/execution.hpp"

namespace lab {

/// In which thread steps run.
struct Runner {
  int member = -1;       ///< of the process pool, which runs the leaves instead; -1: none
  bool on_loop = false;  ///< a loop stands still meanwhile, so nothing that needs it can be waited for long
};

/// Executes steps in the calling thread, in order, each to its end: a wait sleeps, computing burns, what
/// other models do at once happens one after another. Ends early where the execution fails. `first` is the
/// first step's place.
void run_blocking(PlanExecution& execution, const Plan& plan, StepPlace first, Runner runner = {});
void run_blocking(PlanExecution& execution, const Step& step, StepPlace place, Runner runner = {});

/// The same in a thread of the pool that this execution holds from now to the end of the plan.
void run_in_member(PlanExecution& execution, const Plan& plan, StepPlace first, std::uint16_t unit);

/// A coroutine was made that nobody awaits.
void forget(PlanExecution& execution);

}  // namespace lab
