#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/findings/finding.hpp"
#include "lab/core/scenario.hpp"
#include "results/store/run.hpp"

namespace lab {

/// What one repetition shows. `cores`: that the arm had; `pace`: in the plans of `routes`.
std::vector<Finding> find_in_repetition(const std::vector<Route>& routes, const Arm& arm,
                                        const Case& load_set, int cores, double pace,
                                        const RunRepetition& repetition);

/// What at least half of an arm's repetitions show, told with the figures of the `typical` one of them, or
/// else of the first that shows it. The most costly first.
std::vector<Finding> common_findings(std::vector<std::vector<Finding>> each, std::size_t typical,
                                     const Arm& arm, const Case& load_set, const std::string& engine);

}  // namespace lab
