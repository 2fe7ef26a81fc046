#include "harness/statistics/statistics.hpp"

#include <algorithm>
#include <array>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cassert>
#include <cmath>
#include <numeric>

namespace lab {

namespace {

constexpr std::size_t kLeastForInterval = 6;
constexpr double kWantedCoverage = 0.95;
constexpr double kDocumentedRoom = 0.2;
constexpr double kCpuBoundRoom = 0.03;
constexpr double kOutlierLimit = 3.5;
// Seconds made of integer nanoseconds: anything smaller is the rounding of a double, not a difference.
constexpr double kRounding = 1e-9;

// Of sorted values; the middle of the two in the middle where n is even.
double median_of_sorted(std::span<const double> sorted) {
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// The rank r whose interval from the r-th smallest to the r-th largest value covers the median with a
// probability nearest to the wanted one: 1 - 2 P(Bin(n, 1/2) < r).
std::size_t interval_rank(std::size_t n) {
  const boost::math::binomial heads(static_cast<double>(n), 0.5);
  std::size_t best = 1;
  double best_distance = 1;
  double below = 0;
  for (std::size_t rank = 1; rank <= n / 2; ++rank) {
    below += boost::math::pdf(heads, static_cast<double>(rank - 1));
    const double distance = std::abs(1 - 2 * below - kWantedCoverage);
    if (distance < best_distance) {
      best_distance = distance;
      best = rank;
    }
  }
  return best;
}

Verdict place(double measured, double documented) {
  const double room = kDocumentedRoom * std::abs(documented) * (1 + kRounding);
  if (std::abs(measured - documented) <= room) return Verdict::reproduced;
  return measured < documented ? Verdict::faster : Verdict::slower;
}

constexpr std::size_t kMaxExact = 120;  // values in all: a table of a million sums, some tens of milliseconds
constexpr double kProbabilityRounding = 1e-9;  // of sums of probabilities

/// Twice the midranks of both samples together, so that they are whole numbers; those of `a` first.
std::vector<std::int64_t> doubled_ranks(std::span<const double> a, std::span<const double> b) {
  std::vector<double> values(a.begin(), a.end());
  values.insert(values.end(), b.begin(), b.end());
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t x, std::size_t y) { return values[x] < values[y]; });
  std::vector<std::int64_t> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last + 1 < order.size() && values[order[last + 1]] == values[order[first]]) ++last;
    for (std::size_t i = first; i <= last; ++i)
      ranks[order[i]] = static_cast<std::int64_t>(first + last + 2);  // ranks count from 1
    first = last + 1;
  }
  return ranks;
}

/// P(sum of the chosen ranks = s) where every choice of `chosen` ranks is equally likely.
std::vector<double> sum_distribution(const std::vector<std::int64_t>& ranks, std::size_t chosen) {
  const auto most = static_cast<std::size_t>(std::accumulate(ranks.begin(), ranks.end(), std::int64_t{0}));
  std::vector<std::vector<double>> ways(chosen + 1, std::vector<double>(most + 1, 0));
  ways[0][0] = 1;
  std::size_t reached = 0;
  for (std::size_t taken = 0; taken < ranks.size(); ++taken) {
    const auto rank = static_cast<std::size_t>(ranks[taken]);
    reached += rank;
    for (std::size_t k = std::min(chosen, taken + 1); k >= 1; --k) {
      for (std::size_t sum = reached; sum >= rank; --sum) ways[k][sum] += ways[k - 1][sum - rank];
    }
  }
  std::vector<double> chances = std::move(ways[chosen]);
  const double all = std::accumulate(chances.begin(), chances.end(), 0.0);
  for (double& chance : chances) chance /= all;
  return chances;
}

double rank_sum(const std::vector<std::int64_t>& ranks, std::size_t a) {
  return static_cast<double>(
      std::accumulate(ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(a), std::int64_t{0}));
}

/// P(as far from its mean as it was observed, or further).
double exact_p(const std::vector<std::int64_t>& ranks, std::size_t a) {
  const double n = static_cast<double>(ranks.size());
  const double mean = static_cast<double>(a) * (n + 1);  // of doubled ranks
  const double distance = std::abs(rank_sum(ranks, a) - mean);
  const std::vector<double> chances = sum_distribution(ranks, a);
  double p = 0;
  for (std::size_t sum = 0; sum < chances.size(); ++sum) {
    if (std::abs(static_cast<double>(sum) - mean) >= distance) p += chances[sum];
  }
  return std::min(1.0, p);
}

/// The same for many values: normal, corrected for ties and for continuity (Lehmann, Nonparametrics, 1.5).
double normal_p(const std::vector<std::int64_t>& ranks, std::size_t a) {
  const double n = static_cast<double>(ranks.size());
  const double m = static_cast<double>(a);
  double squares = 0;
  for (const std::int64_t rank : ranks) squares += std::pow(static_cast<double>(rank) / 2 - (n + 1) / 2, 2);
  const double deviation = std::sqrt(m * (n - m) / (n * (n - 1)) * squares);
  if (deviation == 0) return 1;
  const double distance = std::abs(rank_sum(ranks, a) / 2 - m * (n + 1) / 2) - 0.5;
  if (distance <= 0) return 1;
  return 2 * boost::math::cdf(boost::math::complement(boost::math::normal(), distance / deviation));
}

/// The largest C whose interval, from the C-th smallest to the C-th largest difference, still carries 95 %; 0
/// where none does: 2 P(U < C) must not be above the risk.
std::size_t interval_rank(std::size_t a, std::size_t b) {
  const double m = static_cast<double>(a);
  const double n = static_cast<double>(b);
  if (a + b > kMaxExact) {
    const double z = boost::math::quantile(boost::math::normal(), 1 - kRisk / 2);
    const double rank = m * n / 2 - z * std::sqrt(m * n * (m + n + 1) / 12);
    return rank < 1 ? 0 : static_cast<std::size_t>(rank);
  }
  std::vector<std::int64_t> untied;
  for (std::size_t i = 1; i <= a + b; ++i) untied.push_back(static_cast<std::int64_t>(2 * i));
  const std::vector<double> chances = sum_distribution(untied, a);
  double below = 0;
  std::size_t rank = 0;
  // U counts from the least sum, in twos.
  for (std::size_t sum = a * (a + 1); sum < chances.size(); sum += 2) {
    below += chances[sum];
    if (2 * below > kRisk + kProbabilityRounding) break;
    ++rank;
  }
  return rank;
}

}  // namespace

Estimate summarise(std::vector<double> values) {
  Estimate summary;
  summary.samples = std::move(values);
  if (summary.samples.empty()) return summary;
  std::vector<double> sorted = summary.samples;
  std::ranges::sort(sorted);
  summary.median = median_of_sorted(sorted);
  if (sorted.size() >= kLeastForInterval) {
    const std::size_t rank = interval_rank(sorted.size());
    summary.low = sorted[rank - 1];
    summary.high = sorted[sorted.size() - rank];
  }
  return summary;
}

double median_of(std::vector<double> values) {
  std::ranges::sort(values);
  return median_of_sorted(values);
}

std::ptrdiff_t rank_of(double q, std::size_t n) {
  // 0.9 * 10 is a little more than 9 in binary: the rank is 9 all the same.
  const double rank = std::ceil(q * static_cast<double>(n) * (1 - kRounding));
  return static_cast<std::ptrdiff_t>(std::clamp(rank, 1.0, static_cast<double>(n)));
}

std::optional<double> nearest_rank(std::span<const double> values, double q) {
  if (values.empty()) return std::nullopt;
  std::vector<double> copy(values.begin(), values.end());
  const auto place = copy.begin() + rank_of(q, copy.size()) - 1;
  std::nth_element(copy.begin(), place, copy.end());
  return *place;
}

bool carries_percentile(std::int64_t n, double q) {
  // With fewer than ln 0.05 / ln q values the chance is above 5 % that all of them lie below the quantile:
  // the largest would be printed in its place.
  return q <= 0.5 || q >= 1 || std::pow(q, static_cast<double>(n)) <= 0.05;
}

std::optional<double> supported_percentile(std::span<const double> values, double q) {
  return carries_percentile(static_cast<std::int64_t>(values.size()), q) ? nearest_rank(values, q)
                                                                         : std::nullopt;
}

std::vector<std::size_t> outliers(std::span<const double> values) {
  if (values.empty()) return {};
  const double median = median_of({values.begin(), values.end()});
  std::vector<double> deviations;
  double sum = 0;
  for (const double value : values) {
    deviations.push_back(std::abs(value - median));
    sum += deviations.back();
  }
  // The factors make both the standard deviation where values are normal; the mean is for more than half of
  // them equal.
  double scale = 1.4826 * median_of(deviations);
  if (scale == 0) scale = 1.253314 * sum / static_cast<double>(values.size());
  std::vector<std::size_t> found;
  for (std::size_t index = 0; index < values.size(); ++index) {
    if (scale > 0 && deviations[index] > kOutlierLimit * scale) found.push_back(index);
  }
  return found;
}

std::string_view to_string(Verdict verdict) {
  constexpr std::array<std::string_view, 7> kNames{"reproduced",   "faster",           "slower", "impossible",
                                                   "inconclusive", "instrument-fault", "none"};
  return kNames[static_cast<std::size_t>(verdict)];
}

Verdict judge(const Estimate& measured, std::optional<double> documented, std::optional<double> bound) {
  if (!documented || measured.samples.empty()) return Verdict::none;
  if (bound && *documented < *bound * (1 - kRounding)) return Verdict::impossible;
  const Verdict verdict = place(measured.median, *documented);
  const bool crosses =
      measured.low && measured.high &&
      (place(*measured.low, *documented) != verdict || place(*measured.high, *documented) != verdict);
  return crosses ? Verdict::inconclusive : verdict;
}

double least_possible(double bound, bool bound_has_cpu) {
  return bound * (1 - (bound_has_cpu ? kCpuBoundRoom : kRounding));
}

bool below_bound(double measured, double bound, bool bound_has_cpu) {
  return measured < least_possible(bound, bound_has_cpu);
}

Shift compare_samples(std::span<const double> a, std::span<const double> b) {
  assert(!a.empty() && !b.empty());
  std::vector<double> differences;
  differences.reserve(a.size() * b.size());
  for (const double before : a) {
    for (const double after : b) differences.push_back(after - before);
  }
  std::ranges::sort(differences);
  Shift shift;
  shift.estimate = median_of(differences);
  const std::size_t rank = std::min(interval_rank(a.size(), b.size()), (differences.size() + 1) / 2);
  if (rank > 0) {
    shift.low = differences[rank - 1];
    shift.high = differences[differences.size() - rank];
  }
  const std::vector<std::int64_t> ranks = doubled_ranks(a, b);
  shift.exact = ranks.size() <= kMaxExact;
  shift.p = shift.exact ? exact_p(ranks, a.size()) : normal_p(ranks, a.size());
  shift.min_attainable_p = min_attainable_p(a.size(), b.size());
  const auto [least_a, most_a] = std::ranges::minmax_element(a);
  const auto [least_b, most_b] = std::ranges::minmax_element(b);
  const double gap = std::max(*least_b - *most_a, *least_a - *most_b);
  shift.apart = gap > std::max({0.0, *most_a - *least_a, *most_b - *least_b});
  return shift;
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t x, std::size_t y) { return p[x] < p[y]; });
  std::vector<double> adjusted(p.size());
  double least = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    least = std::max(least, std::min(1.0, static_cast<double>(p.size() - i) * p[order[i]]));
    adjusted[order[i]] = least;
  }
  return adjusted;
}

double min_attainable_p(std::size_t a, std::size_t b) {
  double ways = 1;  // to choose a of a + b
  for (std::size_t i = 1; i <= a; ++i) ways *= static_cast<double>(b + i) / static_cast<double>(i);
  return std::min(1.0, 2 / ways);
}

std::size_t needed_repetitions(std::size_t comparisons) {
  std::size_t n = 1;
  while (static_cast<double>(comparisons) * min_attainable_p(n, n) > kRisk) ++n;
  return n;
}

void Distribution::note(Nanos smallest, Nanos largest, std::int64_t count) {
  min_ = size_ == 0 ? smallest : std::min(min_, smallest);
  max_ = size_ == 0 ? largest : std::max(max_, largest);
  size_ += count;
}

void Distribution::pour() {
  if (histogram_) return;
  histogram_.emplace();
  for (const Nanos value : exact_) histogram_->add(value);
  exact_ = {};
}

void Distribution::add(std::span<const Nanos> values) {
  if (values.empty()) return;
  const auto [smallest, largest] = std::ranges::minmax_element(values);
  note(*smallest, *largest, static_cast<std::int64_t>(values.size()));
  if (static_cast<std::size_t>(size_) > most_exact_) pour();
  if (histogram_) {
    for (const Nanos value : values) histogram_->add(value);
  } else {
    exact_.insert(exact_.end(), values.begin(), values.end());
  }
}

void Distribution::add(const Histogram& counts) {
  if (counts.count() == 0) return;
  note(counts.min(), counts.max(), static_cast<std::int64_t>(counts.count()));
  pour();
  histogram_->merge(counts);
}

void Distribution::merge(const Distribution& other) {
  add(other.exact_);
  if (other.histogram_) add(*other.histogram_);
}

std::optional<Nanos> Distribution::quantile(double q) {
  if (histogram_) return histogram_->quantile(q);
  if (size_ == 0) return std::nullopt;
  const auto place = exact_.begin() + rank_of(q, exact_.size()) - 1;
  std::nth_element(exact_.begin(), place, exact_.end());
  return *place;
}

std::optional<Nanos> Distribution::supported_quantile(double q) {
  return carries_percentile(size_, q) ? quantile(q) : std::nullopt;
}

void Distribution::for_each(const std::function<void(Nanos, std::int64_t)>& visit) const {
  for (const Nanos value : exact_) visit(value, 1);
  if (!histogram_) return;
  histogram_->for_each(
      [&](Nanos value, std::uint64_t count) { visit(value, static_cast<std::int64_t>(count)); });
}

}  // namespace lab
