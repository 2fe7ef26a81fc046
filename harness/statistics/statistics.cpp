#include "harness/statistics/statistics.hpp"

#include <algorithm>
#include <array>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>

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

}  // namespace lab
