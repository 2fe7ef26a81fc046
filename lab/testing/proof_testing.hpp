#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "lab/cli/options.hpp"
#include "lab/core/text.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

/// The scenario that a command such as `lab run gil --arms threads` would run, loaded with its options;
/// throws what the program would complain about.
inline Scenario scenario_of_command(const std::string& command) {
  std::vector<std::string> words = split(command, ' ');
  if (words.size() < 3 || words[0] != "lab" || (words[1] != "run" && words[1] != "predict"))
    throw Failure(usage_error("'{}' is no command to run or predict", command));
  CLI::App app;
  RawRunOptions raw;
  add_scenario_options(app, raw);
  if (words[1] == "run") add_experiment_options(app, raw);
  app.parse(std::vector<std::string>(words.rbegin(), words.rend() - 2));
  const RunOptions options = check_run_options(raw).value();
  return load_scenario(options.scenarios.at(0), known_modes(), options.overrides).value();
}

}  // namespace lab
