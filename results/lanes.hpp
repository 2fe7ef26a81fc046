#pragma once

#include <string>
#include <vector>

#include "results/export.hpp"
#include "results/report.hpp"

namespace lab {

/// The requests of the two most telling arms as lanes on one time scale: the arm that took longest, and the
/// fastest of those whose requests wait while their loop is free. Empty where no arm has lanes. At most ten
/// lines.
std::vector<std::string> draw_lanes(const Report& report, const TextStyle& style);

}  // namespace lab
