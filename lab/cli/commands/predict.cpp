#include <deque>
#include <utility>

#include "lab/cli/command.hpp"
#include "lab/core/terminal.hpp"
#include "lab/experiment/report.hpp"
#include "lab/page/files.hpp"
#include "lab/servers/mode.hpp"
#include "results/report/format.hpp"

namespace lab {

namespace {

int predict_all(const RunOptions& options) {
  const bool as_page = options.output.format.word == "html";
  std::vector<Report> reports;
  std::deque<std::pair<Scenario, Run>> drawn;  // what the page shows stays where it is
  std::vector<ShownRun> shown;
  for (const std::string& name : options.scenarios) {
    auto& [scenario, run] =
        drawn.emplace_back(load_scenario(name, known_modes(), options.overrides).value(), Run{});
    reports.push_back(make_prediction(scenario, options.experiment.seed, {}, 0, as_page ? &run : nullptr));
    reports.back().changes = describe_changes(options.overrides);
    shown.push_back({&scenario, &run});
  }
  const FormatInput input{reports, options.output.style};
  print(as_page ? report_page(input, shown) : write_reports(options.output.format.word, input).value());
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
