// Estimates with their intervals, quantiles, comparisons and verdicts: the one place where figures are made
// of samples. All that measures may use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "lab/core/event.hpp"
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

}  // namespace lab
