#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lab/core/scenario.hpp"
#include "results/report/repetition.hpp"

namespace lab {

/// What a framework computes for each request besides the plan.
struct OwnTime {
  std::string case_id;  ///< that showed it
  Nanos each = 0;       ///< 0: not known
};

/// From the case in which most requests go one behind the other, by how much later than predicted it ended:
/// where a server has time to spare nobody sees it. Not where fewer than ten do, where the dealing of
/// connections is left to chance, or where something failed. `measured`: the arm's repetitions, by case.
OwnTime find_own_time(const Scenario& scenario, const Arm& arm, int cores,
                      const std::vector<std::uint64_t>& seeds,
                      const std::map<std::string, std::vector<const RunRepetition*>>& measured);

/// The scenario with so much computing more in each handler.
Scenario with_own_time(const Scenario& scenario, Nanos each);

}  // namespace lab
