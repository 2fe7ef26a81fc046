// What is not how a server executes, yet makes some requests slow: now and then, at its start, on connections
// that are used again.
#pragma once

#include <optional>
#include <vector>

#include "harness/diagnosis/observation.hpp"

namespace lab {

/// Some requests take longer and hold up all others: equal bursts take different times, the more the larger.
struct Stalls {
  double share = 0;   ///< of the requests that do
  double took_s = 0;  ///< each of them, alone
};
std::optional<Stalls> find_stalls(const Observations& seen);

/// The first request took so much longer than later ones.
struct WarmUp {
  double first_s = 0, later_s = 0;
};
std::optional<WarmUp> find_warm_up(const Observations& seen);

/// How much later replies come on a connection that was used before, where that is Nagle's algorithm waiting
/// for an acknowledgement: they come in time once each part is acknowledged at once.
std::optional<double> find_kept_lag(const Observations& seen);

/// A time in which nothing was answered, though it usually is.
struct Pause {
  Nanos at = 0, length = 0;
};
/// In the order of time.
std::vector<Pause> find_pauses(const Observations& seen);

}  // namespace lab
