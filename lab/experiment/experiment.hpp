#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/process.hpp"
#include "lab/core/scenario.hpp"
#include "lab/experiment/engines.hpp"
#include "lab/experiment/foreign_servers.hpp"
#include "results/report/repetition.hpp"

namespace lab {

class RunWriter;
struct PreparedExperiment;

struct ExperimentOptions {
  std::vector<std::string> engines = {kNative};
  std::optional<int> repetitions;  ///< --repeat; otherwise what fits the budget, at most six
  bool quick = false;              ///< one repetition
  Nanos budget = 15 * kSecond;
  std::uint64_t seed = 42;
  std::string postgres;  ///< connection string, `local`, or empty
  ForeignOptions foreign;
  bool as_written = true;  ///< no option changes what the scenario says, so recordings of it apply

  bool uses(std::string_view engine) const;
  bool measures() const;  ///< whether any server is started
};

/// What will be done, known before anything is started.
struct ExperimentPlan {
  int repetitions = 1;
  Nanos estimate = 0;       ///< for all repetitions
  std::int64_t trials = 0;  ///< fresh servers in all
};

ExperimentPlan plan_experiment(const Scenario& scenario, const ExperimentOptions& options,
                               const PreparedExperiment& stage);

/// Tells how far it is; both may be empty.
struct ExperimentObserver {
  std::function<void(const RunRepetition&, std::int64_t done, std::int64_t trials)> trial_done;
  std::function<void(const Run&, int rounds_done)> round_done;
};

struct ExperimentResult {
  Run run;
  std::optional<Error> fault;         ///< what stopped it early
  std::optional<Error> server_fault;  ///< why a server that is not ours did not run; the others did
  std::string server_that_failed;     ///< the first one: its arm, and its engine where that is not `server`
  std::string server_said;            ///< all that the first one wrote that did not start, ended or refused
  bool interrupted = false;
};

/// Launches, loads, repeats and collects: for every repetition a fresh server, connections opened, a short
/// warm-up, one load, the server stopped and reaped. The first round follows the file's order, later ones are
/// shuffled by the seed. `header` becomes the run's, with the stage's left out arms; `writer` may be null.
/// Call it while the process has one thread.
ExperimentResult run_experiment(const Scenario& scenario, const ExperimentOptions& options, RunHeader header,
                                PreparedExperiment& stage, RunWriter* writer,
                                const ExperimentObserver& observer);

/// Refuses what this machine cannot run, before any child is started: too many workers, too few descriptors.
Result<void> preflight(const Scenario& scenario, const ExperimentOptions& options);

/// The seed of a repetition: arrivals and dealing differ between repetitions, alike in every arm.
inline std::uint64_t repetition_seed(std::uint64_t seed, int number) {
  return seed + static_cast<std::uint64_t>(number - 1);
}

}  // namespace lab
