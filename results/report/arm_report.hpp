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
#include "results/report/report.hpp"
#include "results/store/run.hpp"
#include "results/store/set_aside.hpp"

namespace lab {

/// One virtual repetition under the arm's own rules, on a machine of that many cores. `lot` and `slice`:
/// other ways in which the kernel may decide.
RunRepetition simulate_repetition(const Scenario& scenario, const Arm& arm, const Case& load_case, int cores,
                                  int number, std::uint64_t seed, bool with_events, std::uint64_t lot = 0,
                                  Nanos slice = 0);

/// A stat of one repetition, from all the evidence that it left. Where requests failed that the scenario did
/// not ask to fail, the rest was sooner done than all would have been: such a repetition has no makespan, and
/// a request that failed counts as slower than all others.
/// In seconds, bytes or a count, as the stat is; nothing where the repetition left no such value.
std::optional<double> evaluate(const Stat& stat, const RunRepetition& repetition,
                               const std::vector<Route>& routes, const Case& load_case);

inline constexpr std::int64_t kMaxKept = 300'000;  ///< simulated requests that are worth keeping as records

/// What the model says of one arm on one case: computed once, compared with every repetition.
struct Expectation {
  ArmReport row;             ///< the arm's, with its bound and predictions; nothing is measured yet
  double switching_s = 0;    ///< what the plan's switching adds, on which no bound rests
  double slower_s = 0;       ///< what the bound would be more at the speed that the cores had during the run
  int cores = 1;             ///< that the arm may use
  int machine_cores = 1;     ///< that there are
  bool with_events = false;  ///< of those that are simulated
  std::vector<std::uint64_t> seeds;        ///< of the repetitions
  std::optional<RunRepetition> simulated;  ///< of the first seed; none where the load is too large to keep
  std::optional<Histogram> latencies;      ///< where it is, with `splits`
  std::vector<std::int64_t> splits;
};

/// Whether arrivals of the case are random.
inline bool is_stochastic(const Case& load_case) {
  return std::ranges::any_of(load_case.loads,
                             [](const Load& load) { return load.arrivals == Arrivals::poisson; });
}

/// The bound of the repetition whose random arrivals allow the least; of every one where nothing is random.
double least_bound(std::vector<Route> routes, const Arm& arm, const Case& load_case, int cores,
                   const std::vector<std::uint64_t>& seeds);

/// What a framework computes for each request besides the plan.
struct OwnTime {
  std::string case_id;  ///< that showed it
  Nanos each = 0;       ///< 0: not known
};

/// From the case in which most requests go one behind the other, by how much later than predicted it ended:
/// where a server has time to spare nobody sees it. Not where fewer than ten do, where the dealing of
/// connections is left to chance, or where something failed. `measured`: the arm's repetitions, by case.
OwnTime find_own_time(const Scenario& scenario, const Arm& arm, int cores,
                      const std::vector<std::uint64_t>& seeds,
                      const std::map<std::string, std::vector<const RunRepetition*>>& measured);

/// The scenario with so much computing more in each handler.
Scenario with_own_time(const Scenario& scenario, Nanos each);

/// `cores`: of the machine that ran it. `seeds`: of the repetitions to compare with; loads without chance are
/// simulated once. Who held what is simulated up to `most_reported` requests: it takes ten times as long as
/// the bare records. `own_time`: of a framework for each request, in the predictions alone.
Expectation expect(const Scenario& scenario, const Arm& arm, const Case& load_case, int cores,
                   const std::vector<std::uint64_t>& seeds, std::int64_t most_reported = kMaxKept,
                   Nanos own_time = 0);

/// The makespan in seconds from the first planned moment, 0 where nothing came back: a first request that was
/// sent late makes the rest no quicker.
double since_first_intended(const RunRepetition& repetition);

/// The row of an arm that was run.
ArmReport analyse_arm(const Scenario& scenario, const Arm& arm, const Case& load_case,
                      const Expectation& expected, const std::vector<const RunRepetition*>& repetitions,
                      const std::string& engine);

/// The row of an arm that only the model has run. Where its lanes show how a kernel shares the cores, so does
/// `expected.simulated` from then on.
ArmReport predicted_arm(const Scenario& scenario, const Arm& arm, const Case& load_case,
                        Expectation& expected);

/// The scenario's checks of an arm that was run.
std::vector<CheckRow> judge_checks(const Scenario& scenario, const ArmReport& arm);

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

}  // namespace lab
