#pragma once

// An experiment from its scenario to its record: prepare, start, load, collect. For the course and the verbs.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/client/load.hpp"
#include "harness/trace/machine.hpp"
#include "lab/core/error.hpp"
#include "lab/core/process.hpp"
#include "lab/core/scenario.hpp"
#include "lab/experiment/fixtures.hpp"
#include "lab/experiment/foreign_servers.hpp"
#include "results/report/arm_report.hpp"
#include "results/store/store.hpp"

namespace lab {

struct ExperimentOptions {
  std::vector<std::string> engines = {kNative};
  std::optional<int> repetitions;  ///< --repeat; otherwise what fits the budget, at most six
  bool quick = false;              ///< one repetition
  Nanos budget = 15 * kSecond;
  std::uint64_t seed = 42;
  std::string postgres;  ///< connection string, `local`, or empty
  ForeignOptions foreign;
  bool as_written = true;  ///< no option changes what the scenario says, so recordings of it apply

  bool uses(std::string_view engine) const { return std::ranges::find(engines, engine) != engines.end(); }
};

/// Everything that an experiment needs besides its scenario, made before its first server.
struct PreparedExperiment {
  Fixtures fixtures;
  WorkRates rates{};
  std::vector<EngineArm> arms;  ///< all that are really run, engine by engine
  ForeignServers foreign;
  std::vector<RunRepetition> recorded;  ///< of the committed recording, where it was asked for
  std::string recording_made;           ///< when and where; empty: nothing of it is used
  std::vector<NotRun> left_out;         ///< arms that cannot be run here, each with its reason

  /// Completes the scenario (files, durations of its work) and finds out what can be run. Throws Failure as
  /// Fixtures::prepare and ForeignServers::prepare do.
  static PreparedExperiment prepare(Scenario& scenario, const ExperimentOptions& options);

  bool is_left_out(const EngineArm& arm, const Case& load_case) const;
};

/// What will be done, known before anything is started.
struct ExperimentPlan {
  int repetitions = 1;
  Nanos estimate = 0;       ///< for all repetitions
  std::int64_t trials = 0;  ///< fresh servers in all
};

ExperimentPlan plan_experiment(const Scenario& scenario, const ExperimentOptions& options,
                               const PreparedExperiment& prepared);
/// As far as it is known without preparing anything.
ExperimentPlan plan_experiment(const Scenario& scenario, const ExperimentOptions& options);

/// What is kept of an experiment.
struct RecordOptions {
  std::vector<std::string> changes;             ///< RunHeader::options
  std::optional<std::filesystem::path> folder;  ///< as RunWriter::create takes it; none: nothing is written
  bool exact = false;
};

/// Says how far it is; each may be empty.
struct ExperimentObserver {
  std::function<void(const RunHeader&)> started;  ///< nothing but the measuring is left to do
  std::function<void(const EngineArm&, const Case&, int number)> trial_begins;
  LoadWatch watch;  ///< while a trial's load runs
  std::function<void(const RunRepetition&, std::int64_t done, std::int64_t trials)> trial_done;
  std::function<void(const Run&, int rounds_done)> round_done;
};

struct ExperimentResult {
  Run run;
  std::optional<RunWriter> writer;    ///< of all but the summary, where something is written
  std::optional<Error> fault;         ///< what stopped it early
  std::optional<Error> server_fault;  ///< why a server that is not ours did not run; the others did
  std::string server_that_failed;     ///< the first one: its arm, and its engine where that is not `server`
  std::string server_said;            ///< all that the first one wrote that did not start, ended or refused
  bool interrupted = false;
  double others_share = 0;  ///< of the cores, NoiseMeter::others_share
};

/// Launches, loads, repeats and collects: for every repetition a fresh server, connections opened, a short
/// warm-up, one load, the server stopped and reaped. The first round follows the file's order, later ones are
/// shuffled by the seed. Call it while the process has one thread. Throws Failure where its record cannot be
/// begun.
ExperimentResult run_experiment(const Scenario& scenario, const ExperimentOptions& options,
                                const ExperimentPlan& plan, PreparedExperiment& prepared,
                                const RecordOptions& record, const ExperimentObserver& observer);

/// Refuses what this machine cannot run, before any child is started: too many workers, too few descriptors,
/// no room for its record in `folder` (none: nothing is saved) or in memory. Warns where there is hardly any.
/// `, 1.60 GB on disk` where somebody should know, else nothing. Throws Failure.
std::string preflight(const Scenario& scenario, const ExperimentOptions& options,
                      const std::optional<std::filesystem::path>& folder);

/// The seed of a repetition: arrivals and dealing differ between repetitions, alike in every arm.
inline std::uint64_t repetition_seed(std::uint64_t seed, int number) {
  return seed + static_cast<std::uint64_t>(number - 1);
}

/// `2026-11-21T09:30:00Z`
std::string utc_now();

/// What this machine is, and with what this program was made.
Environment describe_environment();
/// `0.1.0 (abc1234)`.
std::string version();

}  // namespace lab
