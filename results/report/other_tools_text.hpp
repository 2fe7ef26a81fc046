#pragma once

#include <string>

#include "harness/analysis/other_tools.hpp"
#include "harness/client/load_generator.hpp"
#include "lab/core/scenario.hpp"
#include "results/report/export.hpp"
#include "results/store/run.hpp"

namespace lab {

/// What wrk, hey, autocannon and a closed loop would have printed of these replies, a line each. `paced`: the
/// load had a rate. One line says why where not every sample is kept.
std::vector<std::string> other_tools_lines(const LoadTotals& totals, bool paced);

/// A line for each tool, with what is wrong with its figures.
std::string other_tools_text(const OtherTools& others, const TextStyle& style);

/// The same for the first repetition of every arm, case and route of a run: such a tool runs once, against
/// one address.
std::string other_tools_text(const Run& run, const Scenario& scenario, const TextStyle& style);

}  // namespace lab
