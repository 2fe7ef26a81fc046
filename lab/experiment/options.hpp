#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/experiment/experiment.hpp"
#include "results/render/page.hpp"
#include "results/report/report.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

/// A format by its word: one of those that verbs know by name, or of any file in results/formats/.
struct Format {
  std::string_view word;
  bool operator==(const Format&) const = default;

  // NOLINTNEXTLINE(readability-identifier-naming): they read as the words of an enumeration do
  static const Format text, json, markdown, csv, svg, gradescope;
};
inline constexpr Format Format::text{"text"}, Format::json{"json"}, Format::markdown{"md"},
    Format::csv{"csv"}, Format::svg{"svg"}, Format::gradescope{"gradescope"};

/// How results are printed, and where.
struct OutputOptions {
  Format format = Format::text;
  TextStyle style;
  bool quiet = false;     ///< no progress
  bool terminal = false;  ///< stdout is one
};

/// What `lab run`, `predict` and `sweep` are asked for: typed values, and the words that a record keeps of
/// them.
struct RunOptions {
  std::vector<std::string> scenarios;
  Overrides overrides;
  ExperimentOptions experiment;
  std::vector<Guess> guesses;
  std::string save;  ///< a folder; empty: the usual one
  OutputOptions output;
  std::map<std::string, std::vector<std::string>> given;  ///< by option (`delay`): its words

  /// Takes a value by the name of its option in the tables below. Error (exit 2): what is wrong with it.
  Result<void> set(const std::string& name, const std::string& text);
  bool has(const std::string& name) const { return given.contains(name); }

  /// What was changed of the scenario as a run's record keeps it: `--delay=100ms`.
  std::vector<std::string> recorded() const;
  /// What a sweep's manifest keeps besides.
  std::vector<std::string> kept_by_sweep() const;
  /// Both back again. Error (exit 2): of another program's making, and `what` it was read from.
  static Result<RunOptions> read(const std::vector<std::string>& words, const std::string& what);

  /// Refuses options that exclude each other, and completes the engines.
  Result<void> check_together();
};

/// An option that holds a value of an experiment.
struct RunOption {
  enum Keep { nowhere, in_record, in_sweep };
  enum Many { once, list, one_each };

  const char* name;   ///< without its dashes
  const char* value;  ///< `DURATION`
  const char* help;   ///< after the choices, where there are any
  Result<void> (*set)(RunOptions& options, const std::string& text);  ///< null: a flag, which RunOptions::has
  Many many = once;
  Keep keep = in_record;
  bool varies = false;  ///< a sweep may vary it
  std::vector<std::string> choices{};
};

/// What changes a scenario before it is run or predicted.
const std::vector<RunOption>& scenario_options();
/// What is only of an experiment.
const std::vector<RunOption>& experiment_options();
/// One of both; null: there is none of that name.
const RunOption* find_run_option(const std::string& name);

/// `d = 1 s, N = 20, scale 0.1`: for the head of the output; empty where nothing was changed.
std::string describe_changes(const Overrides& overrides);

/// The overrides of a recorded command line (RunHeader::options).
Result<Overrides> overrides_from(const std::vector<std::string>& words);

}  // namespace lab
