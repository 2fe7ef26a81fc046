#include "lab/cli/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "lab/experiment/engines.hpp"
#include "lab/experiment/environment.hpp"
#include "lab/experiment/experiment.hpp"
#include "lab/experiment/prepared_experiment.hpp"
#include "lab/experiment/report.hpp"
#include "lab/experiment/run_header.hpp"
#include "lab/servers/mode.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace {

Result<Stat> stat_of(const Scenario& scenario, const std::string& text) {
  if (text.empty()) return scenario.show.empty() ? Stat{} : scenario.show.front();
  auto stat = parse_stat(text);
  if (!stat) return usage_error("--stat: {}", stat.error().message);
  std::vector<std::string> routes;
  for (const Route& route : scenario.routes) routes.push_back(route.name);
  if (!stat->route.empty() && std::find(routes.begin(), routes.end(), stat->route) == routes.end())
    return usage_error("--stat: scenario '{}' has no route '{}'{}", scenario.name, stat->route,
                       suggestion(stat->route, routes));
  return stat;
}

ExperimentOptions experiment_of(const SweepTask& task) {
  ExperimentOptions experiment = task.options.experiment;
  if (!task.options.has("budget")) experiment.budget = task.scenario.budget;
  return experiment;
}

const MeasureRow* find_measure(const ArmReport& arm, const Stat& stat) {
  const auto found = std::find_if(arm.measures.begin(), arm.measures.end(),
                                  [&](const MeasureRow& row) { return row.stat == stat; });
  return found == arm.measures.end() ? nullptr : &*found;
}

std::string note_of(const ArmReport& arm, bool measured) {
  if (!arm.not_run.empty()) return "not run: " + arm.not_run;
  if (arm.verdict == Verdict::instrument_fault)
    return "measured below its bound: instrument fault, nothing is claimed";
  const std::int64_t bad = arm.books.planned - arm.books.ok;
  if (measured && bad > 0)
    return fmt::format("{} of {} requests were not answered well", bad, arm.books.planned);
  return "";
}

std::vector<SweepCell> cells_from(const Report& report, const Stat& stat, bool predicted_only) {
  const bool any_measured = std::any_of(report.arms.begin(), report.arms.end(),
                                        [](const ArmReport& arm) { return !arm.engine.is(kModel); });
  std::vector<SweepCell> cells;
  for (const ArmReport& arm : report.arms) {
    // The model stands beside every arm that was measured.
    if (arm.engine.is(kModel) && any_measured) continue;
    const MeasureRow* row = find_measure(arm, stat);
    SweepCell cell;
    cell.arm = name_on_engine(arm);
    cell.case_id = arm.case_id;
    if (row != nullptr) cell.predicted = row->predicted;
    const bool measured =
        row != nullptr && !predicted_only && !arm.engine.is(kModel) && row->measured.has_value();
    if (measured) cell.measured = row->measured;
    if (!predicted_only) cell.note = note_of(arm, measured);
    cells.push_back(std::move(cell));
  }
  return cells;
}

Scenario showing(const Scenario& scenario, const Stat& stat) {
  Scenario shown = scenario;
  shown.show = {stat};
  return shown;
}

}  // namespace

Result<Sweep> plan_sweep(const RunOptions& options, const std::vector<std::string>& vary,
                         const std::string& stat) {
  auto keys = parse_grid(vary);
  if (!keys) return keys.error();
  if (options.scenarios.size() != 1)
    return usage_error("a sweep is of one scenario; {} are named", options.scenarios.size());
  Sweep sweep;
  sweep.keys = std::move(*keys);
  for (std::vector<std::string>& values : points_of(sweep.keys)) {
    SweepTask task;
    auto point = at_point(options, sweep.keys, values);
    if (!point) return point.error();
    task.options = std::move(*point);
    auto scenario = load_scenario(options.scenarios.front(), known_modes(), task.options.overrides);
    if (!scenario) return scenario.error();
    task.scenario = std::move(*scenario);
    task.values = std::move(values);
    sweep.tasks.push_back(std::move(task));
  }
  auto known = stat_of(sweep.tasks.front().scenario, stat);
  if (!known) return known.error();
  sweep.stat = *known;
  return sweep;
}

Result<SweepEstimate> estimate_sweep(const Sweep& sweep, const std::vector<bool>& done) {
  SweepEstimate estimate;
  for (std::size_t i = 0; i < sweep.tasks.size(); ++i) {
    if (done[i]) continue;
    const SweepTask& task = sweep.tasks[i];
    const ExperimentOptions experiment = experiment_of(task);
    if (auto possible = preflight(task.scenario, experiment); !possible) return possible.error();
    Scenario scenario = task.scenario;
    if (auto rates = calibrate_scenario(scenario, true); !rates) return rates.error();
    PreparedExperiment stage;  // nothing is prepared yet: what cannot be run here is found out at its turn
    for (const std::string& engine : experiment.engines) {
      if (engine == kModel || engine == kRecorded) continue;
      for (EngineArm& arm : engine_arms(scenario, engine, experiment.foreign.servers.size()))
        stage.arms.push_back(std::move(arm));
    }
    const ExperimentPlan plan = plan_experiment(scenario, experiment, stage);
    ++estimate.points;
    estimate.trials += plan.trials;
    estimate.time += std::min(plan.estimate, kNever - estimate.time);
  }
  return estimate;
}

PointEnd run_point(const SweepTask& task, const std::optional<std::filesystem::path>& folder,
                   const std::function<void()>& trial_done) {
  const ExperimentOptions experiment = experiment_of(task);
  preflight(task.scenario, experiment).value();
  Scenario scenario = task.scenario;
  PreparedExperiment stage = PreparedExperiment::prepare(scenario, experiment).value();
  const ExperimentPlan plan = plan_experiment(scenario, experiment, stage);
  RunHeader header =
      begin_header(scenario, task.options.recorded(), experiment.seed, plan.repetitions, stage);
  std::optional<RunWriter> writer;
  if (folder) writer.emplace(RunWriter::create(*folder, true, header).value());
  const NoiseMeter noise;
  ExperimentObserver observer;
  observer.trial_done = [&](const RunRepetition&, std::int64_t, std::int64_t) { trial_done(); };
  ExperimentResult result =
      run_experiment(scenario, experiment, header, stage, writer ? &*writer : nullptr, observer);
  PointEnd end;
  end.interrupted = result.interrupted;
  end.fault = result.fault ? result.fault : result.server_fault;
  // What is not whole is not kept: the point is run again when the sweep goes on.
  if (end.interrupted || result.fault) return end;
  result.run.summary.noise = noise.verdict();
  result.run.summary.environment = noise.details();
  if (writer) {
    auto saved = writer->finish(result.run.summary);
    if (!saved) end.fault = saved.error();
  }
  end.run = std::move(result.run);
  return end;
}

std::vector<SweepCell> cells_of(const SweepTask& task, const Stat& stat, const Run& run) {
  return cells_from(make_report(showing(task.scenario, stat), run), stat, false);
}

std::vector<SweepCell> predicted_cells(const SweepTask& task, const Stat& stat) {
  return cells_from(make_prediction(showing(task.scenario, stat), task.options.experiment.seed), stat, true);
}

SweepReport begin_report(const Sweep& sweep) {
  SweepReport report;
  report.scenario = sweep.tasks.front().scenario.name;
  report.question = sweep.tasks.front().scenario.question;
  report.stat = sweep.stat;
  report.planned = sweep.tasks.size();
  for (const SweepKey& key : sweep.keys) report.keys.push_back(key.name);
  return report;
}

}  // namespace lab
