#include "lab/cli/verify_run.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <ctime>
#include <optional>

#include "harness/model/model.hpp"
#include "harness/statistics/statistics.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/environment.hpp"
#include "lab/experiment/interrupt.hpp"
#include "lab/experiment/options.hpp"
#include "lab/experiment/other_load.hpp"
#include "lab/experiment/prepared_experiment.hpp"
#include "lab/servers/mode.hpp"
#include "results/report/arm_report.hpp"
#include "results/store/set_aside.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace {

constexpr double kDisturbed = 0.15;  // of the cores' time

/// The scenario as this batch runs it, without arms that no claim asks for.
Scenario load_batch(const VerifyBatch& batch, RunHeader& header) {
  Overrides overrides;
  std::set<std::string> arms;
  for (const Measure& measure : batch.measures) arms.insert(measure.written);
  if (batch.engine != kRecorded) {
    overrides.arms.assign(arms.begin(), arms.end());
    overrides.scale = batch.scale;
    header.options = {"--arms=" + join(overrides.arms, ","), fmt::format("--scale={}", batch.scale)};
  }
  Scenario scenario = load_scenario(batch.scenario, known_modes(), overrides).value();
  for (Arm& arm : scenario.arms) {
    if (arm.cores == 0 && batch.engine == kNative) arm.cores = batch.cores;
  }
  header.scenario = scenario.name;
  header.scenario_source = scenario.source;
  header.scenario_file = scenario.file;
  header.started_utc = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  header.version = version();
  const Environment environment = describe_environment();
  header.environment = {{"cores", std::to_string(environment.cores)}, {"kernel", environment.kernel}};
  header.environment.insert(header.environment.end(), environment.details.begin(), environment.details.end());
  return scenario;
}

/// Leaves out whatever no claim asks for.
void keep_asked_for(const VerifyBatch& batch, const Scenario& scenario, PreparedExperiment& stage) {
  const auto pairs = batch.pairs();
  for (const EngineArm& one : stage.arms) {
    for (const Case& load_case : scenario.cases) {
      const bool asked = pairs.count({one.arm.id, load_case.id}) > 0;
      if (!asked && !stage.is_left_out(one, load_case))
        stage.left_out.push_back({one.arm.id, load_case.id, "no claim asks for it", one.engine});
    }
  }
}

/// Requests of the stat's route that failed; where failing is what the stat counts, none.
std::string failures(const Stat& stat, const RunRepetition& repetition, const std::vector<Route>& routes) {
  using Quantity = Stat::Quantity;
  const bool of_replies =
      !stat.of_server() || stat.quantity == Quantity::cpu;  // who only refuses, works little
  if (stat.quantity == Quantity::share || stat.quantity == Quantity::count || !of_replies) return "";
  RequestCounts books;
  for (const RequestRecord& record : repetition.records) {
    const bool counts = stat.route.empty() || routes.at(record.route).name == stat.route;
    if (counts && record.outcome != Outcome::hung_up) books.add(record);
  }
  if (books.ok == books.planned) return "";
  const auto& kinds = books.errors.empty() ? books.not_sent : books.errors;
  const std::string kind = kinds.empty() ? "no reply" : kinds.begin()->first;
  return fmt::format("{} of {} requests failed ({})", books.planned - books.ok, books.planned, kind);
}

struct BatchRun {
  Scenario scenario;
  std::vector<EngineArm> arms;
  Run run;
  bool interrupted = false;
  std::string fault;  ///< what ended it early, or empty
  double others = 0;  ///< share of the cores that others took
};

template <class Items, class Id>
const auto* find_by(const Items& items, Id matches) {
  const auto found = std::find_if(items.begin(), items.end(), matches);
  return found == items.end() ? nullptr : &*found;
}

/// What busy cores and a wrong instrument would spoil.
void doubt(const Measure& measure, const BatchRun& done, const Case& load_case, Reading& reading) {
  using Quantity = Stat::Quantity;
  const EngineArm* one = find_by(done.arms, [&](const EngineArm& arm) { return arm.arm.id == measure.arm; });
  if (one == nullptr || reading.values.empty()) return;
  const Bound least = bound({&done.scenario.routes, &one->arm, &load_case, available_cores(), 0});
  if (measure.stat == Stat{} && !least.has_cpu) {
    for (const RunRepetition& repetition : done.run.repetitions) {
      const bool same = repetition.arm == measure.arm && repetition.case_id == measure.case_id;
      RunRepetition room;
      if (same && below_bound(since_first_intended(whole(repetition, room)), least.seconds, false))
        reading.absent = fmt::format("measured below the bound of {:.4g} s: instrument fault", least.seconds);
    }
  }
  const Quantity quantity = measure.stat.quantity;
  const bool counts = quantity == Quantity::share || quantity == Quantity::count ||
                      quantity == Quantity::value ||
                      (quantity >= Quantity::memory && quantity != Quantity::switch_time);
  if (counts || done.others <= kDisturbed) return;
  reading.disturbed = fmt::format("others took {:.0f} % of the cores meanwhile", done.others * 100);
}

Reading read_measure(const Measure& measure, const std::string& engine, const BatchRun& done) {
  const Case& load_case =
      *find_by(done.scenario.cases, [&](const Case& one) { return one.id == measure.case_id; });
  Reading reading;
  reading.recorded = engine == kRecorded;
  for (const NotRun& left_out : done.run.header.not_run) {
    if (left_out.engine == engine && left_out.arm == measure.arm && left_out.case_id == measure.case_id)
      reading.absent = left_out.reason;
  }
  for (const RunRepetition& kept : done.run.repetitions) {
    if (kept.arm != measure.arm || kept.case_id != measure.case_id) continue;
    RunRepetition room;
    const RunRepetition& repetition = whole(kept, room);
    if (reading.absent.empty()) reading.absent = failures(measure.stat, repetition, done.scenario.routes);
    const auto value = evaluate(measure.stat, repetition, done.scenario.routes, load_case);
    if (value) reading.values.push_back(*value);
  }
  if (reading.values.empty() && reading.absent.empty()) {
    reading.absent = !done.fault.empty()
                         ? done.fault
                         : fmt::format("it was run without a figure for {}", to_string(measure.stat));
  }
  doubt(measure, done, load_case, reading);
  return reading;
}

/// Everything from loading to the last repetition. Throws Failure where nothing could be started.
BatchRun run_batch(const VerifyBatch& batch, const VerifyOptions& options,
                   const std::function<void(Nanos)>& started, const VerifyObserver& observer) {
  RunHeader header;
  BatchRun result;
  result.scenario = load_batch(batch, header);
  Scenario& scenario = result.scenario;
  ExperimentOptions experiment;
  experiment.engines = {batch.engine};
  experiment.repetitions = options.repetitions;
  experiment.seed = options.seed;
  experiment.foreign.python = options.python;
  experiment.as_written = batch.engine == kRecorded;
  preflight(scenario, experiment).value();
  PreparedExperiment stage = PreparedExperiment::prepare(scenario, experiment).value();
  keep_asked_for(batch, scenario, stage);
  const ExperimentPlan plan = plan_experiment(scenario, experiment, stage);
  header.seed = options.seed;
  header.planned_repetitions = plan.repetitions;
  header.not_run = stage.left_out;
  record_rates(stage.rates, header);
  const auto& versions = stage.foreign.environment();
  header.environment.insert(header.environment.end(), versions.begin(), versions.end());
  std::optional<RunWriter> writer;
  if (options.save && plan.trials > 0)
    writer.emplace(RunWriter::create(default_runs_folder(), false, header).value());
  started(plan.estimate);
  const NoiseMeter noise;
  const BackgroundCpu others;
  result.arms = batch.engine == kRecorded ? engine_arms(scenario, kRecorded) : stage.arms;
  ExperimentResult measured =
      run_experiment(scenario, experiment, header, stage, writer ? &*writer : nullptr, {});
  result.others = batch.engine == kRecorded ? 0 : others.share();
  measured.run.summary.noise = noise.verdict();
  measured.run.summary.environment = noise.details();
  if (writer) {
    auto saved = writer->finish(measured.run.summary);
    if (saved && observer.saved) observer.saved(saved->string());
    if (!saved && observer.warned) observer.warned("not saved: " + saved.error().message);
  }
  result.run = std::move(measured.run);
  result.interrupted = measured.interrupted;
  if (measured.fault) result.fault = measured.fault->message;
  return result;
}

void set_readings(const VerifyBatch& batch, const BatchRun& done, Readings& readings) {
  for (const Measure& measure : batch.measures)
    readings.set(measure, read_measure(measure, batch.engine, done));
}

/// Nothing at all was measured: no interpreter, no package.
bool nothing_measured(const VerifyBatch& batch, const Readings& readings) {
  return std::all_of(batch.measures.begin(), batch.measures.end(),
                     [&](const Measure& measure) { return readings.get(measure).values.empty(); });
}

}  // namespace

BatchEnd take_readings(const VerifyBatch& batch, const VerifyOptions& options, const VerifyObserver& observer,
                       const std::function<void(Nanos)>& started, Readings& readings) {
  BatchEnd end;
  try {
    const BatchRun done = run_batch(batch, options, started, observer);
    end.interrupted = done.interrupted;
    if (done.others > kDisturbed)
      end.noise =
          fmt::format("{}: others took {:.0f} % of the cores meanwhile", batch.scenario, done.others * 100);
    readings.set(batch.scenario, batch.engine, {batch.scale, done.scenario.params});
    set_readings(batch, done, readings);
  } catch (const Failure& failure) {
    end.interrupted = interrupt_signal() != 0;
    for (const Measure& measure : batch.measures)
      readings.set(measure, {.values = {}, .absent = failure.error().message});
  }
  if (end.interrupted || batch.engine != kFastapi || !nothing_measured(batch, readings)) return end;
  VerifyBatch recorded = batch;
  recorded.engine = kRecorded;
  recorded.scale = 1;
  try {
    const BatchRun done = run_batch(
        recorded, options, [](Nanos) {}, observer);
    Readings found;
    set_readings(recorded, done, found);
    if (nothing_measured(recorded, found)) return end;  // the first reason tells more
    readings.set(batch.scenario, batch.engine, {recorded.scale, done.scenario.params});
    for (const Measure& measure : batch.measures) readings.set(measure, found.get(measure));
  } catch (const Failure&) {
    return end;  // no recording either: the reasons of the first attempt stand
  }
  return end;
}

}  // namespace lab
