#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lab/core/scenario.hpp"
#include "results/store/run.hpp"
#include "results/store/set_aside.hpp"

namespace lab {

/// One virtual repetition under the arm's own rules, on a machine of that many cores. `lot` and `slice`:
/// other ways in which the kernel may decide.
RunRepetition simulate_repetition(const Scenario& scenario, const Arm& arm, const Case& load_case, int cores,
                                  int number, std::uint64_t seed, bool with_events, std::uint64_t lot = 0,
                                  Nanos slice = 0);

/// A stat of one repetition, from all the evidence that it left. Where requests failed that the scenario did
/// not ask to fail, the rest was sooner done than all would have been: such a repetition has no makespan, and
/// a request that failed counts as slower than all others.
/// In seconds, bytes or a count, as the stat is; nothing where the repetition left no such value.
std::optional<double> evaluate(const Stat& stat, const RunRepetition& repetition,
                               const std::vector<Route>& routes, const Case& load_case);

}  // namespace lab
