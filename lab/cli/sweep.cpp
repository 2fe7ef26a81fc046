#include "lab/cli/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/report.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace fs = std::filesystem;

namespace {

constexpr const char* kForms = "write 1,2,8 or 1..8 or 1..64*2 or 100ms..1s+100ms";

Error not_a_range(const std::string& key, std::string_view text) {
  return usage_error("--vary {}: '{}' is not a range; {}", key, text, kForms);
}

/// The values of `1..8`, `1..64*2` or `100ms..1s+100ms`: both ends are whole numbers, or durations. The last
/// one belongs to it where a step leads there. At most one value more than a sweep may have.
Result<Texts> expand_range(const std::string& key, std::string_view text, std::size_t dots) {
  const std::string_view first = text.substr(0, dots);
  std::string_view last = text.substr(dots + 2);
  const std::size_t sign = last.find_first_of("*+");
  const std::string_view step = sign == std::string_view::npos ? "" : last.substr(sign);
  last = last.substr(0, sign);
  const bool durations = !number_in<std::int64_t>(first).has_value();
  const auto read = [&](std::string_view value) -> std::optional<std::int64_t> {
    if (!durations) return number_in<std::int64_t>(value);
    const auto duration = parse_duration(value);
    return duration ? std::optional<std::int64_t>(*duration) : std::nullopt;
  };
  const auto from = read(first);
  const auto to = read(last);
  if (!from || !to) return not_a_range(key, text);
  double factor = 1;
  std::int64_t more = 0;
  if (step.starts_with('*')) {
    factor = number_in<double>(step.substr(1)).value_or(0);
    if (!(factor > 1) || *from <= 0) return not_a_range(key, text);
  } else if (step.starts_with('+')) {
    more = read(step.substr(1)).value_or(0);
    if (more <= 0) return not_a_range(key, text);
  } else if (durations) {
    return usage_error("--vary {}: '{}' needs a step: {}+100ms, or {}*2", key, text, text, text);
  } else {
    more = 1;
  }
  if (*from > *to) return usage_error("--vary {}: '{}' goes backwards", key, text);
  Texts values;
  for (std::int64_t value = *from; value <= *to && values.size() <= kMaxPoints;) {
    values.push_back(durations ? format_duration_literal(value) : std::to_string(value));
    const double next = static_cast<double>(value) * factor + static_cast<double>(more);
    if (next > static_cast<double>(*to) + 0.5 || next >= 0x1p63) break;
    value = std::max(value + 1, static_cast<std::int64_t>(std::llround(next)));
  }
  return values;
}

Result<SweepKey> parse_key(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    return usage_error("--vary: '{}' is not KEY=LIST; {}", text, "write for example workers=1,2,4");
  SweepKey key;
  key.name = text.substr(0, equals);
  for (const std::string& part : split(text.substr(equals + 1), ',')) {
    if (part.empty()) return usage_error("--vary {}: a value is empty; {}", key.name, kForms);
    const std::size_t dots = part.find("..");
    if (dots == std::string::npos) {
      key.values.push_back(part);
      continue;
    }
    LAB_TRY(const Texts values, expand_range(key.name, part, dots));
    key.values.insert(key.values.end(), values.begin(), values.end());
  }
  Texts sorted = key.values;
  std::ranges::sort(sorted);
  const auto twice = std::ranges::adjacent_find(sorted);
  if (twice != sorted.end()) return usage_error("--vary {}: {} comes twice", key.name, *twice);
  return key;
}

Stat stat_of(const Scenario& scenario, const std::string& text) {
  if (text.empty()) return scenario.show.empty() ? Stat{} : scenario.show.front();
  Stat stat = parse_stat("--stat", text).value();
  const Texts routes = ids_of(scenario.routes);
  refuse_if(!stat.route.empty() && !contains(routes, stat.route), "--stat: scenario '{}' has no route '{}'{}",
            scenario.name, stat.route, suggestion(stat.route, routes));
  return stat;
}

std::optional<std::string> note_of(const ArmReport& arm, bool measured) {
  if (!arm.not_run.empty()) return "not run: " + arm.not_run;
  if (arm.verdict == Verdict::instrument_fault)
    return "measured below its bound: instrument fault, no conclusion";
  const std::int64_t bad = arm.books.planned - arm.books.ok;
  if (measured && bad > 0) return fmt::format("{} of {} requests failed", bad, arm.books.planned);
  return std::nullopt;
}

std::vector<SweepCell> cells_from(const Report& report, const Stat& stat, bool predicted_only) {
  const bool any_measured =
      std::ranges::any_of(report.arms, [](const ArmReport& arm) { return !arm.engine.is(kModel); });
  std::vector<SweepCell> cells;
  for (const ArmReport& arm : report.arms) {
    // The model stands beside every arm that was measured.
    if (arm.engine.is(kModel) && any_measured) continue;
    SweepCell cell;
    cell.arm = name_on_engine(arm);
    cell.case_id = arm.case_id;
    for (const MeasureRow& row : arm.measures) {
      if (row.stat != stat) continue;
      cell.predicted = row.predicted;
      if (!predicted_only && !arm.engine.is(kModel)) cell.measured = row.measured;
      break;
    }
    const bool measured = cell.measured.has_value();
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

Result<std::vector<SweepKey>> parse_grid(const Texts& texts) {
  std::vector<SweepKey> keys;
  std::size_t points = 1;
  for (const std::string& text : texts) {
    LAB_TRY(SweepKey key, parse_key(text));
    for (const SweepKey& known : keys) {
      if (known.name == key.name)
        return usage_error("--vary {0} is given twice; write all its values in one: {0}=1,2,4", key.name);
    }
    points *= key.values.size();
    if (points > kMaxPoints)
      return usage_error("--vary: a grid of {}{} points is too large; at most {}", points,
                         key.values.size() > kMaxPoints ? " or more" : "", kMaxPoints);
    keys.push_back(std::move(key));
  }
  if (keys.empty()) return usage_error("nothing is varied; add for example --vary workers=1,2,4,8");
  return keys;
}

std::vector<Texts> points_of(const std::vector<SweepKey>& keys) {
  std::vector<Texts> points{{}};
  for (const SweepKey& key : keys) {
    std::vector<Texts> longer;
    for (const Texts& point : points) {
      for (const std::string& value : key.values) {
        longer.push_back(point);
        longer.back().push_back(value);
      }
    }
    points = std::move(longer);
  }
  return points;
}

RunOptions at_point(const RunOptions& options, const std::vector<SweepKey>& keys, const Texts& values) {
  RunOptions point = options;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string& name = keys[i].name;
    const auto option = find_run_option(point, name);
    if (option && option->varies) {
      refuse_if(options.has(name), "--{0} and --vary {0} exclude each other; give one", name);
      option->take({values[i]});
    } else {
      refuse_if(options.overrides.params.contains(name),
                "--vary {0} and a value for {0} exclude each other; give one", name);
      point.set("set", name + "=" + values[i]);
    }
  }
  point.check_together();
  return point;
}

Sweep plan_sweep(const RunOptions& options, const Texts& vary, const std::string& stat) {
  Sweep sweep;
  sweep.keys = parse_grid(vary).value();
  refuse_if(options.scenarios.size() != 1, "a sweep takes one scenario; {} are given",
            options.scenarios.size());
  for (Texts& values : points_of(sweep.keys)) {
    SweepTask& task = sweep.tasks.emplace_back();
    task.options = at_point(options, sweep.keys, values);
    task.scenario = load_scenario(options.scenarios.front(), known_modes(), task.options.overrides).value();
    task.values = std::move(values);
  }
  sweep.stat = stat_of(sweep.tasks.front().scenario, stat);
  return sweep;
}

SweepEstimate estimate_sweep(const Sweep& sweep, const std::vector<bool>& done) {
  SweepEstimate estimate;
  for (std::size_t i = 0; i < sweep.tasks.size(); ++i) {
    if (done[i]) continue;
    Scenario scenario = sweep.tasks[i].scenario;
    const ExperimentOptions experiment = sweep.tasks[i].options.experiment_of(scenario);
    preflight(scenario, experiment, std::nullopt);
    calibrate_scenario(scenario, true);
    // What cannot be run here is found out at its turn.
    const ExperimentPlan plan = plan_experiment(scenario, experiment);
    ++estimate.points;
    estimate.trials += plan.trials;
    estimate.time += std::min(plan.estimate, kNever - estimate.time);
  }
  return estimate;
}

ExperimentResult run_point(const SweepTask& task, const std::optional<fs::path>& folder,
                           const std::function<void()>& trial_done) {
  Scenario scenario = task.scenario;
  const ExperimentOptions experiment = task.options.experiment_of(scenario);
  preflight(scenario, experiment, folder);
  PreparedExperiment prepared = PreparedExperiment::prepare(scenario, experiment);
  ExperimentObserver observer;
  observer.trial_done = [&](const RunRepetition&, std::int64_t, std::int64_t) { trial_done(); };
  const ExperimentPlan plan = plan_experiment(scenario, experiment, prepared);
  ExperimentResult result =
      run_experiment(scenario, experiment, plan, prepared, {task.options.recorded(), folder, true}, observer);
  const bool whole = !result.interrupted && !result.fault;
  if (!result.fault) result.fault = result.server_fault;
  if (!whole) {  // the point is run again when the sweep goes on
    result.run = {};
  } else if (result.writer) {
    if (auto saved = result.writer->finish(result.run.summary); !saved) result.fault = saved.error();
  }
  return result;
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
  report.keys = ids_of(sweep.keys);
  return report;
}

}  // namespace lab
