#pragma once

#include "harness/client/load_generator.hpp"
#include "lab/report/load_request.hpp"
#include "results/report/load_report.hpp"

namespace lab {

/// What the totals of all shares mean: figures, distribution, thresholds and remarks. Reorders the samples.
LoadReport summarise_load(const LoadRequestOptions& options, LoadTotals& totals);

/// 1 where a threshold is missed, or a request failed and no threshold is about errors; 3 where no request
/// got any reply; 0 otherwise.
int load_exit_code(const LoadRequestOptions& options, const LoadReport& report);

}  // namespace lab
