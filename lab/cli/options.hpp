#pragma once

#include <string>
#include <vector>

#include "lab/cli/command.hpp"
#include "lab/experiment/options.hpp"

namespace lab {

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
