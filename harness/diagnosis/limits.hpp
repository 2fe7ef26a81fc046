#pragma once

#include <optional>

#include "harness/diagnosis/observation.hpp"

namespace lab {

/// What a server lets in.
struct Limit {
  int in_flight = 0;      ///< so many at once, and the next one is refused; 0: it is a rate
  double per_second = 0;  ///< requests; 0: not known, or not a rate
  int status = 0;         ///< of those that are refused; 0: they are delayed
};

/// From what was refused, and from what was asked after it.
std::optional<Limit> find_refusing_limit(const Observations& seen);

/// A server that delays what comes too fast looks like one that serves one at a time, `slope_s` each; but
/// that a request after a pause is served in much less. None where it is not so.
std::optional<Limit> find_delaying_limit(const Observations& seen, double slope_s);

/// The latency after a pause.
double rested_seconds(const Observations& seen);

}  // namespace lab
