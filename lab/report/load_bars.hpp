#pragma once

#include <string>
#include <vector>

#include "harness/statistics/distribution.hpp"
#include "results/report/load_report.hpp"

namespace lab {

/// The distribution in at most about ten rows with round limits: even steps where the values are near each
/// other, 1-2-5 steps or powers of ten where they are not.
std::vector<LatencyBar> latency_bars(const Distribution& latencies);

}  // namespace lab
