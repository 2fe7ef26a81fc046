#include "harness/diagnosis/limits.hpp"

#include <algorithm>

#include "harness/diagnosis/burst_fit.hpp"

namespace lab {

std::optional<Limit> find_refusing_limit(const Observations& seen) {
  if (!seen.limit_probe) return std::nullopt;
  const LimitProbe& probe = *seen.limit_probe;
  Limit limit;
  limit.status = probe.status;
  limit.per_second = probe.per_second.value_or(0);
  // The fewest that were served of more: where one is ready early, another takes its place.
  if (probe.in_flight) limit.in_flight = probe.at_once - 1;
  return limit;
}

double rested_seconds(const Observations& seen) {
  std::vector<double> values;
  for (const Nanos latency : seen.rested) values.push_back(seconds(latency));
  return median_of(values);
}

std::optional<Limit> find_delaying_limit(const Observations& seen, double slope_s) {
  constexpr double kMuchLess = 0.6;
  if (seen.rested.size() < 2 || rested_seconds(seen) > kMuchLess * slope_s) return std::nullopt;
  Limit limit;
  limit.per_second = 1 / slope_s;
  return limit;
}

}  // namespace lab
