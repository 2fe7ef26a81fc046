#include "lab/cli/sweep.hpp"
#include "results/store/beside_runs.hpp"

#include "lab/cli/command.hpp"
#include "lab/cli/screen.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/interrupt.hpp"
#include "lab/core/terminal.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace {

struct AskedSweep {
  RunOptions run;
  std::vector<std::string> vary;
  std::string stat, resume;
  bool predict = false;
};

std::string format_sweep(const SweepReport& report, const OutputOptions& output) {
  if (output.format == Format::json) return sweep_json(report);
  if (output.format == Format::csv) return sweep_csv(report);
  if (output.format == Format::markdown) return sweep_markdown(report);
  if (output.format == Format::svg) return sweep_svg(report);
  return sweep_text(report, output.style);
}

std::string name_of(const Sweep& sweep, const SweepTask& task) {
  std::string name;
  for (std::size_t i = 0; i < task.values.size(); ++i)
    name += fmt::format("{}{}={}", i > 0 ? ", " : "", sweep.keys[i].name, task.values[i]);
  return name;
}

/// A sweep that goes on takes all its settings from its manifest.
void refuse_other_settings(const AskedSweep& asked) {
  const RunOptions& run = asked.run;
  refuse_if(!asked.vary.empty() || !asked.stat.empty() || asked.predict || !run.scenarios.empty() ||
                run.has("save") || run.has("no-save") || !run.kept_by_sweep().empty(),
            "--resume continues with the settings of the sweep; besides it give only "
            "--postgres and the output's options");
}

SweepManifest describe(const AskedSweep& asked, const Sweep& sweep) {
  const Environment machine = describe_environment();
  // A path must lead there from any other folder as well; a name is looked for again.
  const std::string& word = asked.run.scenarios.front();
  const bool path = word.find('/') != std::string::npos || word.ends_with(".toml");
  return {sweep.tasks.front().scenario.name,
          path ? std::filesystem::absolute(word).string() : word,
          sweep.tasks.front().scenario.source,
          version(),
          machine.kernel,
          machine.cores,
          utc_now(),
          asked.vary,
          asked.run.kept_by_sweep(),
          to_string(sweep.stat)};
}

/// Runs of another program, machine or scenario do not belong into one table.
void check_unchanged(const SweepManifest& began, const SweepManifest& now) {
  constexpr const char* kOther = "--resume: the sweep began with {} {}, now it is {}; begin a new one";
  refuse_if(began.version != now.version, kOther, "lab", began.version, now.version);
  refuse_if(began.kernel != now.kernel, kOther, "kernel", began.kernel, now.kernel);
  refuse_if(began.cores != now.cores, kOther, "cores:", began.cores, now.cores);
  refuse_if(began.source != now.source,
            "--resume: the file of scenario '{}' has changed since the sweep began; begin a new one",
            began.scenario);
}

int predict(const Sweep& sweep, const OutputOptions& output) {
  SweepReport report = begin_report(sweep);
  report.predicted_only = true;
  for (const SweepTask& task : sweep.tasks) {
    if (interrupt_signal() != 0) break;
    report.points.push_back({task.values, "", predicted_cells(task, sweep.stat)});
  }
  report.complete = report.points.size() == sweep.tasks.size();
  if (!report.complete) report.incomplete_reason = "interrupted";
  print(format_sweep(report, output));
  return report.complete ? 0 : interrupt_exit_code();
}

int measure(const Sweep& sweep, const std::optional<std::filesystem::path>& folder,
            const OutputOptions& output) {
  std::vector<bool> done(sweep.tasks.size(), false);
  for (std::size_t i = 0; folder && i < done.size(); ++i) done[i] = point_is_done(*folder, i);
  const SweepEstimate estimate = estimate_sweep(sweep, done);
  if (!output.quiet) {
    const std::size_t known = done.size() - estimate.points;
    print_error("{}: {} points{}, {} runs of a server, about {}\n", sweep.tasks.front().scenario.name,
                done.size(), known > 0 ? fmt::format(" ({} done already)", known) : "", estimate.trials,
                format_estimate(estimate.time));
  }
  SweepReport report = begin_report(sweep);
  report.path = folder ? folder->string() : "";
  LiveView live(output);
  std::int64_t trials = 0;
  int exit_code = 0;
  for (std::size_t i = 0; i < sweep.tasks.size(); ++i) {
    const SweepTask& task = sweep.tasks[i];
    const auto place = folder ? std::optional(point_folder(*folder, i)) : std::nullopt;
    const std::string path = place ? place->string() : "";
    if (done[i]) {
      const auto own = [&](const RunHeader&) { return task.scenario; };
      report.points.push_back(
          {task.values, path, cells_of(task, sweep.stat, read_run(*place, {.scenario = own}).value())});
      continue;
    }
    if (interrupt_signal() != 0) break;
    live.progress(trials, estimate.trials, estimate.time);
    ExperimentResult end;
    try {
      end = run_point(task, place, [&] { live.progress(++trials, estimate.trials, estimate.time); });
    } catch (const Failure& failure) {
      end.fault = failure.error();
    }
    const bool measured = !end.run.repetitions.empty();
    if (!measured && (end.interrupted || interrupt_signal() != 0)) break;
    if (measured) report.points.push_back({task.values, path, cells_of(task, sweep.stat, end.run)});
    if (measured && end.run.summary.noisy())
      report.warnings.push_back(name_of(sweep, task) + ": " + end.run.summary.noise);
    if (!end.fault) continue;
    live.clear();
    report.warnings.push_back(name_of(sweep, task) + ": " + end.fault->message);
    print_error("lab: {}\n", report.warnings.back());
    exit_code = static_cast<int>(end.fault->kind);
    if (!measured) break;
  }
  live.clear();
  const bool interrupted = interrupt_signal() != 0;
  report.complete = report.points.size() == sweep.tasks.size();
  if (!report.complete) report.incomplete_reason = interrupted ? "interrupted" : "stopped by an error";
  if (!report.complete && folder) print_error("lab: to continue: lab sweep --resume {}\n", folder->string());
  if (report.points.empty() && interrupted)
    throw Failure(
        environment_error("interrupted before the first point had ended: there is nothing to report"));
  if (!report.points.empty()) print(format_sweep(report, output));
  return interrupted && !report.complete ? interrupt_exit_code() : exit_code;
}

int go_on(const AskedSweep& asked, const OutputOptions& output) {
  refuse_other_settings(asked);
  const std::filesystem::path folder = find_sweep(asked.resume).value();
  const SweepManifest began = read_manifest(folder).value();
  AskedSweep same;
  same.run = RunOptions::read(began.arguments, "sweep");
  same.run.scenarios = {began.asked_for};
  same.run.experiment.postgres = asked.run.experiment.postgres;
  same.run.output = asked.run.output;
  same.vary = began.vary;
  const Sweep sweep = plan_sweep(same.run, same.vary, began.stat);
  check_unchanged(began, describe(same, sweep));
  return measure(sweep, folder, output);
}

int sweep(const AskedSweep& asked) {
  const OutputOptions& output = asked.run.output;
  for (const char* option : {"guess", "ask", "check"})
    refuse_if(asked.run.has(option), "--{} belongs to lab run, not to a sweep", option);
  if (!asked.resume.empty()) return go_on(asked, output);
  refuse_if(asked.run.scenarios.empty(), "name a scenario, or --resume a sweep");
  const Sweep planned = plan_sweep(asked.run, asked.vary, asked.stat);
  if (asked.predict) return predict(planned, output);
  estimate_sweep(planned, std::vector<bool>(planned.tasks.size(), false));
  std::optional<std::filesystem::path> folder;
  if (!asked.run.has("no-save")) {
    const std::string& save = asked.run.save;
    folder = create_sweep(save.empty() ? std::nullopt : std::optional<std::filesystem::path>(save),
                          describe(asked, planned))
                 .value();
  }
  return measure(planned, folder, output);
}

}  // namespace

Command sweep_command() {
  Command command(
      "sweep", "run a grid of settings: one table and one plot, beside the model's",
      "Example: lab sweep worker-identity --vary workers=1..8*2 --vary d=50ms,100ms\n"
      "KEY: workers, threads, requests, delay, rate, duration, scale, arrivals, connections, seed, "
      "or a parameter");
  AskedSweep& asked = command.runs<AskedSweep>(sweep);
  add_scenario_options(command, asked.run, false);
  add_experiment_options(command, asked.run);
  command
      .texts("--vary", "KEY=LIST", asked.vary,
             "a setting and its values, such as workers=1,2,4 or 1..64*2; may be repeated")
      .one_each();
  command.text("--stat", "STAT", asked.stat, "the stat to show (the scenario's first)");
  command.flag("--predict", asked.predict, "ask only the model; runs nothing");
  command.text("--resume", "DIR", asked.resume,
               "continue an interrupted sweep: a folder, its name, or 'last'");
  add_output_options(command, asked.run.output,
                     {Format::text, Format::json, Format::markdown, Format::csv, Format::svg});
  return command;
}

}  // namespace lab
