#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lab/experiment/experiment.hpp"
#include "results/report/verify_report.hpp"

namespace lab {

/// Refuses what an option of that name names and the file has not.
void refuse_unknown(const std::string& name, const std::vector<std::string>& words,
                    const std::vector<std::string>& known);

struct VerifyOptions {
  double scale = 0.1;   ///< of a run whose claims bear it; RunNeeds::least_scale holds where it is more
  int repetitions = 3;  ///< at least three
  std::uint64_t seed = 42;
  bool save = false;   ///< keep every run under results/runs
  bool quiet = false;  ///< say nothing of what is begun and saved
  std::string python = ForeignOptions().python;
  std::string postgres;  ///< a connection string, `local`, or empty: its claims stay undecided
};

/// One run that decides all conditions about one scenario on one engine.
struct VerifyBatch {
  std::string scenario, engine;
  double scale = 1;
  int cores = 0;
  std::map<std::string, Nanos> params;   ///< other values of the scenario's parameters
  std::optional<std::int64_t> requests;  ///< of its bursts, where others than the scenario's
  std::vector<Measure> measures;         ///< each once

  void add(const Measure& measure);
};

/// The fewest runs that decide these claims, in the order in which claims first ask for them.
std::vector<VerifyBatch> plan_batches(const ClaimsFile& file, const std::vector<const Claim*>& claims,
                                      const VerifyOptions& options);

/// What a batch left.
struct BatchEnd {
  Readings readings;
  bool interrupted = false;
  std::string noise;  ///< what disturbed it, or empty
};

/// Runs one batch, and calls it `what` on stderr: `run 3 of 12`. Where nothing can be started, that is the
/// reason why all of its measures are absent. FastAPI that is not installed is replaced by its committed
/// recording. Call it while the process has one thread.
BatchEnd take_readings(const VerifyBatch& batch, const VerifyOptions& options, const std::string& what);

/// Runs each batch once, and up to twice more with twice the repetitions where a spread or a busy machine
/// left a claim undecided, whatever is on record, or its outcome is another one; an engine that is not there
/// leaves its claims undecided with the reason. Call it while the process has one thread.
VerifyResult verify(const ClaimsFile& file, const std::vector<const Claim*>& claims,
                    const VerifyOptions& options);

}  // namespace lab
