#pragma once

#include <string>
#include <vector>

#include "results/report/export.hpp"
#include "results/report/report.hpp"

namespace lab {

/// The requests of the two most telling arms as lanes on one time scale: the arm that took longest, and the
/// fastest of those whose requests wait while their loop is free. Of several cases the first in which the
/// former's requests queue longer than in its first one, else that which took longest. A server of one's own
/// is one of the two. Empty where no arm has lanes. A few lines an arm, and one more for each arm of which
/// only the first requests are known.
std::vector<std::string> draw_lanes(const Report& report, const TextStyle& style);

}  // namespace lab
