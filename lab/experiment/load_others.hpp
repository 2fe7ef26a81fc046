#pragma once

#include <string>
#include <vector>

#include "harness/client/load_generator.hpp"

namespace lab {

/// What wrk, hey, autocannon and a closed loop would have printed of these replies, a line each. `paced`: the
/// load had a rate. One line says why where not every sample is kept.
std::vector<std::string> other_tools_lines(const LoadTotals& totals, bool paced);

}  // namespace lab
