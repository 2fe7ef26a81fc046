#include "lab/experiment/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "harness/model/model.hpp"
#include "harness/statistics/statistics.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/experiment.hpp"
#include "lab/experiment/fixtures.hpp"
#include "lab/experiment/foreign_servers.hpp"
#include "lab/servers/mode.hpp"
#include "results/report/arm_report.hpp"
#include "results/report/remarks.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

/// The file's checks are about our own servers. Of anybody else's nothing is asked but that it works.
std::vector<CheckRow> check_foreign(const ArmReport& arm) {
  const RequestCounts& books = arm.books;
  const std::int64_t tried = books.ok + books.failed();
  if (tried == 0 || books.ok > 0) return {};
  return {{.text = fmt::format("a request ends well · {}", arm.arm),
           .passed = false,
           .detail = fmt::format("none of {} did", tried)}};
}

Report start_report(const Scenario& scenario) {
  Report report;
  report.scenario = scenario.name;
  report.question = scenario.question;
  report.headline = scenario.show;
  for (const Check& check : scenario.checks) {  // a file that does not say what to show checks what matters
    const bool known = std::ranges::find(report.headline, check.stat) != report.headline.end();
    if (scenario.show.empty() && !known) report.headline.push_back(check.stat);
  }
  if (report.headline.empty()) report.headline.emplace_back();
  return report;
}

std::vector<std::uint64_t> seeds_of(const Run& run) {
  int most = 1;
  for (const RunRepetition& repetition : run.repetitions) most = std::max(most, repetition.number);
  std::vector<std::uint64_t> seeds;
  for (int number = 1; number <= most; ++number) seeds.push_back(repetition_seed(run.header.seed, number));
  return seeds;
}

void copy_environment(const Run& run, Report& report) {
  report.noise = run.summary.noise.empty() ? "unknown" : run.summary.noise;
  report.noisy = run.summary.noisy();
  for (const auto& [key, value] : run.header.environment) {
    if (key == "cores") {
      report.cores = std::atoi(value.c_str());
    } else if (key == "kernel") {
      report.kernel = value;
    } else {
      report.environment.emplace_back(key, value);
    }
  }
  report.environment.insert(report.environment.end(), run.summary.environment.begin(),
                            run.summary.environment.end());
}

WholeFile whole_file(const Scenario& scenario) {
  const std::vector<std::string> known = scenario_names();
  WholeFile file{{}, contains(known, scenario.explain.next)};
  if (const auto written = parse_scenario(scenario.source, scenario.file, known_modes()))
    file.arms = written->arms;
  return file;
}

/// All of its requests wait at the same time, so all of their connections are alive at the same time.
bool holds_nothing_while_waiting(const Arm& arm) {
  return std::ranges::all_of(arm.modes, [](const Traits& mode) { return mode.waiting == Resource::nothing; });
}

/// The scenario as it was on a machine whose computing took `pace` times as long as calibrated.
Scenario at_pace(const Scenario& scenario, double pace) {
  Scenario stretched = scenario;
  for (Route& route : stretched.routes) stretch_computing(route, pace);
  return stretched;
}

using Repetitions = std::vector<const RunRepetition*>;
using ByCase = std::map<std::string, Repetitions>;
/// What the run has of each engine and arm; of one that was left out at least its name.
using Groups = std::map<std::pair<std::string, std::string>, ByCase>;

Groups groups_of(const Run& run) {
  Groups groups;
  for (const RunRepetition& repetition : run.repetitions)
    groups[{repetition.engine, repetition.arm}][repetition.case_id].push_back(&repetition);
  for (const NotRun& one : run.header.not_run) groups[{one.engine, one.arm}];
  return groups;
}

/// How many times as long as calibrated the repetitions computed: the median, and the fastest one's, 1 where
/// none was faster.
struct Pace {
  explicit Pace(const Repetitions& repetitions) {
    std::vector<double> paces;
    for (const RunRepetition* repetition : repetitions) {
      paces.push_back(repetition->pace);
      best = std::min(best, repetition->pace);
    }
    if (!paces.empty()) median = summarise(std::move(paces)).median;
  }
  double median = 1, best = 1;
};

std::string reason_left_out(const Run& run, const EngineArm& one, const Case& load_case) {
  for (const NotRun& left_out : run.header.not_run) {
    if (left_out.engine == one.engine && left_out.arm == one.arm.id && left_out.case_id == load_case.id)
      return left_out.reason;
  }
  return "";
}

/// The workers that a server of one's own reported; its arm is made for the bound of the plan alone.
Arm with_known_workers(Arm arm, const Repetitions& repetitions) {
  arm.workers = 1;
  for (const RunRepetition* repetition : repetitions) {
    RunRepetition room;
    for (const RequestRecord& record : whole(*repetition, room).records)
      arm.workers = std::max(arm.workers, record.worker + 1);
  }
  return arm;
}

/// All rows that the run may have: what was made of one arm stands together, ours before theirs and the
/// model, servers of one's own at the end.
std::vector<EngineArm> rows_of(const Scenario& scenario, const Groups& groups) {
  std::vector<EngineArm> rows;
  for (const char* engine : {kNative, kFastapi, kNode, kRecorded, kServer, kModel}) {
    const auto known =
        std::ranges::count_if(groups, [&](const auto& group) { return group.first.first == engine; });
    if (known == 0) continue;
    for (EngineArm& one : engine_arms(scenario, engine, static_cast<std::size_t>(known)))
      rows.push_back(std::move(one));
  }
  const auto place = [&](const EngineArm& one) {
    return std::ranges::find(scenario.arms, one.written, &Arm::id) - scenario.arms.begin();
  };
  std::ranges::stable_sort(rows, [&](const EngineArm& a, const EngineArm& b) { return place(a) < place(b); });
  return rows;
}

/// What makes such a run again.
std::string command_of(const Run& run) {
  const bool known = contains(scenario_names(), run.header.scenario);
  Texts words{"lab run", shell_word(known ? run.header.scenario : run.header.scenario_file)};
  for (const std::string& option : run.header.options) words.push_back(shell_word(option));
  Texts engines;
  for (const RunRepetition& repetition : run.repetitions) {
    if (!contains(engines, repetition.engine) && repetition.engine != kServer)
      engines.push_back(repetition.engine);
  }
  if (engines != Texts{kNative} && !engines.empty()) words.push_back("--engine " + join(engines, ","));
  return join(words, " ");
}

}  // namespace

bool ArmChoice::has(const std::string& arm, const std::string& of_case) const {
  return (arms.empty() || contains(arms, arm)) && (case_id.empty() || of_case == case_id);
}

void ArmChoice::check(const Scenario& scenario, const Run& run) const {
  Texts known;
  const auto add = [&](const std::string& arm) {
    if (!contains(known, arm)) known.push_back(arm);
  };
  for (const RunRepetition& repetition : run.repetitions) add(repetition.arm);
  for (const NotRun& one : run.header.not_run) add(one.arm);
  for (const Arm& arm : scenario.arms) {
    if (arm.predict_only) add(arm.id);
  }
  for (const std::string& arm : arms) {
    refuse_if(!contains(known, arm), "--arms: this run of '{}' has no arm '{}'{}", scenario.name, arm,
              suggestion(arm, known));
  }
  const Texts cases = ids_of(scenario.cases);
  refuse_if(!case_id.empty() && !contains(cases, case_id), "--case: scenario '{}' has no case '{}'{}",
            scenario.name, case_id, suggestion(case_id, cases));
}

Report make_report(const Scenario& written, const Run& run, const std::vector<Guess>& guesses,
                   const ArmChoice& chosen) {
  Scenario scenario = written;
  const WorkRates rates = recorded_rates(run.header);
  for (Route& route : scenario.routes) apply_rates(route, rates);
  Report report = start_report(scenario);
  report.complete = run.summary.complete;
  report.incomplete_reason = run.summary.reason;
  report.seed = run.header.seed;
  report.planned_repetitions = run.header.planned_repetitions;
  report.command = command_of(run);
  copy_environment(run, report);

  Groups groups = groups_of(run);
  const std::vector<std::uint64_t> seeds = seeds_of(run);
  const int cores = report.cores > 0 ? report.cores : available_cores();
  const std::vector<EngineArm> rows = rows_of(scenario, groups);
  std::map<const EngineArm*, OwnTime> own_times;  // of those that are somebody's framework
  for (const EngineArm& one : rows) {
    const ByCase& measured = groups[{one.engine, one.arm.id}];
    if (measured.empty() || (one.engine != kFastapi && one.engine != kNode && one.engine != kRecorded))
      continue;
    own_times[&one] =
        find_own_time(as_engine_computes(scenario, one.engine, run.header), one.arm, cores, seeds, measured);
  }
  for (const Case& load_case : scenario.cases) {
    for (const EngineArm& one : rows) {
      const Arm& arm = one.arm;
      const Repetitions& repetitions = groups[{one.engine, arm.id}][load_case.id];
      const bool there = !repetitions.empty();
      const std::string left_out = reason_left_out(run, one, load_case);
      const bool stands_in = !left_out.empty() || (one.engine == kNative && arm.predict_only);
      if (!there && !stands_in) continue;
      const Pace pace(repetitions);
      const Scenario computed = as_engine_computes(scenario, one.engine, run.header);
      const Scenario timed = at_pace(computed, pace.median);
      const OwnTime& own = own_times[&one];
      const Nanos own_time = there && own.case_id != load_case.id ? own.each : 0;
      Expectation expected = expect(timed, arm, load_case, cores, seeds, kMaxKept, own_time);
      // No bound rests on a busy machine: it is what the cores can do at their best, in any of the
      // repetitions. Each of them is held against the bound that the table shows.
      expected.row.best_pace = pace.best;
      const Scenario fastest = at_pace(computed, pace.best);
      const double at_best = least_bound(fastest.routes, arm, load_case, cores, seeds);
      expected.slower_s = *expected.row.bound_s - at_best;
      expected.row.bound_s = at_best;
      ArmReport& row = report.arms.emplace_back(expected.row);
      if (there) {
        const Arm reported = one.engine == kServer ? with_known_workers(arm, repetitions) : arm;
        row = analyse_arm(timed, reported, load_case, expected, repetitions, one.engine);
        if (const ServerUse& use = repetitions.front()->server; use.known()) row.server = use;
        const auto checks = one.engine == kNative ? judge_checks(scenario, row) : check_foreign(row);
        if (chosen.has(arm.id, load_case.id))
          report.checks.insert(report.checks.end(), checks.begin(), checks.end());
        row.own_time_s = seconds(own_time);
        if (own_time > 0) row.own_time_case = own.case_id;
      } else if (!left_out.empty()) {
        row.engine.kind = one.engine;
        row.not_run = left_out;
      } else {
        row = predicted_arm(scenario, arm, load_case, expected);
        row.not_run = "predicted only";
        row.findings.clear();
      }
      row.written = one.written;
      row.engine.runtime = one.runtime;
    }
  }
  const WholeFile file = whole_file(scenario);
  report.remarks = make_remarks(scenario, file, report.arms, run, guesses);
  if (chosen.any()) {
    const auto is_answer = [](const Note& note) { return note.kind == NoteKind::so; };
    std::vector<Note> of_all = std::move(report.remarks);
    std::erase_if(report.arms, [&](const ArmReport& arm) { return !chosen.has(arm.arm, arm.case_id); });
    report.remarks = make_remarks(scenario, file, report.arms, run, guesses);
    if (std::ranges::none_of(report.remarks, is_answer))
      std::ranges::copy_if(of_all, std::back_inserter(report.remarks), is_answer);
  }
  std::vector<Note> trace = notes_of_trace(scenario, run);
  std::move(trace.begin(), trace.end(), std::back_inserter(report.remarks));
  return report;
}

Report make_prediction(const Scenario& written, std::uint64_t seed, const std::vector<Guess>& guesses,
                       int cores, Run* drawn) {
  Scenario scenario = written;
  calibrate_scenario(scenario, true);
  Report report = start_report(scenario);
  report.predicted_only = true;
  report.seed = seed;
  report.cores = cores > 0 ? cores : available_cores();
  report.planned_repetitions = 1;
  constexpr std::int64_t kMaxShown = 5'000;      // an answer must be there at once
  constexpr double kBytesPerConnection = 8'000;  // socket buffers and session, measured at 10,000 connections
  for (const Case& load_case : scenario.cases) {
    for (const Arm& arm : scenario.arms) {
      Expectation expected = expect(scenario, arm, load_case, report.cores, {seed}, kMaxShown);
      report.arms.push_back(predicted_arm(scenario, arm, load_case, expected));
      if (drawn != nullptr && !report.arms.back().lanes.empty())
        drawn->repetitions.push_back(*std::move(expected.simulated));
      if (holds_nothing_while_waiting(arm)) {
        report.arms.back().memory_bytes = kBytesPerConnection * static_cast<double>(load_case.requests());
      }
    }
  }
  report.remarks = make_remarks(scenario, whole_file(scenario), report.arms, Run{}, guesses);
  if (!scenario.trace.empty()) {
    Run simulated;
    for (const Case& load_case : scenario.cases) {
      for (const Arm& arm : scenario.arms)
        simulated.repetitions.push_back(
            simulate_repetition(scenario, arm, load_case, report.cores, 1, seed, true));
    }
    const std::vector<Note> trace = notes_of_trace(scenario, simulated);
    report.remarks.insert(report.remarks.end(), trace.begin(), trace.end());
  }
  const bool cut = std::ranges::any_of(
      scenario.cases, [](const Case& load_case) { return load_case.requests() > kMaxShown; });
  const bool wide = cut || std::ranges::any_of(scenario.cases, is_stochastic);
  if (auto tails = wide ? note_of_tails(report.arms) : std::nullopt)
    report.remarks.push_back(std::move(*tails));
  if (cut)
    report.remarks.push_back(
        {NoteKind::note, fmt::format("no lanes and no WHY above {} requests", kMaxShown)});
  return report;
}

void add_server_output(Report& report, const std::string& path) {
  report.remarks.push_back(
      {.kind = NoteKind::note, .text = "all that the server wrote: " + path, .decisive = true});
}

}  // namespace lab
