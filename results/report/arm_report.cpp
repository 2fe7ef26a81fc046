#include "results/report/arm_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/analysis/lanes.hpp"
#include "harness/model/model.hpp"
#include "lab/core/duration.hpp"
#include "results/store/set_aside.hpp"

namespace lab {

namespace {

constexpr std::size_t kMaxLanes = 2'000;
constexpr std::int64_t kMaxDealt =
    20'000;                       // requests that are simulated for ranges: some tens of milliseconds
constexpr double kSlack = 0.005;  // seconds: "within 3 % or 5 ms, whichever is more"
constexpr double kSlackComputing = 0.010;  // the kernel gives cores away in slices of some ms

/// The stats told of every arm: makespan first, then what table, documents and checks ask for.
std::vector<Stat> stats_of(const Scenario& scenario) {
  std::vector<Stat> stats{Stat{}};
  const auto add = [&](const Stat& stat) {
    if (std::find(stats.begin(), stats.end(), stat) == stats.end()) stats.push_back(stat);
  };
  for (const Stat& stat : scenario.show) add(stat);
  for (const Arm& arm : scenario.arms) {
    for (const Documented& figure : arm.documented) add(figure.stat);
  }
  for (const Check& check : scenario.checks) add(check.stat);
  return stats;
}

const Documented* documented(const Arm& arm, const Case& load_case, const Stat& stat) {
  for (const Documented& figure : arm.documented) {
    if (figure.stat == stat && (figure.case_id.empty() || figure.case_id == load_case.id)) return &figure;
  }
  return nullptr;
}

/// Values of stats, repetition by repetition; what a report needs of them once their requests are put aside.
class StatTable {
 public:
  explicit StatTable(std::vector<Stat> stats) : stats_(std::move(stats)), values_(stats_.size()) {}

  void add(const RunRepetition& repetition, const std::vector<Route>& routes, const Case& load_case) {
    for (std::size_t i = 0; i < stats_.size(); ++i)
      values_[i].push_back(evaluate(stats_[i], repetition, routes, load_case));
  }

  std::optional<Estimate> summary(const Stat& stat) const {
    std::vector<double> known;
    for (const std::optional<double>& value : column(stat)) {
      if (value) known.push_back(*value);
    }
    if (known.empty()) return std::nullopt;
    return summarise(std::move(known));
  }

  /// The repetition whose makespan is nearest to the median, or the first.
  std::size_t typical() const {
    const std::optional<Estimate> makespan = summary(Stat{});
    if (!makespan) return 0;
    const auto& values = column(Stat{});
    const auto distance = [&](const std::optional<double>& value) {
      return std::abs(value.value_or(1e18) - makespan->median);
    };
    const auto nearest = std::min_element(values.begin(), values.end(), [&](const auto& a, const auto& b) {
      return distance(a) < distance(b);
    });
    return static_cast<std::size_t>(nearest - values.begin());
  }

 private:
  const std::vector<std::optional<double>>& column(const Stat& stat) const {
    const auto found = std::find(stats_.begin(), stats_.end(), stat);
    return values_[static_cast<std::size_t>(found - stats_.begin())];
  }

  std::vector<Stat> stats_;
  std::vector<std::vector<std::optional<double>>> values_;
};

Stat latency_stat(Stat::Aggregate aggregate) {
  Stat stat;
  stat.quantity = Stat::Quantity::latency;
  stat.aggregate = aggregate;
  return stat;
}

bool all_answered(const RunRepetition& repetition) {
  return std::all_of(repetition.records.begin(), repetition.records.end(), [](const RequestRecord& record) {
    return record.outcome == Outcome::ok || record.outcome == Outcome::hung_up;
  });
}

/// Who held what in the repetition of that number, were it as the model says.
Occupancy planned_for(int number, const Scenario& scenario, const Arm& arm, const Case& load_case,
                      const Expectation& expected) {
  if (!expected.simulated) return Occupancy(Events{});
  const bool other =
      is_stochastic(load_case) && number > 1 && number <= static_cast<int>(expected.seeds.size());
  if (!other) return Occupancy(expected.simulated->events);
  return Occupancy(simulate_repetition(scenario, arm, load_case, expected.machine_cores, number,
                                       expected.seeds[static_cast<std::size_t>(number - 1)],
                                       expected.with_events)
                       .events);
}

void explain_excess(ArmReport& report, const RunRepetition& repetition, const Scenario& scenario,
                    const Arm& arm, const Expectation& expected, const Case& load_case) {
  const CriticalPath path = critical_path(repetition.records, Occupancy(repetition.events),
                                          planned_for(repetition.number, scenario, arm, load_case, expected),
                                          scenario.routes, load_case, expected.cores);
  report.above_bound_s = seconds(path.makespan) - expected.bound_s;
  // The bound itself contains waiting that the chain of requests met without a known holder.
  // It may have gone faster than when it was calibrated: what it took is then no more than what there is.
  const double switching =
      std::clamp(report.above_bound_s - expected.slower_s, 0.0, std::max(0.0, expected.switching_s));
  const double possible = expected.bound_s + expected.slower_s + switching;
  double owed = std::max(0.0, possible - seconds(path.planned));
  const auto add = [&](const char* name, double value) {
    const double paid = std::min(owed, std::max(0.0, value));
    owed -= paid;
    if (std::abs(value - paid) >= 5e-6) report.above_bound.push_back({name, value - paid});
  };
  if (expected.slower_s >= 5e-6) report.above_bound.push_back({"slower cores", expected.slower_s});
  if (switching >= 5e-6) report.above_bound.push_back({"switching", switching});
  add("queueing", std::max(0.0, seconds(path.planned) - possible));
  add("runnable", seconds(path.runnable));
  add("unread", seconds(path.unread));
  add("lag", seconds(path.lag));
  add("service", seconds(path.service));
  add("reply", seconds(path.reply));
  add("unexplained", seconds(path.unexplained));
  std::stable_sort(report.above_bound.begin(), report.above_bound.end(),
                   [](const Cause& a, const Cause& b) { return a.seconds > b.seconds; });
}

std::vector<std::int64_t> splits_of(const RunRepetition& repetition, int workers) {
  std::vector<std::int64_t> splits(static_cast<std::size_t>(workers), 0);
  for (const RequestRecord& record : repetition.records) {
    if (record.worker >= 0 && record.worker < workers) ++splits[static_cast<std::size_t>(record.worker)];
  }
  return splits;
}

CheckRow judge_check(const Check& check, const Arm& arm, const Case& load_case, bool many_cases,
                     const std::optional<Estimate>& measured, const MeasureRow& stat,
                     const Expectation& expected) {
  const bool time = check.stat.is_time();
  const auto format_span = [&](double value) {
    return time ? format_duration(to_nanos(value)) : fmt::format("{:.4g}", value);
  };
  CheckRow row;
  row.text = fmt::format("{} · {}{}", check.text, arm.id, many_cases ? " · " + load_case.id : "");
  row.stat = check.stat;
  row.tolerance = check.tolerance;
  if (!measured) {
    row.detail = "nothing was measured";
    return row;
  }
  if (measured->low && measured->high) {
    row.interval = fmt::format("{}–{}", format_span(*measured->low), format_span(*measured->high));
  }
  double least = -1e300;
  double most = 1e300;
  if (check.within_relative || check.within_absolute) {
    if (!stat.predicted) {
      row.detail = "the model gives no value";
      return row;
    }
    double room = check.within_absolute ? seconds(*check.within_absolute)
                                        : *check.within_relative * std::abs(*stat.predicted);
    const double slack = expected.bound_has_cpu ? kSlackComputing : kSlack;
    if (time && check.within_relative) room = std::max(room, slack);
    const double low = stat.predicted_low.value_or(*stat.predicted);
    const double high = stat.predicted_high.value_or(*stat.predicted);
    least = low - room;
    most = high + room;
    const std::string said =
        low < high ? fmt::format("{}–{}", format_span(low), format_span(high)) : format_span(low);
    row.detail = fmt::format("{}, predicted {}", format_span(measured->median), said);
  } else {
    row.detail = format_span(measured->median);
  }
  constexpr double kExact = 1e-9;
  if (check.equals) {
    least = *check.equals - kExact;
    most = *check.equals + kExact;
  }
  if (check.at_least) least = *check.at_least;
  if (check.at_most) most = *check.at_most;
  const auto inside = [&](double value) { return value >= least && value <= most; };
  row.passed = inside(measured->median);
  row.decided = inside(measured->low.value_or(measured->median)) == row.passed &&
                inside(measured->high.value_or(measured->median)) == row.passed;
  return row;
}

/// What the stat may be where the kernel decides: 5th to 95th percentile of many ways.
void find_range(const Stat& stat, const Expectation& expected, MeasureRow& row) {
  if (!row.predicted) return;
  if (stat == Stat{}) {
    row.predicted_low = expected.low_s;
    row.predicted_high = expected.high_s;
    return;
  }
  std::vector<double> values;
  for (const auto& dealing : expected.dealings) {
    if (const auto value = dealing.find(to_string(stat)); value != dealing.end())
      values.push_back(value->second);
  }
  if (values.empty()) return;
  std::sort(values.begin(), values.end());
  const std::size_t beyond = values.size() / 20;
  const double low = std::min(*row.predicted, values[beyond]);
  const double high = std::max(*row.predicted, values[values.size() - 1 - beyond]);
  constexpr double kSame = 1.005;  // spelled alike
  if (high <= kSame * low) return;
  row.predicted_low = low;
  row.predicted_high = high;
}

ArmReport describe_arm(const Scenario& scenario, const Arm& arm, const Case& load_case,
                       const Expectation& expected) {
  ArmReport report;
  report.arm = report.written = arm.id;
  report.case_id = load_case.id;
  report.label = arm.label;
  report.mode = arm.mode_name();
  report.workers = arm.workers;
  if (needs_pool(scenario.routes, arm) || arm.uses(Resource::thread)) report.threads = arm.threads;
  report.requests = load_case.requests();
  report.bound_s = expected.bound_s;
  report.predicted_s = expected.makespan_s;
  report.predicted_low_s = expected.low_s;
  report.predicted_high_s = expected.high_s;
  report.formula = expected.formula;
  if (const Documented* figure = documented(arm, load_case, Stat{})) {
    report.documented_s = figure->value;
    report.documented_text = figure->text;
  }
  for (const Stat& stat : stats_of(scenario)) {
    MeasureRow row;
    row.stat = stat;
    if (const auto predicted = expected.predicted.find(to_string(stat));
        predicted != expected.predicted.end()) {
      row.predicted = predicted->second;
    } else if (stat == Stat{}) {
      row.predicted = expected.makespan_s;
    }
    find_range(stat, expected, row);
    if (const Documented* figure = documented(arm, load_case, stat)) {
      row.documented = figure->value;
      row.documented_text = figure->text;
    }
    report.measures.push_back(std::move(row));
  }
  return report;
}

double least_of(const std::vector<std::uint64_t>& seeds, const std::vector<Route>& routes, const Arm& arm,
                const Case& load_case, int cores) {
  double least = bound({&routes, &arm, &load_case, cores, seeds.front()}).seconds;
  for (std::size_t i = 1; is_stochastic(load_case) && i < seeds.size(); ++i)
    least = std::min(least, bound({&routes, &arm, &load_case, cores, seeds[i]}).seconds);
  return least;
}

}  // namespace

double since_first_intended(const RunRepetition& repetition) {
  Nanos first = std::numeric_limits<Nanos>::max();
  Nanos last = 0;
  for (const RequestRecord& record : repetition.records) {
    if (record.outcome != Outcome::ok) continue;
    first = std::min({first, record.intended, record.sent});
    last = std::max(last, record.received);
  }
  return last > first ? seconds(last - first) : 0;
}

double least_bound(std::vector<Route> routes, const Arm& arm, const Case& load_case, int cores,
                   const std::vector<std::uint64_t>& seeds) {
  for (Route& route : routes) forget_switching(route.plan);
  return least_of(seeds, routes, arm, load_case, cores);
}

Expectation expect(const Scenario& scenario, const Arm& arm, const Case& load_case, int cores,
                   const std::vector<std::uint64_t>& seeds, std::int64_t most_reported) {
  const ModelInput input{&scenario.routes, &arm, &load_case, cores, seeds.front()};
  Expectation expected;
  expected.cores = arm.cores > 0 ? arm.cores : cores;
  expected.machine_cores = cores;
  expected.seeds = seeds;
  const Bound least = bound(input);
  expected.bound_s = least_bound(scenario.routes, arm, load_case, cores, seeds);
  expected.switching_s = least_of(seeds, scenario.routes, arm, load_case, cores) - expected.bound_s;
  expected.bound_has_cpu = least.has_cpu;
  expected.formula = closed_form(input).value_or(ClosedForm{}).text;
  if (load_case.requests() > kMaxKept) {
    const Prediction prediction = simulate(input, nullptr, nullptr, &expected.latencies.emplace());
    expected.makespan_s = prediction.makespan_s;
    expected.splits = prediction.splits;
    return expected;
  }
  if (const auto range = makespan_range(input)) {
    expected.low_s = range->low_s;
    expected.high_s = range->high_s;
  }
  expected.with_events = load_case.requests() <= most_reported;
  const std::size_t count = is_stochastic(load_case) ? seeds.size() : 1;
  const auto medians = [&](const Arm& dealt, std::uint64_t lot, Nanos slice) {
    StatTable table(stats_of(scenario));
    for (std::size_t i = 0; i < count; ++i) {
      RunRepetition simulated =
          simulate_repetition(scenario, dealt, load_case, cores, static_cast<int>(i) + 1, seeds[i],
                              expected.with_events, lot, slice);
      table.add(simulated, scenario.routes, load_case);
      if (!expected.simulated) expected.simulated = std::move(simulated);
    }
    std::map<std::string, double> values;
    for (const Stat& stat : stats_of(scenario)) {
      if (const auto summary = table.summary(stat)) values[to_string(stat)] = summary->median;
    }
    return values;
  };
  expected.predicted = medians(arm, 0, 0);
  const std::string makespan = to_string(Stat{});
  expected.makespan_s = expected.predicted[makespan];
  if (expected.low_s) {
    if (dealt_by_chance(arm)) expected.makespan_s = makespan_range(input)->median_s;
    expected.low_s = std::min(*expected.low_s, expected.makespan_s);
    expected.high_s = std::max(*expected.high_s, expected.makespan_s);
  }
  const std::vector<Dealing> dealings = other_dealings(input);
  if (load_case.requests() * static_cast<std::int64_t>(dealings.size() * count) <= kMaxDealt) {
    for (const Dealing& dealing : dealings)
      expected.dealings.push_back(medians(dealing.arm, dealing.lot, dealing.slice));
  }
  expected.splits = splits_of(*expected.simulated, arm.workers);
  return expected;
}

ArmAnalysis analyse_arm(const Scenario& scenario, const Arm& arm, const Case& load_case,
                        const Expectation& expected, const std::vector<const RunRepetition*>& repetitions,
                        const std::string& engine) {
  ArmAnalysis analysis;
  analysis.arm = &arm;
  analysis.load_case = &load_case;
  analysis.computes = expected.bound_has_cpu;
  analysis.best_pace = expected.best_pace;
  ArmReport& report = analysis.report;
  report = describe_arm(scenario, arm, load_case, expected);
  report.engine.kind = engine;
  report.repetitions = static_cast<int>(repetitions.size());
  std::vector<double> skews;
  std::vector<double> paces;
  for (const RunRepetition* repetition : repetitions) {
    skews.push_back(seconds(repetition->send_skew));
    paces.push_back(repetition->pace);
  }
  report.pace = summarise(std::move(paces)).median;
  report.burst_skew_s = summarise(skews).median;

  // One repetition after the other, as not all of them may be in memory.
  std::vector<Stat> stats = stats_of(scenario);
  const Stat latencies[] = {latency_stat(Stat::Aggregate::min), latency_stat(Stat::Aggregate::median),
                            latency_stat(Stat::Aggregate::max)};
  stats.insert(stats.end(), std::begin(latencies), std::end(latencies));
  StatTable table(std::move(stats));
  std::vector<std::vector<Finding>> findings;
  bool answered = true;
  bool below = false;
  bool reported = engine != kModel;
  for (const RunRepetition* repetition : repetitions) {
    RunRepetition room;
    const RunRepetition& one = whole(*repetition, room);
    table.add(one, scenario.routes, load_case);
    for (const RequestRecord& record : one.records) report.books.add(record);
    report.splits.push_back(splits_of(one, arm.workers));
    answered = answered && all_answered(one);
    below |=
        engine != kServer && below_bound(since_first_intended(one), expected.bound_s, expected.bound_has_cpu);
    if (repetition == repetitions.front()) {
      reported |= !one.events.empty();
      if (reported && !one.events.empty())  // who tells nothing has no lanes: nobody knows when it read what
        report.lanes = make_lanes(one.records, Occupancy(one.events), scenario.routes, load_case, kMaxLanes);
    }
    if (reported)
      findings.push_back(
          find_in_repetition(scenario.routes, arm, load_case, expected.cores, report.pace, one));
  }

  for (MeasureRow& row : report.measures) {
    row.measured = table.summary(row.stat);
    if (!row.measured) continue;
    if (row.stat != Stat{}) {
      row.verdict = judge(*row.measured, row.documented, std::nullopt);
      continue;
    }
    report.makespan_s = row.measured;
    if (!answered) continue;
    row.verdict =
        judge(*row.measured, row.documented, least_possible(expected.bound_s, expected.bound_has_cpu));
    if (below) row.verdict = Verdict::instrument_fault;
  }
  report.verdict = report.measures.front().verdict;
  const bool faulty = report.verdict == Verdict::instrument_fault;
  for (MeasureRow& row : report.measures) {
    if (faulty && row.documented) row.verdict = report.verdict;
  }
  if (!report.makespan_s) report.lanes = {};

  const auto median_of = [&](const Stat& stat) -> std::optional<double> {
    const auto summary = table.summary(stat);
    return summary ? std::optional<double>(summary->median) : std::nullopt;
  };
  report.latency_min_s = median_of(latencies[0]);
  report.latency_median_s = median_of(latencies[1]);
  report.latency_max_s = median_of(latencies[2]);

  if (engine == kServer)
    analysis.likely_execution = likely_execution(repetitions, expected.bound_s, expected.bound_has_cpu);
  if (reported && !faulty) {
    const std::size_t typical = table.typical();
    if (report.makespan_s && load_case.kills.empty()) {
      RunRepetition room;
      const RunRepetition& one = whole(*repetitions[typical], room);
      if (all_answered(one)) explain_excess(report, one, scenario, arm, expected, load_case);
    }
    report.findings = common_findings(std::move(findings), typical, arm, load_case, engine);
  }
  for (const Check& check : scenario.checks) {
    if (!check.arm.empty() && check.arm != arm.id) continue;
    if (!check.case_id.empty() && check.case_id != load_case.id) continue;
    const auto row = std::find_if(report.measures.begin(), report.measures.end(),
                                  [&](const MeasureRow& measure) { return measure.stat == check.stat; });
    analysis.checks.push_back(judge_check(check, arm, load_case, scenario.cases.size() > 1,
                                          table.summary(check.stat), *row, expected));
  }
  return analysis;
}

ArmAnalysis left_out_arm(const Scenario& scenario, const Arm& arm, const Case& load_case,
                         const Expectation& expected, const std::string& reason, const std::string& engine) {
  ArmAnalysis analysis;
  analysis.arm = &arm;
  analysis.load_case = &load_case;
  analysis.report = describe_arm(scenario, arm, load_case, expected);
  analysis.report.engine.kind = engine;
  analysis.report.not_run = reason;
  return analysis;
}

ArmAnalysis predicted_arm(const Scenario& scenario, const Arm& arm, const Case& load_case,
                          const Expectation& expected) {
  ArmAnalysis analysis;
  if (!expected.simulated) {
    analysis.report = describe_arm(scenario, arm, load_case, expected);
    analysis.report.makespan_s = Estimate{expected.makespan_s, {}, {}, {expected.makespan_s}};
    analysis.report.measures.front().measured = analysis.report.makespan_s;
    analysis.report.books.planned = analysis.report.books.sent = analysis.report.books.ok =
        load_case.requests();
    analysis.report.splits.push_back(expected.splits);
    if (expected.latencies) set_latencies(*expected.latencies, analysis.report);
  } else {
    analysis = analyse_arm(scenario, arm, load_case, expected, {&*expected.simulated}, kModel);
    set_latencies(expected.simulated->records, analysis.report);
    analysis.checks.clear();
  }
  analysis.arm = &arm;
  analysis.load_case = &load_case;
  analysis.report.engine.kind = kModel;
  analysis.report.repetitions = 1;
  return analysis;
}

}  // namespace lab
