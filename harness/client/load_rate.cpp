#include "harness/client/load_rate.hpp"

#include <algorithm>
#include <cmath>

#include "lab/core/schedule.hpp"

namespace lab {

double RateCurve::due(Nanos at) const {
  const double time = seconds(std::max<Nanos>(at, 0));
  const double ramped = std::min(time, seconds(ramp));
  double count = (time - ramped) * to;
  if (ramp > 0) count += from * ramped + (to - from) * ramped * ramped / (2 * seconds(ramp));
  return count;
}

Nanos RateCurve::when(double count) const {
  const double climbed = due(ramp);
  double time = 0;
  if (count <= 0) return 0;
  if (count >= climbed) {
    if (to <= 0) return kNever;
    time = seconds(ramp) + (count - climbed) / to;
  } else {
    // from t + slope t^2 / 2 = count; in this form it is exact for a slope of zero as well.
    const double slope = (to - from) / seconds(ramp);
    time = 2 * count / (from + std::sqrt(std::max(0.0, from * from + 2 * slope * count)));
  }
  return to_nanos(time);
}

ArrivalTimes::ArrivalTimes(Arrivals arrivals, const RateCurve& curve, std::int64_t requests, Nanos until,
                           LoadShare share, std::uint64_t seed)
    : arrivals_(arrivals),
      curve_(curve),
      left_(requests < 0 ? requests : share.part_of(requests)),
      until_(until),
      share_(share),
      random_(seed + 0x51ED2701ULL * static_cast<std::uint64_t>(share.index + 1)) {
  find_next();
}

void ArrivalTimes::find_next() {
  if (left_ == 0) {
    next_ = kNever;
  } else if (arrivals_ == Arrivals::burst) {
    next_ = 0;
  } else if (arrivals_ == Arrivals::poisson) {
    sum_ += next_exponential(random_) * static_cast<double>(share_.of);
    next_ = curve_.when(sum_);
  } else {
    next_ = curve_.when(static_cast<double>(share_.index + given_ * share_.of));
  }
  if (next_ >= until_) next_ = kNever;
}

void ArrivalTimes::advance() {
  ++given_;
  if (left_ > 0) --left_;
  find_next();
}

std::int64_t ArrivalTimes::count_rest() {
  std::int64_t count = 0;
  if (left_ >= 0 && until_ == kNever && next_ != kNever) {
    count = left_;
  } else {
    for (; next_ != kNever; advance()) ++count;
  }
  left_ = 0;
  next_ = kNever;
  return count;
}

}  // namespace lab
