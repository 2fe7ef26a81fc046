#pragma once

#include <string>

#include "harness/client/load_generator.hpp"
#include "lab/core/error.hpp"
#include "results/report/load_report.hpp"

namespace lab {

/// A condition on a load's result, as `p99<200ms`, `errors<1%`, `rps>=1000`.
struct Threshold {
  enum class What { percentile, min, max, mean, error_share, errors, rate };
  enum class Compare { below, at_most, above, at_least };

  std::string text;
  What what = What::percentile;
  Compare compare = Compare::below;
  double q = 0.5;            ///< of a percentile
  bool uncorrected = false;  ///< of the uncorrected latencies
  double limit = 0;          ///< seconds, a share, a count or requests per second

  bool about_errors() const { return what == What::error_share || what == What::errors; }
};

/// Errors (exit 2) name what is wrong and give an example.
Result<Threshold> parse_threshold(const std::string& text);

/// Missed as well where it cannot be said: a percentile that so few replies do not carry, no reply at all.
ThresholdRow judge(const Threshold& threshold, LoadTotals& totals, double requests_per_second);

}  // namespace lab
