#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/client/load_generator.hpp"
#include "harness/client/load_url.hpp"
#include "lab/cli/options.hpp"
#include "lab/core/error.hpp"
#include "lab/report/load_threshold.hpp"

namespace CLI {
class App;
}

namespace lab {

/// The options of `lab load` as they stand on the command line.
struct RawLoadOptions {
  std::vector<std::string> urls, headers, thresholds, expected;
  std::string requests, concurrency, arrivals, rate, ramp, duration, method, body,
      timeout = "10s", warmup, threads = "1", max_connections, connections, seed = "42", ca_file;
  bool insecure = false, own_server = false, other_tools = false;
  RawOutputOptions output;
};

/// What was asked for, checked; where it goes is not resolved yet.
struct LoadRequestOptions {
  struct WeightedUrl {
    Url url;
    std::int64_t weight = 1;
  };
  std::vector<WeightedUrl> urls;
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  GeneratorPlan plan;  ///< all of it but the addresses and the requests
  std::string load;    ///< in words: `closed loop, 10 clients for 10 s`
  std::optional<double> requested_rate;
  std::vector<Threshold> thresholds;
  bool own_server = false, other_tools = false;
  OutputOptions output;
};

/// Does the load have a rate of its own, whatever the replies do?
bool has_rate(Arrivals arrivals);

void add_load_options(CLI::App& app, RawLoadOptions& raw);

/// Errors (exit 2) name the option and the fix, or the file that cannot be read.
Result<LoadRequestOptions> check_load_options(const RawLoadOptions& raw);

/// Head and body of the request for that URL.
std::string request_bytes(const LoadRequestOptions& options, const Url& url);

}  // namespace lab
