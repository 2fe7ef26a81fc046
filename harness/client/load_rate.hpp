#pragma once

#include <cstdint>

#include "lab/core/clock.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

/// Requests per second over time: from `from` to `to` within `ramp`, then `to` for ever.
struct RateCurve {
  double from = 0, to = 0;
  Nanos ramp = 0;

  /// How many requests are due within [0, at]: the integral of the rate.
  double due(Nanos at) const;
  /// When the integral reaches `count`; kNever where it does not.
  Nanos when(double count) const;
};

/// One generator of several (threads, MPI ranks) that share a load: it sends every `of`-th request.
struct LoadShare {
  std::int64_t index = 0, of = 1;
  /// Its part of a total that is dealt in turn.
  std::int64_t part_of(std::int64_t total) const { return total / of + (index < total % of ? 1 : 0); }
};

/// The intended times of an open load's requests, one after another; allocates nothing.
class ArrivalTimes {
 public:
  /// `arrivals`: burst (all at 0), constant or staggered (evenly along the curve), poisson (the same in the
  /// mean). `requests`: of all shares together, negative: without end. None at or after `until`. The
  /// shares of a Poisson process are Poisson processes; the others are dealt in turn.
  ArrivalTimes(Arrivals arrivals, const RateCurve& curve, std::int64_t requests, Nanos until, LoadShare share,
               std::uint64_t seed);

  /// The next one's time; kNever: there is none.
  Nanos next() const { return next_; }
  void advance();
  /// How many there are from the next one on; ends the sequence.
  std::int64_t count_rest();

 private:
  void find_next();

  Arrivals arrivals_;
  RateCurve curve_;
  std::int64_t left_;  // negative: without end
  Nanos until_;
  LoadShare share_;
  std::int64_t given_ = 0;
  double sum_ = 0;  // poisson: of the exponential steps
  std::uint64_t random_;
  Nanos next_ = kNever;
};

}  // namespace lab
