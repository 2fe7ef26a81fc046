#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/findings/finding.hpp"
#include "harness/statistics/statistics.hpp"
#include "lab/core/histogram.hpp"
#include "lab/core/scenario.hpp"
#include "results/report/repetition.hpp"
#include "results/report/report.hpp"

namespace lab {

inline constexpr std::int64_t kMaxKept = 300'000;  ///< simulated requests that are worth keeping as records

/// What the model says of one arm on one case: computed once, compared with every repetition.
struct Expectation {
  double makespan_s = 0;
  std::optional<double> low_s, high_s;  ///< where the kernel decides
  /// The stats by name where it decides otherwise, medians over the seeds.
  std::vector<std::map<std::string, double>> dealings;
  double bound_s = 0;
  bool bound_has_cpu = false;
  double switching_s = 0;  ///< what the plan's switching adds, on which no bound rests
  double best_pace = 1;    ///< at which the bound holds: what computing took in the fastest repetition
  double slower_s = 0;     ///< what the bound would be more at the speed that the cores had during the run
  int cores = 1;           ///< that the arm may use
  int machine_cores = 1;   ///< that there are
  std::string formula;
  std::vector<std::int64_t> splits;
  std::optional<Histogram> latencies;       ///< where the load is too large to keep
  std::optional<RunRepetition> simulated;   ///< of the first seed; none where the load is too large to keep
  std::map<std::string, double> predicted;  ///< median over the seeds, by the name of the stat
  std::vector<std::uint64_t> seeds;         ///< of the repetitions
  bool with_events = false;                 ///< of those that are simulated
};

/// Whether arrivals of the case are random.
inline bool is_stochastic(const Case& load_case) {
  return std::any_of(load_case.loads.begin(), load_case.loads.end(),
                     [](const Load& load) { return load.arrivals == Arrivals::poisson; });
}

/// The bound of the repetition whose random arrivals allow the least; of every one where nothing is random.
double least_bound(std::vector<Route> routes, const Arm& arm, const Case& load_case, int cores,
                   const std::vector<std::uint64_t>& seeds);

/// `cores`: of the machine that ran it. `seeds`: of the repetitions to compare with; loads without chance are
/// simulated once. Who held what is simulated up to `most_reported` requests: it takes ten times as long as
/// the bare records.
Expectation expect(const Scenario& scenario, const Arm& arm, const Case& load_case, int cores,
                   const std::vector<std::uint64_t>& seeds, std::int64_t most_reported = kMaxKept);

/// The makespan in seconds from the first planned moment, 0 where nothing came back: a first request that was
/// sent late makes the rest no quicker.
double since_first_intended(const RunRepetition& repetition);

/// One row of the report, and what its sentences are made of.
struct ArmAnalysis {
  ArmReport report;
  const Arm* arm = nullptr;
  const Case* load_case = nullptr;
  bool computes = false;  ///< its bound has CPU work
  double best_pace = 1;   ///< of the fastest repetition
  std::vector<CheckRow> checks;
  std::string likely_execution;  ///< of a server of one's own that says nothing of itself
};

ArmAnalysis analyse_arm(const Scenario& scenario, const Arm& arm, const Case& load_case,
                        const Expectation& expected, const std::vector<const RunRepetition*>& repetitions,
                        const std::string& engine);

/// What one repetition shows. `cores`: that the arm had; `pace`: in the plans of `routes`.
std::vector<Finding> find_in_repetition(const std::vector<Route>& routes, const Arm& arm,
                                        const Case& load_case, int cores, double pace,
                                        const RunRepetition& repetition);

/// What at least half of an arm's repetitions show, with the figures of the `typical` one of them, or else of
/// the first that shows it. The most costly first.
std::vector<Finding> common_findings(std::vector<std::vector<Finding>> each, std::size_t typical,
                                     const Arm& arm, const Case& load_case, const std::string& engine);

/// How a server that says nothing of itself executes, in words, from the times of its replies alone: the
/// bursts of all repetitions are given to what `lab diagnose` concludes from its own. `plan_s`: one request's
/// time when nothing is in its way. Empty where the load is more than one burst, something failed, or the
/// replies fit several ways.
std::string likely_execution(const std::vector<const RunRepetition*>& repetitions, double plan_s,
                             bool computes);

/// Fills the arm's latencies in: median and quantiles by nearest rank over all requests, those that so many
/// requests do not carry left out (measurement.md).
void set_latencies(std::span<const RequestRecord> records, ArmReport& arm);
/// The same from counts, with their error.
void set_latencies(const Histogram& latencies, ArmReport& arm);

/// A row of latencies for each arm; nothing where no arm has any.
std::optional<Note> note_of_tails(const std::vector<ArmReport>& arms);

/// The row of an arm that was left out.
ArmAnalysis left_out_arm(const Scenario& scenario, const Arm& arm, const Case& load_case,
                         const Expectation& expected, const std::string& reason, const std::string& engine);

/// The row of an arm that only the model has run.
ArmAnalysis predicted_arm(const Scenario& scenario, const Arm& arm, const Case& load_case,
                          const Expectation& expected);

}  // namespace lab
