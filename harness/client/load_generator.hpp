#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/client/load_address.hpp"
#include "harness/client/load_engine.hpp"
#include "lab/core/error.hpp"

namespace lab {

/// A load for one process: how many threads share it, and where it goes.
struct GeneratorPlan {
  EnginePlan engine;  ///< clients and connections of all shares together; the share is this process's
  int threads = 1;
  std::vector<Address> addresses;                    ///< by endpoint
  std::vector<std::string> origins;                  ///< by endpoint: `http://host:port`, for errors
  std::vector<std::string> hosts;                    ///< by endpoint: whose certificates they must have
  std::vector<bool> tls;                             ///< by endpoint
  std::string ca_file;                               ///< trusted instead of the system's; empty: the system's
  bool verify = true;                                ///< certificates and host names
  bool keep_samples = false;                         ///< LoadTotals::kept
  std::size_t most_exact = Distribution::kMaxExact;  ///< samples beyond are counted in histograms
  int interrupt_fd = -1;                             ///< becomes readable when the load is to end; -1: never
};

/// What one process, or all together, sent and got.
struct LoadTotals {
  LoadCounts counts;
  LoadDistributions samples;        ///< of ok replies
  LoadDistributions error_replies;  ///< of whole replies that are errors
  std::vector<LoadSample> kept;     ///< of every whole reply, where that was asked for and there was room
  bool interrupted = false;
  std::string first_problem;  ///< of the first bad reply
  std::vector<std::string> warnings;
};

/// When all shares begin, asked when this process's connections are open; at least the warm-up after now.
using AgreeOnStart = std::function<Nanos()>;
struct LoadProgress {
  Nanos since_start = 0;
  std::int64_t ended = 0, ok = 0, under_way = 0;
};
using OnProgress = std::function<void(const LoadProgress&)>;

/// Raises the soft limit of descriptors to what the load wishes, lowers `most` to what the hard limit allows
/// an open load. Error (exit 3): not even the connections that it begins with fit.
Result<void> fit_descriptors(GeneratorPlan& plan);

/// Opens the connections, starts all threads together and waits for their end. `on_progress` is called about
/// every 100 ms from this thread. Errors (exit 3): nothing listens, a certificate that is not trusted, no
/// descriptors or ports left for the first connections.
Result<LoadTotals> generate(const GeneratorPlan& plan, const AgreeOnStart& agree,
                            const OnProgress& on_progress);

/// What one process sent and got, as bytes for another process of the same program.
std::string to_bytes(const LoadTotals& totals);

/// Adds what to_bytes() wrote: as if both had been one load.
void add_bytes(std::string_view bytes, LoadTotals& totals);

}  // namespace lab
