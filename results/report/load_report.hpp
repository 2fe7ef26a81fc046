#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/analysis/other_tools.hpp"
#include "harness/client/load_address.hpp"
#include "harness/client/load_generator.hpp"
#include "harness/statistics/statistics.hpp"
#include "lab/core/error.hpp"
#include "lab/core/record.hpp"
#include "lab/core/scenario.hpp"
#include "results/render/page.hpp"
#include "results/report/report.hpp"
#include "results/report/threshold.hpp"
#include "results/store/run.hpp"

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

/// Latencies, errors and the rate of a load.
extern const ThresholdWords kLoadThresholds;
ThresholdRow judge(const Threshold& threshold, LoadTotals& totals, double requests_per_second);

/// What a load was to be.
struct LoadTask {
  struct WeightedUrl {
    Url url;
    std::int64_t weight = 1;
  };
  std::vector<WeightedUrl> urls;
  GeneratorPlan plan;  ///< all of it but the addresses and the requests
  std::string load;    ///< in words: `closed loop, 10 clients for 10 s`
  std::optional<double> requested_rate;
  std::vector<Threshold> thresholds;
  bool emulated_tools = false;
};

/// `limited`: to a number of connections that was asked for.
std::string load_in_words(const EnginePlan& plan, bool limited, int threads);

struct LoadUrl {
  std::string url;
  std::int64_t weight = 1;
};

/// How often the server closed a connection, and where.
struct LoadClosings {
  std::int64_t before_reply = 0, in_reply = 0;
  std::int64_t after_reply = 0;  ///< behind the reply to the request before
};

/// Of MPI ranks against rank 0.
struct LoadClocks {
  std::vector<double> offset_s;
  double error_s = 0;  ///< half of the longest round trip that measured them
};

struct LoadMachine {
  int cores = 0;
  std::string kernel, noise;
  std::vector<std::pair<std::string, std::string>> environment;
};

/// What `lab load` found, as lab.load/1 has it.
struct LoadReport {
  bool complete = true;
  std::optional<std::string> incomplete_reason;
  std::vector<LoadUrl> urls;
  std::string method = "GET";
  std::string load;      ///< `closed loop, 10 clients, 10 s`
  std::string arrivals;  ///< burst, closed, …
  int threads = 1, ranks = 1;
  std::uint64_t seed = 0;
  double span_s = 0;  ///< from time zero to the last reply, at least to the end of the load's plan
  double requests_per_second = 0;                       ///< ok replies / span
  std::optional<double> requested_rate;                 ///< of an open load, in the mean of its duration
  LoadFigures latency_s, uncorrected_latency_s, lag_s;  ///< of ok replies
  LoadFigures error_latency_s;  ///< of whole replies that are errors, from the intended time
  bool exact = true;            ///< percentiles are of all samples, not of a histogram
  double relative_error = 0;    ///< 0 where they are exact
  RequestCounts books;
  LoadClosings closed;
  std::map<int, std::int64_t> statuses;  ///< all whole replies
  std::int64_t bytes_sent = 0, bytes_received = 0, connections_opened = 0;
  std::optional<double> connect_s;  ///< how long a connection took to open, in the mean
  std::int64_t waited_for_connection = 0, warm_up_requests = 0;
  std::optional<double> burst_skew_s;  ///< last sent - first sent
  std::vector<LatencyBar> distribution;
  std::vector<ThresholdRow> thresholds;
  std::vector<Note> remarks;             ///< NOTE and WARN
  std::vector<std::string> other_tools;  ///< what they would have printed; a line each
  std::optional<LoadClocks> clocks;
  LoadMachine environment;
};

/// The distribution in at most about ten rows with round limits: even steps where the values are near each
/// other, 1-2-5 steps or powers of ten where they are not.
std::vector<LatencyBar> latency_bars(const Distribution& latencies);

/// What the totals of all shares mean: figures, distribution, thresholds and notes. Reorders the samples.
LoadReport summarise_load(const LoadTask& task, LoadTotals& totals);

/// 1 where a threshold is missed, or a request failed and no threshold is about errors; 3 where no request
/// got any reply; 0 otherwise.
int load_exit_code(const LoadTask& task, const LoadReport& report);

/// For a terminal, a projector or a pipe.
std::string load_text(const LoadReport& report, const TextStyle& style);
/// lab.load/1, one document with a newline at its end.
std::string load_json(const LoadReport& report);
/// One row per figure.
std::string load_csv(const LoadReport& report);
/// A table for a README or an issue.
std::string load_markdown(const LoadReport& report);

/// What wrk, hey, autocannon and a closed loop would have printed of these replies, a line each. `paced`: the
/// load had a rate. One line says why where not every sample is kept.
std::vector<std::string> other_tools_lines(const LoadTotals& totals, bool paced);

/// What those tools would have printed of the first repetition of every arm, case and route of a run, with
/// what is wrong with it: such a tool runs once, against one address.
std::string emulated_tools_text(const Run& run, const Scenario& scenario, const TextStyle& style);

}  // namespace lab
