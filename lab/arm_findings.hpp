#pragma once

#include <vector>

#include "harness/findings/finding.hpp"
#include "lab/core/scenario.hpp"
#include "results/run.hpp"

namespace lab {

/// What at least half of an arm's repetitions show, told with the figures of `typical`, one of them. The most
/// costly first. `cores`: that the arm had; `pace`: in the plans of
/// `routes`.
std::vector<Finding> find_arm_findings(const std::vector<Route>& routes, const Arm& arm, const Case& load_set,
                                       int cores, double pace,
                                       const std::vector<const RunRepetition*>& repetitions,
                                       const RunRepetition& typical);

}  // namespace lab
