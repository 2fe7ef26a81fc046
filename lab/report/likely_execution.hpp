#pragma once

#include <string>
#include <vector>

#include "results/store/run.hpp"

namespace lab {

/// How a server that tells nothing of itself executes, in words, from the times of its replies alone: the
/// bursts of all repetitions are given to what `lab diagnose` concludes from its own. `plan_s`: one request's
/// time when nothing is in its way. Empty where the load is more than one burst, something failed, or the
/// replies fit several ways.
std::string likely_execution(const std::vector<const RunRepetition*>& repetitions, double plan_s,
                             bool computes);

}  // namespace lab
