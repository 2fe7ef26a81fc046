#include <CLI/CLI.hpp>
#include <memory>

#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/options.hpp"
#include "lab/cli/spell.hpp"
#include "lab/core/terminal.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

int predict_all(const RawRunOptions& raw) {
  const RunOptions options = check_run_options(raw).value();
  std::vector<Report> reports;
  for (const std::string& name : options.scenarios) {
    const Scenario scenario = load_scenario(name, known_modes(), options.overrides).value();
    reports.push_back(make_prediction(scenario, options.experiment.seed));
    reports.back().changes = describe_changes(options.overrides);
  }
  print(spell(reports, options.output));
  return 0;
}

}  // namespace

void add_predict(CLI::App& app, Action& action) {
  CLI::App* verb =
      app.add_subcommand("predict", "the same table and lanes from the virtual-time model; nothing is run");
  verb->footer("Example: lab predict blocking-async --requests 1000000");
  auto raw = std::make_shared<RawRunOptions>();
  add_scenario_options(*verb, *raw);
  add_output_options(*verb, raw->output);
  verb->callback([&action, raw] { action = [raw] { return predict_all(*raw); }; });
}

}  // namespace lab
