#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace lab {

/// The risk that a difference is claimed where there is none; intervals carry the rest.
inline constexpr double kRisk = 0.05;

/// What two samples say of each other. Positive: `b` is larger.
struct Shift {
  double estimate = 0;              ///< Hodges-Lehmann: the median of all b - a
  std::optional<double> low, high;  ///< none where the samples are too small to carry 95 %
  double p = 1;                     ///< two-sided, Mann-Whitney
  double min_attainable_p = 1;      ///< the smallest that samples of these sizes can give
  /// No value of one lies among the other's, and the gap between them is wider than the range of either.
  bool apart = false;
  bool exact = true;  ///< every way to deal the ranks was counted; otherwise the normal approximation
};

/// Two independent samples, at least one value each (an assertion). p: Mann and Whitney 1947, from the exact
/// distribution of the rank sum given the ties (midranks; Lehmann, Nonparametrics, 1.4) up to 120 values in
/// all, from there the normal one with the correction for ties. The interval goes from the C-th smallest to
/// the C-th largest difference, the narrowest that carries 95 % (Hollander and Wolfe, Nonparametric
/// Statistical Methods, 4.3).
Shift compare_samples(std::span<const double> a, std::span<const double> b);

/// Several p values judged together: each times the number of those that are not smaller, in order, at most 1
/// (Holm 1979). The result stands in the order of the input.
std::vector<double> holm(std::span<const double> p);

/// The smallest two-sided p that `a` against `b` values without ties can give.
double min_attainable_p(std::size_t a, std::size_t b);

/// How many repetitions of each are needed before `comparisons` together could show any difference.
std::size_t needed_repetitions(std::size_t comparisons);

}  // namespace lab
