#pragma once

#include "lab/core/scenario.hpp"
#include "results/report/trace_input.hpp"
#include "results/store/run.hpp"

namespace lab {

/// Who held what in every repetition, as tracks: the loop of each worker, its turns, each member of its pool,
/// each thread, its GIL, its connections to a database, the workers of its queues. Refuses a run whose
/// servers left no events. The result points into `run`.
Result<TraceInput> trace_of(const Scenario& scenario, const Run& run);

}  // namespace lab
