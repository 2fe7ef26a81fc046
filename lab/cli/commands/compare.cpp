#include "lab/report/compare.hpp"

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/options.hpp"
#include "lab/core/terminal.hpp"

namespace lab {

namespace {

struct RawCompare {
  std::string a, b, arm, with, tolerance = "0";
  std::vector<std::string> stats;
  bool check = false;
  RawOutputOptions output;
};

/// `2%`, or 0; a bare 2 might mean either.
Result<double> parse_tolerance(const std::string& text) {
  if (text != "0" && !text.ends_with('%'))
    return usage_error("--tolerance: '{}' is not a share; write for example 2%", text.substr(0, 40));
  return parse_share("--tolerance", text);
}

int compare(const RawCompare& raw) {
  const OutputOptions output = check_output_options(raw.output).value();
  CompareOptions options;
  options.arm_a = raw.arm;
  options.arm_b = raw.with;
  options.tolerance = parse_tolerance(raw.tolerance).value();
  for (const std::string& text : raw.stats) {
    auto stat = parse_stat(text);
    if (!stat) throw Failure(usage_error("--stat: {}", stat.error().message));
    options.stats.push_back(*stat);
  }
  if (!raw.with.empty() && raw.arm.empty())
    throw Failure(usage_error("--with names what --arm is compared with; give --arm too"));
  if (raw.b.empty() && raw.with.empty()) {
    throw Failure(usage_error(
        "give two runs, or two arms of one: lab compare RUN --arm blocking-loop --with async-loop"));
  }
  const ToldRun a = tell_run(raw.a, options.stats);
  std::optional<ToldRun> other;
  if (!raw.b.empty()) other = tell_run(raw.b, options.stats);
  const ComparisonReport report = compare_runs(a, other ? *other : a, options).value();
  print(output.format == Format::json ? comparison_json(report) : comparison_text(report, output.style));
  if (!raw.check) return 0;
  if (report.slower()) return static_cast<int>(ErrorKind::check_failed);
  return report.inconclusive() ? static_cast<int>(ErrorKind::environment) : 0;
}

}  // namespace

void add_compare(CLI::App& app, Action& action) {
  CLI::App* verb =
      app.add_subcommand("compare", "two runs, or two arms of one: what changed, and how sure that is");
  verb->footer("Example: lab compare before after --check --tolerance 2%");
  auto raw = std::make_shared<RawCompare>();
  add_text(*verb, "a", raw->a, "the run before: a folder, its name, a scenario's newest run, or 'last'")
      ->required()
      ->type_name("RUN");
  add_text(*verb, "b", raw->b, "the run after")->type_name("RUN");
  add_text(*verb, "--arm", raw->arm, "only this arm")->type_name("ARM");
  add_text(*verb, "--with", raw->with, "the arm of the second run that stands beside --arm")
      ->type_name("ARM");
  add_texts(*verb, "--stat", raw->stats, "of which stat, as makespan or ping.latency.max; may be repeated")
      ->type_name("STAT")
      ->allow_extra_args(false);
  add_text(*verb, "--tolerance", raw->tolerance, "a smaller shift counts as no difference, as 2%")
      ->capture_default_str()
      ->type_name("SHARE");
  verb->add_flag("--check", raw->check, "exit 1 where something is slower, 3 where that cannot be decided");
  add_output_options(*verb, raw->output, {Format::text, Format::json});
  verb->callback([&action, raw] { action = [raw] { return compare(*raw); }; });
}

}  // namespace lab
