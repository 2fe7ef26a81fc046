#pragma once

#include <boost/describe.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "harness/statistics/statistics.hpp"
#include "lab/core/error.hpp"

namespace lab {

struct ThresholdRow {
  std::string threshold;        ///< `p99<200ms`
  std::optional<double> value;  ///< seconds for times, a share or a number otherwise
  std::string measured;         ///< `187 ms`, or why it cannot be said
  bool passed = false;
};
BOOST_DESCRIBE_STRUCT(ThresholdRow, (), (threshold, value, measured, passed))

/// A condition on what was measured, as `p99<200ms`, `errors<1%`, `parallelism>=16`.
struct Threshold {
  enum class What { percentile, min, max, mean, error_share, errors, rate, blocked, parallelism };

  std::string text;
  What what = What::percentile;
  bool below = true, or_equal = false;  ///< on which side of the limit it is to be
  double q = 0.5;                       ///< of a percentile
  bool has_prefix = false;              ///< of the latencies that ThresholdWords::prefix names
  double limit = 0;                     ///< seconds, a share, a count or requests per second

  bool is_latency() const { return what <= What::mean; }
  bool about_errors() const { return what == What::error_share || what == What::errors; }
};

/// What a verb's thresholds may be about.
struct ThresholdWords {
  std::string_view prefix;                                               ///< of latencies: `uncorrected.`
  bool needs_prefix = false;                                             ///< there are no others
  std::span<const std::pair<std::string_view, Threshold::What>> others;  ///< besides latencies
  std::string_view known, examples;                                      ///< for errors
};

/// Errors (exit 2) name what is wrong and give an example.
Result<Threshold> parse_threshold(const std::string& text, const ThresholdWords& words);

/// Missed as well where it cannot be said, with the reason.
ThresholdRow cannot_judge(const Threshold& threshold, std::string reason);
ThresholdRow judge(const Threshold& threshold, double value, std::string in_words);
/// `what`: those are too few for a percentile.
ThresholdRow judge(const Threshold& threshold, Distribution& latencies, std::string_view what);

}  // namespace lab
