
#include "lab/cli/command.hpp"
#include "lab/core/terminal.hpp"
#include "lab/experiment/report.hpp"
#include "lab/servers/mode.hpp"
#include "results/report/format.hpp"

namespace lab {

namespace {

int predict_all(const RunOptions& options) {
  std::vector<Report> reports;
  for (const std::string& name : options.scenarios) {
    const Scenario scenario = load_scenario(name, known_modes(), options.overrides).value();
    reports.push_back(make_prediction(scenario, options.experiment.seed));
    reports.back().changes = describe_changes(options.overrides);
  }
  print(write_reports(options.output.format.word, {reports, options.output.style}).value());
  return 0;
}

}  // namespace

Command predict_command() {
  Command command("predict", "the same table and lanes from the virtual-time model; runs nothing",
                  "Example: lab predict blocking-async --requests 1000000");
  RunOptions& options = command.runs<RunOptions>(predict_all);
  add_scenario_options(command, options);
  add_output_options(command, options.output);
  add_details_option(command, options.output);
  return command;
}

}  // namespace lab
