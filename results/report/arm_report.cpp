#include "results/report/arm_report.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

#include "harness/analysis/why.hpp"
#include "harness/model/model.hpp"
#include "lab/core/clock.hpp"

namespace lab {

namespace {

constexpr std::size_t kMaxLanes = 2'000;
constexpr std::int64_t kMaxDealt =
    20'000;                       // requests that are simulated for ranges: some tens of milliseconds
constexpr double kSlack = 0.005;  // seconds: "within 3 % or 5 ms, whichever is more"
constexpr Nanos kTurn = 4 * kMillisecond;  // one of those slices, in the lanes of a prediction
constexpr double kSlackComputing = 0.010;  // the kernel gives cores away in slices of some ms

// How much computing in each handler shows how many requests go one behind the other.
constexpr Nanos kProbe = kMillisecond;
constexpr double kFewestInARow = 10;
constexpr std::int64_t kMaxProbed = 20'000;  // requests

/// The stats reported of every arm: makespan first, then what table, documents and checks ask for.
std::vector<Stat> stats_of(const Scenario& scenario) {
  std::vector<Stat> stats{Stat{}};
  for (const Stat& stat : scenario.show) add_once(stats, stat);
  for (const Arm& arm : scenario.arms) {
    for (const Documented& figure : arm.documented) add_once(stats, figure.stat);
  }
  for (const Check& check : scenario.checks) add_once(stats, check.stat);
  return stats;
}

/// Values of stats, repetition by repetition; what a report needs of them once their requests are put aside.
class StatTable {
 public:
  explicit StatTable(const std::vector<Stat>& stats) : stats_(stats), values_(stats_.size()) {}

  void add(const RunRepetition& repetition, const std::vector<Route>& routes, const Case& load_case) {
    for (std::size_t i = 0; i < stats_.size(); ++i)
      values_[i].push_back(evaluate(stats_[i], repetition, routes, load_case));
  }

  /// By the place of the stat.
  std::optional<Estimate> summary(std::size_t stat) const {
    std::vector<double> known;
    for (const std::optional<double>& value : values_[stat]) {
      if (value) known.push_back(*value);
    }
    if (known.empty()) return std::nullopt;
    return summarise(std::move(known));
  }
  std::optional<double> median(std::size_t stat) const {
    const auto all = summary(stat);
    return all ? std::optional(all->median) : std::nullopt;
  }

  /// The repetition whose first stat is nearest to the median, or the first.
  std::size_t typical() const {
    const double middle = median(0).value_or(0);
    const auto distance = [&](const auto& value) { return std::abs(value.value_or(1e18) - middle); };
    const auto nearest = std::ranges::min_element(values_[0], {}, distance);
    return static_cast<std::size_t>(nearest - values_[0].begin());
  }

 private:
  std::vector<Stat> stats_;
  std::vector<std::vector<std::optional<double>>> values_;
};

void add_deaths(const RunRepetition& repetition, const Case& load_case, std::vector<ReportedDeath>& deaths) {
  Nanos first = kNever;
  for (const RequestRecord& record : repetition.records) {
    if (record.sent != 0) first = std::min(first, record.sent);
  }
  for (const WorkerDeath& death : worker_deaths(repetition.supervision, kills_of(repetition, load_case),
                                                repetition.events, repetition.began))
    deaths.push_back({death, repetition.number, seconds(repetition.began + death.at - first)});
  if (repetition.engine != kModel) return;
  for (ReportedDeath& death : deaths) death.back_after.reset();
}

bool all_answered(const RunRepetition& repetition) {
  return std::ranges::all_of(repetition.records, [](const RequestRecord& record) {
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

void explain_excess(ArmReport& report, const RunRepetition& repetition, const Occupancy& occupancy,
                    const Scenario& scenario, const Arm& arm, const Expectation& expected,
                    const Case& load_case) {
  const CriticalPath path = critical_path(repetition.records, occupancy,
                                          planned_for(repetition.number, scenario, arm, load_case, expected),
                                          scenario.routes, load_case, expected.cores);
  const double bound = *expected.row.bound_s;
  report.above_bound_s = seconds(path.makespan) - bound;
  // The bound itself contains waiting that the chain of requests met without a known holder.
  // It may have gone faster than when it was calibrated: what it took is then no more than what there is.
  const double switching =
      std::clamp(report.above_bound_s - expected.slower_s, 0.0, std::max(0.0, expected.switching_s));
  const double possible = bound + expected.slower_s + switching;
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
  std::ranges::stable_sort(report.above_bound, std::ranges::greater{}, &Cause::seconds);
}

std::vector<std::int64_t> splits_of(const RunRepetition& repetition, int workers) {
  std::vector<std::int64_t> splits(static_cast<std::size_t>(workers), 0);
  for (const RequestRecord& record : repetition.records) {
    if (record.worker >= 0 && record.worker < workers) ++splits[static_cast<std::size_t>(record.worker)];
  }
  return splits;
}

/// What a check allows, from least to most; nothing where the model gives no value to compare with.
std::optional<std::pair<double, double>> allowed(const Check& check, const MeasureRow& row, bool computes) {
  std::pair<double, double> range{-1e300, 1e300};
  if (check.within_relative || check.within_absolute) {
    if (!row.predicted) return std::nullopt;
    double room = check.within_absolute ? seconds(*check.within_absolute)
                                        : *check.within_relative * std::abs(*row.predicted);
    if (check.stat.is_time() && check.within_relative)
      room = std::max(room, computes ? kSlackComputing : kSlack);
    range = {row.predicted_low.value_or(*row.predicted) - room,
             row.predicted_high.value_or(*row.predicted) + room};
  }
  constexpr double kExact = 1e-9;
  if (check.equals) range = {*check.equals - kExact, *check.equals + kExact};
  if (check.at_least) range.first = *check.at_least;
  if (check.at_most) range.second = *check.at_most;
  return range;
}

void judge_check(const Check& check, const MeasureRow& row, bool computes, CheckRow& judged) {
  const auto format_figure = [&](double value) {
    return check.stat.is_time() ? format_seconds(value) : fmt::format("{:.4g}", value);
  };
  const auto format_range = [&](double low, double high) {
    return format_figure(low) + "–" + format_figure(high);
  };
  if (!row.measured) {
    judged.detail = "nothing was measured";
    return;
  }
  const Estimate& measured = *row.measured;
  if (measured.low && measured.high) judged.interval = format_range(*measured.low, *measured.high);
  const auto range = allowed(check, row, computes);
  if (!range) {
    judged.detail = "the model gives no value";
    return;
  }
  judged.detail = format_figure(measured.median);
  if (check.within_relative || check.within_absolute) {
    const double low = row.predicted_low.value_or(*row.predicted);
    const double high = row.predicted_high.value_or(*row.predicted);
    judged.detail += ", predicted " + (low < high ? format_range(low, high) : format_figure(low));
  }
  const auto inside = [&](double value) { return value >= range->first && value <= range->second; };
  judged.passed = inside(measured.median);
  judged.decided = inside(measured.low.value_or(measured.median)) == judged.passed &&
                   inside(measured.high.value_or(measured.median)) == judged.passed;
}

/// What is known of the arm without the model.
ArmReport describe_arm(const Scenario& scenario, const Arm& arm, const Case& load_case) {
  ArmReport report;
  report.arm = report.written = arm.id;
  report.case_id = load_case.id;
  report.label = arm.label;
  report.mode = arm.mode_name();
  report.workers = arm.workers;
  if (needs_pool(scenario.routes, arm) || arm.uses(Resource::thread)) report.threads = arm.threads;
  report.requests = load_case.requests();
  for (const Stat& stat : stats_of(scenario)) {
    MeasureRow& row = report.measures.emplace_back();
    row.stat = stat;
    const auto figure = std::ranges::find_if(arm.documented, [&](const Documented& each) {
      return each.stat == stat && (each.case_id.empty() || each.case_id == load_case.id);
    });
    if (figure == arm.documented.end()) continue;
    row.documented = figure->value;
    row.documented_text = figure->text;
  }
  report.documented_s = report.measures.front().documented;
  report.documented_text = report.measures.front().documented_text;
  return report;
}

/// What a stat may be where the kernel decides: 5th to 95th percentile of many ways.
void find_range(std::vector<double> values, MeasureRow& row) {
  if (!row.predicted || values.empty()) return;
  std::ranges::sort(values);
  const std::size_t beyond = values.size() / 20;
  const double low = std::min(*row.predicted, values[beyond]);
  const double high = std::max(*row.predicted, values[values.size() - 1 - beyond]);
  constexpr double kSame = 1.005;  // spelled alike
  if (high <= kSame * low) return;
  row.predicted_low = low;
  row.predicted_high = high;
}

double least_of(const std::vector<std::uint64_t>& seeds, const std::vector<Route>& routes, const Arm& arm,
                const Case& load_case, int cores) {
  double least = bound({&routes, &arm, &load_case, cores, seeds.front()}).seconds;
  for (std::size_t i = 1; is_stochastic(load_case) && i < seeds.size(); ++i)
    least = std::min(least, bound({&routes, &arm, &load_case, cores, seeds[i]}).seconds);
  return least;
}

double simulated_makespan(const Scenario& scenario, const Arm& arm, const Case& load_case, int cores,
                          std::uint64_t seed) {
  return simulate({&scenario.routes, &arm, &load_case, cores, seed}).makespan_s;
}

/// A failure that the scenario did not ask for by its own kills, by clients that hang up, by a queue that is
/// full or a body that is too large, or by questions about a job.
bool is_unasked_failure(const RequestRecord& record, const std::vector<Route>& routes,
                        const Case& load_case) {
  constexpr int kTooLarge = 413, kFull = 503;
  switch (record.outcome) {
    case Outcome::ok:
    case Outcome::unsent:
    case Outcome::unfinished:
    case Outcome::hung_up: return false;
    default: break;
  }
  if (record.parent != 0 || record.route >= routes.size() || record.load >= load_case.loads.size())
    return record.parent == 0;
  const Route& route = routes[record.route];
  if (record.status == kTooLarge) return load_case.loads[record.load].body_bytes <= route.body_limit;
  return record.status != kFull || !has_step<Enqueue>(route.plan);
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

Scenario with_own_time(const Scenario& scenario, Nanos each) {
  Scenario loaded = scenario;
  for (Route& route : loaded.routes) route.plan.push_back({Compute{.duration = each}, true});
  return loaded;
}

Expectation expect(const Scenario& scenario, const Arm& arm, const Case& load_case, int cores,
                   const std::vector<std::uint64_t>& seeds, std::int64_t most_reported, Nanos own_time) {
  const ModelInput input{&scenario.routes, &arm, &load_case, cores, seeds.front()};
  Expectation expected;
  ArmReport& row = expected.row = describe_arm(scenario, arm, load_case);
  MeasureRow& makespan = row.measures.front();
  expected.cores = arm.cores > 0 ? arm.cores : cores;
  expected.machine_cores = cores;
  expected.seeds = seeds;
  row.bound_s = least_bound(scenario.routes, arm, load_case, cores, seeds);
  expected.switching_s = least_of(seeds, scenario.routes, arm, load_case, cores) - *row.bound_s;
  row.computes = bound(input).has_cpu;
  row.formula = closed_form(input).value_or(ClosedForm{}).text;
  std::vector<std::vector<double>> dealt(row.measures.size());  // by stat, where the kernel deals otherwise
  if (load_case.requests() > kMaxKept) {
    const Prediction prediction = simulate(input, nullptr, nullptr, &expected.latencies.emplace());
    makespan.predicted = prediction.makespan_s;
    row.predicted_s = prediction.makespan_s;
    expected.splits = prediction.splits;
  } else {
    expected.with_events =
        load_case.requests() <= most_reported && std::cmp_less_equal(load_case.requests(), kMaxTraced);
    const std::size_t count = is_stochastic(load_case) ? seeds.size() : 1;
    const auto simulate_all = [&](const Arm& one, std::uint64_t lot, Nanos slice) {
      StatTable table(stats_of(scenario));
      for (std::size_t i = 0; i < count; ++i) {
        RunRepetition simulated =
            simulate_repetition(scenario, one, load_case, cores, static_cast<int>(i) + 1, seeds[i],
                                expected.with_events, lot, slice);
        table.add(simulated, scenario.routes, load_case);
        if (!expected.simulated) expected.simulated = std::move(simulated);
      }
      return table;
    };
    const StatTable predicted = simulate_all(arm, 0, 0);
    for (std::size_t i = 0; i < row.measures.size(); ++i) row.measures[i].predicted = predicted.median(i);
    row.predicted_s = makespan.predicted = makespan.predicted.value_or(0);
    if (const auto range = makespan_range(input)) {
      if (dealt_by_chance(arm)) row.predicted_s = range->median_s;
      row.predicted_low_s = std::min(range->low_s, *row.predicted_s);
      row.predicted_high_s = std::max(range->high_s, *row.predicted_s);
    }
    const std::vector<Dealing> dealings = other_dealings(input);
    if (load_case.requests() * static_cast<std::int64_t>(dealings.size() * count) <= kMaxDealt) {
      for (const Dealing& dealing : dealings) {
        const StatTable table = simulate_all(dealing.arm, dealing.lot, dealing.slice);
        for (std::size_t i = 0; i < dealt.size(); ++i) {
          if (const auto value = table.median(i)) dealt[i].push_back(*value);
        }
      }
    }
  }
  if (own_time > 0) {
    const ArmReport loaded = expect(with_own_time(scenario, own_time), arm, load_case, cores, seeds, 0).row;
    row.predicted_s = loaded.predicted_s;
    for (std::size_t i = 0; i < row.measures.size(); ++i) {
      if (loaded.measures[i].predicted) row.measures[i].predicted = loaded.measures[i].predicted;
    }
  }
  for (std::size_t i = 1; i < row.measures.size(); ++i) find_range(std::move(dealt[i]), row.measures[i]);
  makespan.predicted_low = row.predicted_low_s;
  makespan.predicted_high = row.predicted_high_s;
  return expected;
}

OwnTime find_own_time(const Scenario& scenario, const Arm& arm, int cores,
                      const std::vector<std::uint64_t>& seeds,
                      const std::map<std::string, std::vector<const RunRepetition*>>& measured) {
  OwnTime best;
  if (scenario.cases.size() < 2 || dealt_by_chance(arm)) return best;
  const Scenario probed = with_own_time(scenario, kProbe);
  double most = kFewestInARow;
  for (const Case& load_case : scenario.cases) {
    const auto group = measured.find(load_case.id);
    const auto pays_others = [&](const Load& load) {
      return load.client_process || (arm.connections == 0 && has_step<Query>(scenario.routes[load.route]));
    };
    // What client processes and opening connections to a database take is not the framework's.
    if (std::ranges::any_of(load_case.loads, pays_others)) continue;
    if (group == measured.end() || load_case.requests() > kMaxProbed || !load_case.kills.empty()) continue;
    const double plain = simulated_makespan(scenario, arm, load_case, cores, seeds.front());
    const double in_a_row =
        (simulated_makespan(probed, arm, load_case, cores, seeds.front()) - plain) / seconds(kProbe);
    if (in_a_row < most) continue;
    std::vector<double> each;
    for (const RunRepetition* repetition : group->second) {
      RunRepetition room;
      const RunRepetition& one = whole(*repetition, room);
      const bool failed =
          std::ranges::any_of(one.records, [](const auto& record) { return record.outcome != Outcome::ok; });
      const auto makespan = failed ? std::nullopt : evaluate(Stat{}, one, scenario.routes, load_case);
      const std::size_t number = static_cast<std::size_t>(std::max(1, repetition->number)) - 1;
      if (!makespan || number >= seeds.size()) continue;
      each.push_back((*makespan - simulated_makespan(scenario, arm, load_case, cores, seeds[number])) /
                     in_a_row);
    }
    if (each.empty()) continue;
    most = in_a_row;
    best = {load_case.id, std::max<Nanos>(0, std::llround(summarise(std::move(each)).median * 1e9))};
  }
  return best;
}

ArmReport analyse_arm(const Scenario& scenario, const Arm& arm, const Case& load_case,
                      const Expectation& expected, const std::vector<const RunRepetition*>& repetitions,
                      const std::string& engine) {
  ArmReport report = expected.row;
  const double bound = *report.bound_s;
  report.engine.kind = engine;
  report.workers = arm.workers;
  report.repetitions = static_cast<int>(repetitions.size());
  report.lanes_of = repetitions.front()->number;
  report.pace = median_of(mapped(repetitions, [](const auto* each) { return each->pace; }));
  report.burst_skew_s =
      median_of(mapped(repetitions, [](const auto* each) { return seconds(each->send_skew); }));

  // One repetition after the other, as not all of them may be in memory.
  std::vector<Stat> stats = stats_of(scenario);
  for (const auto aggregate : {Stat::Aggregate::min, Stat::Aggregate::median, Stat::Aggregate::max}) {
    Stat& latency = stats.emplace_back();
    latency.quantity = Stat::Quantity::latency;
    latency.aggregate = aggregate;
  }
  StatTable table(stats);
  std::vector<std::vector<Finding>> findings;
  bool answered = true;
  bool below = false;
  bool reported = engine != kModel;
  RunRepetition room;
  const RunRepetition* last = nullptr;
  for (const RunRepetition* repetition : repetitions) {
    const RunRepetition& one = *(last = &whole(*repetition, room));
    table.add(one, scenario.routes, load_case);
    for (const RequestRecord& record : one.records) report.books.add(record);
    report.splits.push_back(splits_of(one, arm.workers));
    answered = answered && all_answered(one);
    add_deaths(one, load_case, report.deaths);
    below |= engine != kServer && below_bound(since_first_intended(one), bound, report.computes);
    if (repetition == repetitions.front()) reported |= !one.events.empty();
    if (reported)
      findings.push_back(
          find_in_repetition(scenario.routes, arm, load_case, expected.cores, report.pace, one));
  }

  for (std::size_t i = 0; i < report.measures.size(); ++i) {
    MeasureRow& row = report.measures[i];
    row.measured = table.summary(i);
    if (!row.measured || (i == 0 && !answered)) continue;
    row.verdict = judge(*row.measured, row.documented,
                        i == 0 ? std::optional(least_possible(bound, report.computes)) : std::nullopt);
    if (i == 0 && below) row.verdict = Verdict::instrument_fault;
  }
  report.makespan_s = report.measures.front().measured;
  report.verdict = report.measures.front().verdict;
  const bool faulty = report.verdict == Verdict::instrument_fault;
  for (MeasureRow& row : report.measures) {
    if (faulty && row.documented) row.verdict = report.verdict;
  }
  const std::size_t latencies = report.measures.size();
  report.latency_min_s = table.median(latencies);
  report.latency_median_s = table.median(latencies + 1);
  report.latency_max_s = table.median(latencies + 2);

  if (engine == kServer) report.likely_execution = likely_execution(repetitions, bound, report.computes);
  const std::size_t typical = table.typical();
  if (reported) {
    const bool is_there = typical + 1 == repetitions.size();
    const RunRepetition& one = is_there ? *last : whole(*repetitions[typical], room);
    const Occupancy occupancy(one.events);
    const std::span<const RequestRecord> known = traced(one);
    if (known.size() < one.records.size()) report.traced = static_cast<std::int64_t>(known.size());
    // Who reports nothing has no lanes: nobody knows when it read what.
    if (report.books.ok > 0 && !one.events.empty()) {
      report.lanes = make_lanes(known, occupancy, scenario.routes, load_case, kMaxLanes);
      report.lanes_of = one.number;
    }
    const bool explained = !faulty && report.makespan_s && load_case.kills.empty() && report.traced == 0;
    if (explained && all_answered(one))
      explain_excess(report, one, occupancy, scenario, arm, expected, load_case);
  }
  if (reported && !faulty)
    report.findings = common_findings(std::move(findings), typical, arm, load_case, engine);
  return report;
}

std::vector<CheckRow> judge_checks(const Scenario& scenario, const ArmReport& arm) {
  std::vector<CheckRow> rows;
  for (const Check& check : scenario.checks) {
    if (!check.arm.empty() && check.arm != arm.arm) continue;
    if (!check.case_id.empty() && check.case_id != arm.case_id) continue;
    CheckRow& row = rows.emplace_back();
    row.text = fmt::format("{} · {}", check.text, arm.arm);
    if (scenario.cases.size() > 1) row.text += " · " + arm.case_id;
    row.stat = check.stat;
    row.tolerance = check.tolerance;
    const auto measure = std::ranges::find(arm.measures, check.stat, &MeasureRow::stat);
    judge_check(check, *measure, arm.computes, row);
  }
  return rows;
}

ArmReport predicted_arm(const Scenario& scenario, const Arm& arm, const Case& load_case,
                        Expectation& expected) {
  ArmReport report = expected.row;
  if (expected.simulated) {
    report = analyse_arm(scenario, arm, load_case, expected, {&*expected.simulated}, kModel);
    set_latencies(expected.simulated->records, report);
    if (report.computes && !report.lanes.empty()) {  // with the turns in which a kernel shares its cores
      RunRepetition turns = simulate_repetition(scenario, arm, load_case, expected.machine_cores, 1,
                                                expected.seeds.front(), true, 0, kTurn);
      const bool shared = std::ranges::any_of(
          turns.events, [](const Event& event) { return event.kind == EventKind::preempted; });
      if (shared) {
        report.lanes =
            make_lanes(turns.records, Occupancy(turns.events), scenario.routes, load_case, kMaxLanes);
        expected.simulated = std::move(turns);
      }
    }
  } else {
    report.makespan_s = Estimate{*report.predicted_s, {}, {}, {*report.predicted_s}};
    report.measures.front().measured = report.makespan_s;
    report.books.planned = report.books.sent = report.books.ok = load_case.requests();
    report.splits.push_back(expected.splits);
    set_latencies(*expected.latencies, report);
  }
  report.engine.kind = kModel;
  report.repetitions = 1;
  return report;
}

RunRepetition simulate_repetition(const Scenario& scenario, const Arm& arm, const Case& load_case, int cores,
                                  int number, std::uint64_t seed, bool with_events, std::uint64_t lot,
                                  Nanos slice) {
  RunRepetition repetition;
  repetition.arm = arm.id;
  repetition.case_id = load_case.id;
  repetition.engine = kModel;
  repetition.number = number;
  repetition.began = kModelStart;
  const ModelInput input{&scenario.routes, &arm, &load_case, cores, seed, lot, false, slice};
  simulate(input, &repetition.records, with_events ? &repetition.events : nullptr);
  std::ranges::sort(repetition.records, {}, &RequestRecord::id);
  return repetition;
}

std::optional<double> evaluate(const Stat& stat, const RunRepetition& repetition,
                               const std::vector<Route>& routes, const Case& load_case) {
  const ServerUse* server = repetition.server.known() ? &repetition.server : nullptr;
  RepetitionData data{repetition.records,
                      routes,
                      &repetition.events,
                      server,
                      kills_of(repetition, load_case),
                      repetition.began,
                      repetition.engine != kNative && repetition.engine != kModel};
  if (repetition.engine != kModel && data.kills.empty())
    data.is_failure = [&](const auto& record) { return is_unasked_failure(record, routes, load_case); };
  if (repetition.aside)
    data.each_event = [&repetition](const auto& visit) { for_each_event(repetition, visit); };
  return evaluate(stat, data);
}

}  // namespace lab
