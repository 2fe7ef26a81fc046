#pragma once

#include <optional>

#include "harness/diagnosis/observation.hpp"

namespace lab {

/// A request whose reply took longer than that much of one alone had to wait for another one.
constexpr double kWaited = 1.5;

/// Whether a request alone computes for the most of its time; false where that is not known.
bool computes_alone(const Observations& seen);

/// Whether one of these requests had to wait for another one: it took longer than one alone, or, where they
/// compute, fewer threads wanted a core than there were requests, whatever else the machine had to do.
bool has_waited(const KeptBurst& burst, const Observations& seen);

/// How likely what was seen of pairs on kept connections is, as natural logarithms.
struct PairLikelihood {
  double serial = 0;   ///< each pair waits, always
  double pool = 0;     ///< none ever does
  double workers = 0;  ///< each pair always, or never: its connections are with one worker, or with two
  int pairs = 0, waiting = 0;  ///< distinct pairs, and those that mostly waited
};
PairLikelihood weigh_pairs(const Observations& seen);

/// How many workers the kept connections are with: those that wait for each other are with the same one.
int count_workers(const Observations& seen);

/// Mean deviation of a burst's replies from whole multiples of the service time, which is what workers give,
/// however their connections were dealt: 0 where they lie on them, 0.5 where they lie anywhere.
double grid_deviation(const Burst& burst, double service_s);

/// Whether no worker ever had more to do than the fairest dealing gives it; none without a burst that tells.
std::optional<bool> dealt_evenly(const Observations& seen, int workers, double service_s);

}  // namespace lab
