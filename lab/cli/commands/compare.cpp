
#include <optional>

#include "lab/cli/command.hpp"
#include "lab/core/terminal.hpp"
#include "lab/experiment/recordings.hpp"
#include "lab/experiment/report.hpp"
#include "results/report/comparison.hpp"
#include "results/store/set_aside.hpp"

namespace lab {

namespace {

struct ComparedRuns {
  std::string a, b;
  CompareOptions options;
  bool check = false;
  OutputOptions output;
};

/// `2%`, or 0; a bare 2 might mean either.
Result<double> parse_tolerance(const std::string& option, const std::string& text) {
  refuse_if(text != "0" && !text.ends_with('%'), "{}: '{}' is not a share; write 2%, for example", option,
            text.substr(0, 40));
  return parse_share(option, text);
}

/// Reads a run (a path or a name, as `lab report` takes them) and derives its report, with `stats` besides
/// the scenario's own. Throws Failure.
ReportedRun report_run(const std::string& name, const std::vector<Stat>& stats) {
  ReportedRun reported;
  const std::filesystem::path path = find_run(name);
  SetAside set_aside;
  RecordedRun recorded =
      read_recorded(path, {.whole = [&](RunRepetition& one) { set_aside.take(one); }, .leave_large = true});
  reported.run = std::move(recorded.run);
  reported.scenario = std::move(recorded.scenario);
  Scenario shown = reported.scenario;
  if (!stats.empty()) shown.show = stats;
  reported.report = make_report(shown, reported.run);
  reported.report.path = path.string();
  // Choosing other arms or cases changes nothing in those that both have.
  Overrides overrides = std::move(recorded.options);
  overrides.arms.clear();
  overrides.cases.clear();
  overrides.modes.clear();
  reported.settings = describe_changes(overrides);
  return reported;
}

int compare(const ComparedRuns& runs) {
  const CompareOptions& options = runs.options;
  refuse_if(!options.arm_b.empty() && options.arm_a.empty(),
            "--with names what --arm is compared with; give --arm too");
  refuse_if(runs.b.empty() && options.arm_b.empty(),
            "give two runs, or two arms of one: lab compare RUN --arm blocking-loop --with async-loop");
  const ReportedRun a = report_run(runs.a, options.stats);
  std::optional<ReportedRun> other;
  if (!runs.b.empty()) other = report_run(runs.b, options.stats);
  const ComparisonReport report = compare_runs(a, other ? *other : a, options).value();
  print(runs.output.format == Format::json ? comparison_json(report)
                                           : comparison_text(report, runs.output.style));
  if (!runs.check) return 0;
  if (report.slower) return static_cast<int>(ErrorKind::check_failed);
  return report.inconclusive ? static_cast<int>(ErrorKind::environment) : 0;
}

}  // namespace

Command compare_command() {
  Command command("compare", "compare two runs, or two arms of one: what changed, and how certain that is",
                  "Example: lab compare before after --check --tolerance 2%");
  ComparedRuns& runs = command.runs<ComparedRuns>(compare);
  command
      .text("a", "RUN", runs.a, "the first run: a folder, its name, a scenario (its newest run), or 'last'")
      .required();
  command.text("b", "RUN", runs.b, "the second run");
  command.text("--arm", "ARM", runs.options.arm_a, "only this arm");
  command.text("--with", "ARM", runs.options.arm_b, "the arm of the second run to compare with --arm");
  command
      .add("--stat", "STAT", "the stat to compare, such as makespan or ping.latency.max; may be repeated",
           [&runs](const std::vector<std::string>& texts) {
             for (const std::string& text : texts)
               runs.options.stats.push_back(parse_stat("--stat", text).value());
           })
      .one_each();
  command
      .read("--tolerance", "SHARE", runs.options.tolerance, parse_tolerance,
            "a smaller change is no difference, such as 2%")
      .shows("0");
  command.flag("--check", runs.check, "exit 1 if something is slower, 3 if that cannot be decided");
  add_output_options(command, runs.output, {Format::text, Format::json});
  return command;
}

}  // namespace lab
