#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/experiment/experiment.hpp"
#include "lab/report/report.hpp"
#include "results/report/export.hpp"
#include "scenarios/loader/loader.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace lab {

enum class Format { text, json, markdown, csv, svg, html, trace, vegeta, gbench, gradescope };

/// What every report can be told in.
inline const std::vector<Format> kReportFormats = {Format::text, Format::json, Format::markdown,
                                                   Format::csv,  Format::svg,  Format::html};

/// How results are spelt, and where.
struct OutputOptions {
  Format format = Format::text;
  TextStyle style;
  bool quiet = false;     ///< no progress
  bool terminal = false;  ///< stdout is one
};

/// What `lab run` and `lab predict` were asked for, checked.
struct RunOptions {
  std::vector<std::string> scenarios;
  Overrides overrides;
  ExperimentOptions experiment;
  bool own_budget = false;  ///< --budget was given; otherwise the scenario's holds
  std::vector<Guess> guesses;
  bool ask = false;
  bool check = false;
  std::optional<std::filesystem::path> save;
  bool no_save = false;
  OutputOptions output;
};

/// The options as they stand on the command line, before they are checked.
struct RawOutputOptions {
  std::string format = "text", color = "auto";
  bool ascii = false, quiet = false;
  std::string verb = "this";                     ///< `lab verify`
  std::vector<Format> formats = kReportFormats;  ///< that the verb gives
};

struct RawRunOptions {
  std::vector<std::string> scenarios, arms, cases, modes, engines, settings, guesses, servers;
  std::string requests, delay, workers, threads, repeat, budget, seed, scale, arrivals, rate, duration,
      connections, save, postgres, ready, python;
  bool quick = false, ask = false, check = false, no_save = false;
  RawOutputOptions output;
};

/// An option that takes one text, or several; an empty one is refused.
CLI::Option* add_text(CLI::App& app, const std::string& name, std::string& text, const std::string& help);
CLI::Option* add_texts(CLI::App& app, const std::string& name, std::vector<std::string>& texts,
                       const std::string& help);

/// `--format` with what the verb gives, and nothing else.
void add_format_option(CLI::App& app, RawOutputOptions& raw, const std::vector<Format>& formats);
void add_output_options(CLI::App& app, RawOutputOptions& raw,
                        const std::vector<Format>& formats = kReportFormats);
/// The options that change a scenario before it is run or predicted.
void add_scenario_options(CLI::App& app, RawRunOptions& raw);
/// The options of `lab run` alone.
void add_experiment_options(CLI::App& app, RawRunOptions& raw);

Result<OutputOptions> check_output_options(const RawOutputOptions& raw);
Result<RunOptions> check_run_options(const RawRunOptions& raw);

/// The overrides of a recorded command line (RunHeader::options).
Result<Overrides> overrides_from(const std::vector<std::string>& arguments);
/// A command line that gives the same overrides again.
std::vector<std::string> to_arguments(const RawRunOptions& raw);

/// `d = 1 s, N = 20, scale 0.1`: for the head of the output; empty where nothing was changed.
std::string describe_changes(const Overrides& overrides);

/// A whole number within [least, most]; the error names the option.
Result<std::int64_t> parse_count(const std::string& option, const std::string& text, std::int64_t least,
                                 std::int64_t most);

/// A part of a whole, 0 to 1: `80%` or 0.8; the error names the option.
Result<double> parse_share(const std::string& option, const std::string& text);

}  // namespace lab
