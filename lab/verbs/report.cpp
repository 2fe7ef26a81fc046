#include <CLI/CLI.hpp>
#include <memory>
#include <system_error>

#include "lab/core/text.hpp"
#include "lab/options.hpp"
#include "lab/report.hpp"
#include "lab/verbs/runs.hpp"
#include "lab/verbs/spell.hpp"
#include "lab/verbs/verbs.hpp"
#include "results/store.hpp"

namespace lab {

std::filesystem::path find_run(const std::string& name) {
  std::error_code ignored;
  if (std::filesystem::exists(name, ignored)) return name;
  std::vector<std::string> names;
  for (const RunListing& run : list_runs(default_runs_folder()).value()) {  // newest first
    if (name == run.name || name == run.header.scenario || name == "last") return run.path;
    names.push_back(run.name);
  }
  if (names.empty())
    throw Failure(usage_error("no run '{}': nothing has been recorded yet; see lab run", name));
  const auto near = nearest_word(name, names);
  throw Failure(usage_error("no run '{}'{}; see lab history", name,
                            near ? fmt::format(" (did you mean '{}'?)", *near) : ""));
}

namespace {

int report(const std::string& name, const RawOutputOptions& raw) {
  const OutputOptions output = check_output_options(raw).value();
  const std::filesystem::path path = find_run(name);
  const Run run = read_run(path).value();
  for (const std::string& damage : run.damage) print_warning(damage);
  const Overrides overrides = overrides_from(run.header.options).value();
  const Scenario scenario = [&] {
    Scenario parsed =
        parse_scenario(run.header.scenario_source, run.header.scenario_file, known_modes(), overrides)
            .value();
    parsed.name = run.header.scenario;
    return parsed;
  }();
  Report told = make_report(scenario, run);
  told.changes = describe_changes(overrides);
  told.path = path.string();
  print(spell({told}, output));
  return 0;
}

}  // namespace

void add_report(CLI::App& app, Action& action) {
  struct Options {
    std::string run;
    RawOutputOptions output;
  };
  CLI::App* verb = app.add_subcommand("report", "a recorded run told again, in any format");
  verb->footer("Example: lab report last --format md");
  auto options = std::make_shared<Options>();
  add_text(*verb, "run", options->run, "a folder, its name, a scenario's newest run, or 'last'")
      ->required()
      ->type_name("RUN");
  add_output_options(*verb, options->output);
  verb->callback(
      [&action, options] { action = [options] { return report(options->run, options->output); }; });
}

}  // namespace lab
