// The command line: verbs, and how their words are read. For the verbs in commands/ and main.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/terminal.hpp"
#include "lab/experiment/options.hpp"

namespace lab {

/// What this program was linked without: `PostgreSQL, thread-per-request, QR codes`; empty where it has all.
std::string_view missing_parts();

/// A verb: what it is called, what it takes, and what it does.
struct Command : OptionList {
  /// Its first option is --help.
  Command(std::string name, std::string help, std::string footer = {});

  std::string name, help, footer;
  /// Called in this order once every option has its value, before `run`; they throw Failure.
  std::vector<std::function<void()>> checks;
  std::function<int()> run;  ///< returns the exit code, throws Failure

  /// Runs `verb` on options of its own, which live as long as the command.
  template <class Options, class Verb>
  Options& runs(Verb verb) {
    const auto options = std::make_shared<Options>();
    run = [options, verb] { return verb(*options); };
    return *options;
  }
};

/// What the program itself takes: --help and --version.
Command program_options();

/// What a command line asks for: a verb whose options have their values, or nothing that is left to be done.
struct ParsedLine {
  const Command* command = nullptr;
  int exit_code = 0;  ///< where there is no command: help or the version were printed
};

/// Reads a command line with CLI11, which is used nowhere else. Throws Failure: exit 2, with the nearest
/// word.
ParsedLine parse_command_line(const std::vector<Command>& commands, const std::vector<std::string>& words);

// One function a verb, in the file of its name in commands/: `Command run_command();`.
#define LAB_DECLARE(VERB) Command VERB##_command();
LAB_VERBS(LAB_DECLARE)
#undef LAB_DECLARE

/// All of them, in the order of `lab --help`.
inline std::vector<Command> all_commands() {
#define LAB_MAKE(VERB) VERB##_command(),
  return {LAB_VERBS(LAB_MAKE)};
#undef LAB_MAKE
}

/// What every report of runs can be written in; with `of_record` also what is made of a recorded run.
std::vector<Format> run_formats(bool of_record = false);

/// `--format` with what the verb gives, and nothing else.
void add_format_option(Command& command, OutputOptions& output, const std::vector<Format>& formats);
/// --format (text or json) and --ascii of verbs that know no other format.
void add_text_or_json(Command& command, OutputOptions& output);
/// Those, --color and --quiet. What they leave open is found out of the terminal.
void add_output_options(Command& command, OutputOptions& output,
                        const std::vector<Format>& formats = run_formats());

/// --details of verbs whose text has a first screen and more behind it.
void add_details_option(Command& command, OutputOptions& output);

/// The options that change a scenario before it is run or predicted, with the scenario's name itself.
void add_scenario_options(Command& command, RunOptions& options, bool needs_scenario = true);
/// The options of an experiment alone.
void add_experiment_options(Command& command, RunOptions& options);
/// Some of both by name: `set`, `delay`. `help`: another text than the table's.
Option& add_run_option(Command& command, RunOptions& options, const std::string& name,
                       const std::string& help = {});

/// The scenario's arm of that id. Throws Failure, which names the option and the nearest arm.
const Arm& arm_named(const Scenario& scenario, const std::string& option, const std::string& id);

}  // namespace lab
