#pragma once

#include <string>
#include <vector>

#include "lab/cli/command.hpp"
#include "lab/core/text.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

/// The scenario that a command such as `lab run gil --arms threads` would run, loaded with its options;
/// throws what the program would complain about.
inline Scenario scenario_of_command(const std::string& command) {
  std::vector<std::string> words = split(command, ' ');
  if (words.size() < 3 || words[0] != "lab" || (words[1] != "run" && words[1] != "predict"))
    throw Failure(usage_error("'{}' is no command to run or predict", command));
  words.erase(words.begin());
  RunOptions options;
  std::vector<Command> verbs{Command(words[0], "")};
  add_scenario_options(verbs[0], options);
  if (words[0] == "run") add_experiment_options(verbs[0], options);
  parse_command_line(verbs, words);
  return load_scenario(options.scenarios.at(0), known_modes(), options.overrides).value();
}

}  // namespace lab
