// Estimates with their intervals, quantiles, comparisons and verdicts: the one place where figures are made
// of samples. All that measures may use it.
#pragma once

#include <boost/describe/class.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/core/event.hpp"
#include "lab/core/histogram.hpp"
#include "lab/core/record.hpp"
#include "lab/core/scenario.hpp"
#include "lab/core/stat.hpp"

namespace lab {

/// Median over repetitions with an interval from order statistics: none below six; n = 6: minimum to maximum
/// (96.9 %); n = 9: ranks 2 to 8 (96.1 %); larger n: the ranks whose coverage is nearest to 95 %
/// (distribution-free, binomial: David and Nagaraja, Order Statistics, 7.1).
struct Estimate {
  double median = 0;
  std::optional<double> low, high;
  std::vector<double> samples;  ///< in the order of the repetitions
};

Estimate summarise(std::vector<double> values);

/// The middle of the two in the middle where their number is even. Must not be empty.
double median_of(std::vector<double> values);

/// The nearest rank of a quantile among n values, from 1: ceil(q * n).
std::ptrdiff_t rank_of(double q, std::size_t n);

/// Exact nearest-rank quantile, 0 < q <= 1, of unsorted values. Empty input gives none.
std::optional<double> nearest_rank(std::span<const double> values, double q);

/// Do n values carry that quantile?
bool carries_percentile(std::int64_t n, double q);

/// As nearest_rank, but only where n supports it: p90 from 29, p95 from 59, p99 from 299.
std::optional<double> supported_percentile(std::span<const double> values, double q);

/// Indices of values further than 3.5 scaled MADs from the median (Iglewicz and Hoaglin 1993). Flagged, never
/// dropped.
std::vector<std::size_t> outliers(std::span<const double> values);

/// What one repetition left, for the stats to read. Without events, or without what its server used, the
/// stats that need them have no value.
struct RepetitionData {
  std::span<const RequestRecord> records;
  std::span<const Route> routes;
  const Events* events = nullptr;     ///< in order of time
  const ServerUse* server = nullptr;  ///< of measured repetitions only
  std::span<const Kill> kills{};      ///< of its case
  Nanos began = 0;                    ///< the load's time zero, from which kills count
  bool reported_by_headers = false;   ///< what is known of the server comes from its replies (stamps.hpp)
  /// Requests that failed although nobody asked for it; may be empty.
  std::function<bool(const RequestRecord&)> is_failure{};
  /// Gives all events, where `events` has only some of them.
  std::function<void(const std::function<void(const Event&)>&)> each_event{};
};

/// Evaluates one stat over one repetition: seconds for times, bytes for memory, a plain number otherwise.
/// None where no request of that kind was answered, or n does not carry the percentile. Times count ok
/// replies only; makespan: first sent to last received; turnaround: of each request that is followed up, from
/// its intended time to its last follow-up's reply, where that was ok. A failure would have been later, and
/// slower than all others: with one there is no makespan, and times count it as longer than any.
std::optional<double> evaluate(const Stat& stat, const RepetitionData& data);

/// Evaluates a stat of the server as a whole (Stat::of_server). None where what it needs is missing.
///
/// Work is `lost` by request: its job was reported lost (event `lost`); or its handler had begun, and neither
/// finished nor was cancelled, when its worker died; or a step of it, after the reply or in a queue, had
/// begun by then and never ended. A worker died when RepetitionData::kills says so. Without them only a
/// handler that began and never ended, and whose client saw the connection reset or closed, is known to be
/// cut off.
std::optional<double> server_stat(const Stat& stat, const RepetitionData& data);

/// A documented figure against a measured summary (measurement.md).
enum class Verdict : std::uint8_t {
  reproduced,
  faster,
  slower,
  impossible,
  inconclusive,
  instrument_fault,
  none
};

std::string_view to_string(Verdict verdict);

/// reproduced: within 20 %; impossible: `documented` is below `bound`; inconclusive: the interval crosses the
/// border of the verdict. None without a documented figure.
Verdict judge(const Estimate& measured, std::optional<double> documented, std::optional<double> bound);

/// The least that may be measured: bounds of waits allow nothing below them, bounds with CPU work 3 %.
double least_possible(double bound, bool bound_has_cpu);

/// Is a measured value below what physics allows?
bool below_bound(double measured, double bound, bool bound_has_cpu);

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

/// All values of one quantity: exact up to kMaxExact of them, a histogram beyond.
class Distribution {
 public:
  static constexpr std::size_t kMaxExact = 10'000'000;

  explicit Distribution(std::size_t most_exact = kMaxExact) : most_exact_(most_exact) {}

  void add(std::span<const Nanos> values);
  void add(const Histogram& counts);
  /// The same as if all of the other's values had been added here.
  void merge(const Distribution& other);

  std::int64_t size() const { return size_; }
  bool is_exact() const { return !histogram_; }
  Nanos min() const { return min_; }
  Nanos max() const { return max_; }
  /// Nearest rank, 0 < q <= 1; of the histogram with its error. None without values. Reorders the exact ones.
  std::optional<Nanos> quantile(double q);
  /// As quantile(), where so many values carry it (measurement.md).
  std::optional<Nanos> supported_quantile(double q);
  /// Calls `visit(value, count)` for every exact value or every part of the histogram that has any.
  void for_each(const std::function<void(Nanos, std::int64_t)>& visit) const;
  /// The exact values, in no order; empty where there is a histogram.
  std::span<const Nanos> exact() const { return exact_; }

 private:
  BOOST_DESCRIBE_CLASS(Distribution, (), (), (), (most_exact_, exact_, histogram_, size_, min_, max_))

  void note(Nanos smallest, Nanos largest, std::int64_t count);
  void pour();

  std::size_t most_exact_;
  std::vector<Nanos> exact_;
  std::optional<Histogram> histogram_;
  std::int64_t size_ = 0;
  Nanos min_ = 0, max_ = 0;
};

}  // namespace lab
