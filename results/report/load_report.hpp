#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lab/core/record.hpp"
#include "results/report/export.hpp"
#include "results/report/report.hpp"

namespace lab {

/// One quantity of a load's requests, in seconds. A percentile that n cannot carry is not there.
struct LoadFigures {
  std::int64_t n = 0;
  std::optional<double> min, median, p90, p95, p99, max;
  std::vector<double> all{};  ///< in order, where they are too few for any percentile
};

/// How many latencies are below `below_s`, and not below the one before.
struct LatencyBar {
  double below_s = 0;
  std::int64_t count = 0;
};

struct ThresholdRow {
  std::string text;             ///< `p99<200ms`
  std::optional<double> value;  ///< seconds for times, a share or a number otherwise
  std::string measured;         ///< `187 ms`, or why it cannot be said
  bool passed = false;
};

/// What `lab load` found, ready to be told.
struct LoadReport {
  std::vector<std::pair<std::string, std::int64_t>> urls;  ///< with their weights
  std::string method = "GET";
  std::string load;      ///< `closed loop, 10 clients, 10 s`
  std::string arrivals;  ///< burst, closed, …
  int threads = 1, ranks = 1;
  std::uint64_t seed = 0;
  bool complete = true;
  std::string incomplete;  ///< why, where it is not
  double span_s = 0;       ///< from time zero to the last reply, at least to the end of the load's plan
  double requests_per_second = 0;         ///< ok replies / span
  std::optional<double> requested_rate;   ///< of an open load, in the mean of its duration
  LoadFigures latency, uncorrected, lag;  ///< of ok replies
  LoadFigures error_latency;              ///< of whole replies that are errors, from the intended time
  bool exact = true;                      ///< percentiles are of all samples, not of a histogram
  double histogram_error = 0;             ///< relative, where they are
  Books books;
  std::map<int, std::int64_t> statuses;  ///< all whole replies
  std::int64_t bytes_sent = 0, bytes_received = 0;
  std::int64_t connections = 0;                                     ///< opened
  std::optional<double> connect_s;                                  ///< mean
  std::int64_t closed_before = 0, closed_in = 0, closed_after = 0;  ///< of books.errors: closed, by where
  std::int64_t waited_for_connection = 0;  ///< requests whose time had come while none was free
  std::int64_t warm_up = 0;                ///< requests before, in none of the figures
  std::optional<double> burst_skew_s;      ///< last sent - first sent
  std::vector<LatencyBar> bars;
  std::vector<ThresholdRow> thresholds;
  std::vector<Note> remarks;             ///< NOTE and WARN
  std::vector<std::string> other_tools;  ///< what they would have printed; a line each
  std::vector<double> clock_offsets_s;   ///< by MPI rank against rank 0
  std::optional<double> clock_error_s;   ///< half of the longest round trip that measured them
  int cores = 0;
  std::string kernel, noise;
  std::vector<std::pair<std::string, std::string>> environment;
};

/// For a terminal, a projector or a pipe (load_text.cpp).
std::string load_text(const LoadReport& report, const TextStyle& style);
/// `503` where all replies that are errors have one status and nothing else is wrong; otherwise `errors`.
std::string kind_of_error_replies(const LoadReport& report);
/// lab.load/1, one document with a newline at its end (load_json.cpp).
std::string load_json(const LoadReport& report);
/// One row per figure (load_rows.cpp).
std::string load_csv(const LoadReport& report);
/// A table for a README or an issue (load_rows.cpp).
std::string load_markdown(const LoadReport& report);

}  // namespace lab
