#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lab/core/record.hpp"

namespace lab {

/// One answered request: when it was meant to be sent, and how long it took from then to the end of its
/// reply.
struct Answer {
  double intended_s = 0;
  double latency_s = 0;
};

/// Of the ok records, in the order of their intended times; from the first of these.
std::vector<Answer> answers_of(std::span<const RequestRecord> records);

/// A percentile as a tool names it, 50 for the median; none where the tool prints nothing or zero.
struct ReportedPercentile {
  double percent = 0;
  std::optional<double> latency_s{};
};

struct ReportedLatencies {
  std::vector<ReportedPercentile> percentiles;
  std::int64_t counted = 0;  ///< requests that its percentiles rest on
  std::int64_t added = 0;    ///< entries of its own besides, for requests that it holds to be missing
};

/// What other load generators would have printed of the very same replies. Each reads the latencies alone, as
/// they were measured from the intended time; their own clocks and loads would have added errors of their
/// own.
struct EmulatedTools {
  /// wrk 4.1.0 --latency: a reply past its timeout of 2 s is missing in the histogram (stats_record and
  /// stats_percentile of src/stats.c). Where each of its connections had n replies, it expects one every nth
  /// part of the runtime, and adds to each reply of v those of v - e, v - 2e … down to e (stats_correct). Its
  /// connections are as many as were under way together.
  ReportedLatencies wrk;
  /// hey 0.1.4: value i of n where i * 100 / n first reaches the percentile, each value for one percentile
  /// only; what is left over is printed as 0 (latencies() of requester/report.go).
  ReportedLatencies hey;
  /// autocannon 8: with -R each reply of v ms is counted v times, as v, v-1 … 1 ms, because the interval that
  /// it expects between replies is taken for 1 ms whatever the rate is; without a rate once (onResponse of
  /// lib/run.js and recordSingleValueWithExpectedInterval of hdr-histogram-js).
  ReportedLatencies autocannon;
  /// One client that sends when it has its reply: whatever should have been sent meanwhile is never sent, and
  /// its waiting is missing. Nearest rank over the rest.
  ReportedLatencies closed_loop;
  /// Nearest rank over all of them.
  ReportedLatencies truth;
};

/// `paced`: the load had a rate.
EmulatedTools what_others_print(std::span<const Answer> answers, bool paced);

}  // namespace lab
