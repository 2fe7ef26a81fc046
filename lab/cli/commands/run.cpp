#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <new>

#include "lab/cli/command.hpp"
#include "lab/cli/screen.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/interrupt.hpp"
#include "lab/core/process.hpp"
#include "lab/core/terminal.hpp"
#include "lab/experiment/experiment.hpp"
#include "lab/experiment/report.hpp"
#include "lab/page/run_stream.hpp"
#include "lab/servers/mode.hpp"
#include "results/report/format.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace {

/// Asks before anything is shown; an empty line passes one question, the end of input the rest. Ctrl-C throws
/// Failure.
void ask_for_guesses(const Scenario& scenario, const Overrides& overrides, const TextStyle& style,
                     std::vector<Guess>& guesses) {
  print_error("{}", wrapped(scenario.question, style));
  if (const std::string changes = describe_changes(overrides); !changes.empty())
    print_error("{}", wrapped("changed: " + changes, style));
  for (const Arm& arm : scenario.arms) {
    const std::string prompt =
        fmt::format("  your guess for {} ({}), such as 100ms or 1.5s; Enter to skip: ", arm.id, arm.label);
    for (bool open = true; open;) {
      const auto line = ask_line(prompt, style);
      if (!line) return;
      const auto value = parse_duration(*line);
      open = !value && !line->empty();
      if (value) guesses.push_back({arm.id, seconds(*value)});
      if (open) print_error("{}", wrapped("  " + value.error().message, style));
    }
  }
}

/// Keeps all that a server wrote that failed: beside the run, or in a temporary file where nothing is saved.
/// Its path; empty where it wrote nothing, or where that cannot be kept.
std::string keep_server_output(const std::string& said, const std::string& folder) {
  if (said.empty()) return "";
  std::string path = folder + "/" + kServerOutput;
  if (folder.empty()) {
    path = (std::filesystem::temp_directory_path() / "lab-server-XXXXXX.txt").string();
    const UniqueFd made(mkostemps(path.data(), 4, O_CLOEXEC));
    if (!made.valid()) return "";
  }
  std::ofstream file(path, std::ios::binary);
  file << said;
  return file.flush() ? path : "";
}

struct RunVerb : RunOptions {
  bool stream = false;
};

struct Finished {
  Report report;
  int exit_code = 0;
};

/// One scenario from its first server to its report; the report is not printed yet.
Finished run_one(Scenario scenario, const RunVerb& options) {
  const ExperimentOptions experiment = options.experiment_of(scenario);
  RecordOptions record{options.recorded(), std::nullopt, !options.save.empty()};
  if (!options.has("no-save"))
    record.folder = record.exact ? std::filesystem::path(options.save) : default_runs_folder();
  const std::string room = preflight(scenario, experiment, record.folder);

  std::vector<Guess> guesses = options.guesses;
  if (options.has("ask") && isatty(STDIN_FILENO) == 1)
    ask_for_guesses(scenario, options.overrides, options.output.style, guesses);
  if (interrupt_signal() != 0) throw Failure(environment_error("interrupted"));

  PreparedExperiment prepared = PreparedExperiment::prepare(scenario, experiment);
  const ExperimentPlan plan = plan_experiment(scenario, experiment, prepared);
  const bool others_only = !experiment.uses(kNative) && !experiment.uses(kModel);
  if (others_only && plan.trials == 0 && prepared.recorded.empty() && !prepared.left_out.empty())
    throw Failure(environment_error("nothing can be run: {}", prepared.left_out.front().reason));

  LiveView live(options.output);
  const auto report_of = [&](const Run& run) {
    Report report = make_report(scenario, run, guesses);
    report.changes = describe_changes(options.overrides);
    report.checks_asked = options.has("check");
    return report;
  };
  ExperimentObserver observer;
  observer.started = [&](const RunHeader&) {
    if (!options.output.quiet) {
      print_error("{}: {} repetition{}, about {}{}, budget {}\n", scenario.name, plan.repetitions,
                  plan.repetitions == 1 ? "" : "s", format_estimate(plan.estimate), room,
                  format_duration(experiment.budget));
    }
    live.progress(0, plan.trials, plan.estimate);
  };
  observer.trial_done = [&](const RunRepetition&, std::int64_t done, std::int64_t trials) {
    live.progress(done, trials, plan.estimate);
  };
  observer.round_done = [&](const Run& run, int rounds) {
    if (!live.wants_reports() || rounds == plan.repetitions) return;
    const Report report = report_of(run);
    live.show(to_text(report, options.output.style), table_text(report, options.output.style));
  };
  std::optional<RunStream> stream;
  if (options.stream) stream.emplace(scenario, experiment.seed, print, observer);
  ExperimentResult result = run_experiment(scenario, experiment, plan, prepared, record, observer);
  live.clear();
  const bool nothing = result.run.repetitions.empty();
  if (nothing && result.fault) throw Failure(*result.fault);
  if (nothing && result.server_fault) {
    const std::string whole = keep_server_output(result.server_said, "");
    if (!whole.empty()) result.server_fault->message += "; all that it wrote: " + whole;
    throw Failure(*result.server_fault);
  }
  if (nothing && result.interrupted)
    throw Failure(
        environment_error("interrupted before the end of the first repetition: there is nothing to report"));

  // Its record comes first: it is there whatever becomes of the report.
  std::optional<Result<std::filesystem::path>> saved;
  if (result.writer) saved = result.writer->finish(result.run.summary);
  Finished finished;
  try {
    finished.report = report_of(result.run);
  } catch (const std::bad_alloc&) {
    throw Failure(environment_error("memory ran out while the report was made{}",
                                    saved && *saved ? "; lab report last makes it again" : ""));
  }
  if (saved) {
    if (*saved) {
      finished.report.path = saved->value().string();
      const std::string name = options.scenarios.size() > 1 ? scenario.name : "last";
      finished.report.again = "lab report " + (record.exact ? shell_word(options.save) : name);
    } else {
      const std::string& why = saved->error().message;
      print_error("lab: {}\n", why);
      finished.report.remarks.push_back(
          {.kind = NoteKind::warn, .text = "not saved: " + why, .decisive = true});
      finished.exit_code = static_cast<int>(ErrorKind::environment);
    }
  }
  const std::string whole = keep_server_output(result.server_said, finished.report.path);
  if (!whole.empty()) add_server_output(finished.report, whole);
  if (std::ranges::count(finished.report.arms, Verdict::instrument_fault, &ArmReport::verdict) > 0)
    finished.exit_code = static_cast<int>(ErrorKind::environment);
  const bool failed = std::ranges::any_of(
      finished.report.checks, [](const CheckRow& check) { return check.decided && !check.passed; });
  if (options.has("check") && failed && finished.exit_code == 0)
    finished.exit_code = static_cast<int>(ErrorKind::check_failed);
  for (const auto& stop : {result.server_fault, result.fault}) {
    if (!stop) continue;
    print_error("lab: {}\n", stop->message);
    finished.exit_code = static_cast<int>(stop->kind);
  }
  if (result.interrupted) finished.exit_code = interrupt_exit_code();
  if (stream) {
    stream->document(finished.report, result.run);
    stream->end(result.run.summary.complete, result.run.summary.reason);
  }
  return finished;
}

int run_all(const RunVerb& options) {
  std::vector<Scenario> scenarios;
  refuse_if(options.stream && (options.scenarios.size() > 1 || options.output.format != Format::text),
            "--stream is of one run, and a format of its own");
  for (const std::string& name : options.scenarios) {
    scenarios.push_back(load_scenario(name, known_modes(), options.overrides).value());
    for (const Guess& guess : options.guesses) arm_named(scenarios.back(), "--guess", guess.arm);
  }
  refuse_if(!options.save.empty() && scenarios.size() > 1,
            "--save: one folder holds one run; run the {} scenarios one by one", scenarios.size());
  std::vector<Report> reports;
  int exit_code = 0;
  for (const Scenario& scenario : scenarios) {
    const auto ran = caught([&] { return run_one(scenario, options); });
    if (!ran && options.stream) print(RunStream::failure(ran.error()));
    Finished finished = ran.value();
    exit_code = std::max(exit_code, finished.exit_code);
    if (options.stream) return exit_code;
    if (options.output.format == Format::text) {
      if (!reports.empty()) print("\n");
      print(to_text(finished.report, options.output.style));
    }
    reports.push_back(std::move(finished.report));
    if (interrupt_signal() != 0) break;
  }
  if (options.output.format != Format::text)
    print(write_reports(options.output.format.word, {reports, options.output.style}).value());
  return exit_code;
}

}  // namespace

Command run_command() {
  Command command("run", "run an experiment on real servers and compare it with theory",
                  "Example: lab run blocking-async --guess async-loop=1s");
  RunVerb& options = command.runs<RunVerb>(run_all);
  add_scenario_options(command, options);
  add_experiment_options(command, options);
  command.flag("--stream", options.stream,
               "what happens while it happens, one JSON object a line (for programs)");
  add_output_options(command, options.output);
  add_details_option(command, options.output);
  return command;
}

}  // namespace lab
