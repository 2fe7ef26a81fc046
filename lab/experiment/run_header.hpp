#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lab/core/scenario.hpp"
#include "results/store/run.hpp"

namespace lab {

struct PreparedExperiment;

/// `2026-11-21T09:30:00Z`
std::string utc_now();

/// What a run records of itself before its first server: scenario, options, seed, and this machine with what
/// the stage found out about it.
RunHeader begin_header(const Scenario& scenario, std::vector<std::string> options, std::uint64_t seed,
                       int planned_repetitions, const PreparedExperiment& stage);

}  // namespace lab
