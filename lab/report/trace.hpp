#pragma once

#include <vector>

#include "lab/core/scenario.hpp"
#include "results/report/report.hpp"
#include "results/store/run.hpp"

namespace lab {

/// What a scenario's `trace` asks to be told besides its table, from the first repetition of each arm and
/// case: the loop step by step in words (`cycle`), or a span for each hop of a request (`path`, medians over
/// the repetitions). Nothing for scenarios without a trace.
std::vector<Note> tell_trace(const Scenario& scenario, const Run& run);

}  // namespace lab
