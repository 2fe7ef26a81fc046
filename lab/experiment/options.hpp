#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/option_values.hpp"
#include "lab/experiment/experiment.hpp"
#include "results/render/page.hpp"
#include "results/report/report.hpp"
#include "scenarios/loader/loader.hpp"

// What people ask for behind a verb: options, and what those of an experiment mean. For every verb and for
// what was recorded of one.

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

using Texts = std::vector<std::string>;

/// An option of a verb, or a word that stands by itself: what help, completion and the man page say of it,
/// and where its value goes.
struct Option {
  /// What keeps it: nothing, a run's record and with it a sweep's manifest, or that alone.
  enum Keep { nowhere, in_record, in_sweep };

  std::string names;  ///< `--rate`, `-n,--requests`; without a dash: a word by itself
  std::string value;  ///< `DURATION`, `ARM,ARM`; empty: a flag
  std::string help;
  std::function<void(const Texts&)> take;  ///< of all its texts; throws Failure

  Texts choices{};       ///< all that its value may be; empty: not only words
  std::string preset{};  ///< what holds without it, for the help
  bool is_required = false;
  bool has_many = false;        ///< takes several texts
  bool each_with_name = false;  ///< every text after a name of its own: `--set a=1s --set b=2s`
  bool splits = false;          ///< at commas: `a,b` are two texts
  bool may_be_empty = false;
  Keep keep = nowhere;
  bool varies = false;  ///< a sweep may vary it

  Option& required() {
    is_required = true;
    return *this;
  }
  Option& shows(std::string text) {
    preset = std::move(text);
    return *this;
  }
  Option& one_each() {
    has_many = each_with_name = true;
    return *this;
  }
  Option& list() {
    has_many = splits = true;
    return *this;
  }

  bool is_flag() const { return value.empty(); }
  bool is_word() const { return names.front() != '-'; }
  /// `--requests`, then `-n`; none of a word.
  Texts spellings() const;
  /// Its names without the first dashes: `requests` of `--requests`.
  std::string title() const { return names.substr(names.find_first_not_of('-')); }
};

/// The options of a verb, made one by one; each maker's reference lasts until the next one.
struct OptionList {
  std::vector<Option> options;

  Option& flag(const std::string& names, bool& target, const std::string& help);
  Option& text(const std::string& names, const std::string& value, std::string& target,
               const std::string& help);
  Option& texts(const std::string& names, const std::string& value, Texts& target, const std::string& help);
  /// One of these words; they begin the help, and `more` ends it.
  template <class Value, class Target, std::size_t N>
  Option& choice(const std::string& names, const std::string& value, Target& target,
                 const Word<Value> (&words)[N], const std::string& more = {}) {
    Option& made = read(
        names, value, target,
        [&words](const std::string& option, const std::string& text) {
          return parse_word(option, text, words);
        },
        in_words(ids_of(words)) + more);
    made.choices = ids_of(words);
    return made;
  }
  /// `reader(option, text)` makes the value.
  template <class Target, class Reader>
  Option& read(const std::string& names, const std::string& value, Target& target, Reader reader,
               const std::string& help) {
    return add(names, value, help, [&target, reader, names](const Texts& texts) {
      assign(target, reader(name_in_errors(names), texts.front()).value());
    });
  }
  template <class Target>
  Option& count(const std::string& names, const std::string& value, Target& target, std::int64_t least,
                std::int64_t most, const std::string& help) {
    return read(
        names, value, target,
        [least, most](const std::string& option, const std::string& text) {
          return parse_count(option, text, least, most);
        },
        help);
  }
  /// A number above 0, at most `most`.
  template <class Target>
  Option& number(const std::string& names, const std::string& value, Target& target, double most,
                 const std::string& help) {
    return read(
        names, value, target,
        [most](const std::string& option, const std::string& text) {
          return parse_number(option, text, 0, most);
        },
        help);
  }
  template <class Target>
  Option& duration(const std::string& names, Target& target, const std::string& help) {
    return read(names, "DURATION", target, parse_span, help);
  }
  /// `take_one` is given one text after another.
  Option& each(const std::string& names, const std::string& value, const std::string& help,
               std::function<void(const std::string&)> take_one);
  Option& add(const std::string& names, const std::string& value, const std::string& help,
              std::function<void(const Texts&)> take);

  /// From now on the options also keep the words that they are given, each under its title.
  void note_words(std::map<std::string, Texts>& given);

  /// `text, json or md`
  static std::string in_words(const Texts& words);
  /// The first name.
  static std::string name_in_errors(const std::string& names);

 private:
  template <class Target, class Value>
  static void assign(Target& target, Value value) {
    target = static_cast<Target>(std::move(value));
  }
  template <class Target, class Value>
  static void assign(std::optional<Target>& target, Value value) {
    target = static_cast<Target>(std::move(value));
  }
};

/// What `lab run`, `predict` and `sweep` are asked for: typed values, and the words that a record keeps of
/// them.
struct RunOptions {
  Texts scenarios;
  Overrides overrides;
  ExperimentOptions experiment;
  std::vector<Guess> guesses;
  std::string save;  ///< a folder; empty: the usual one
  OutputOptions output;
  std::map<std::string, Texts> given;  ///< by option (`delay`): its words

  bool has(const std::string& name) const { return given.contains(name); }
  /// Takes a value by the name of its option in the lists below. Throws Failure (exit 2).
  void set(const std::string& name, const std::string& text);
  /// The experiment of this scenario: its budget is the file's where no option gives one.
  ExperimentOptions experiment_of(const Scenario& scenario) const;

  /// What was changed of the scenario as a run's record keeps it: `--delay=100ms`.
  Texts recorded() const;
  /// What a sweep's manifest keeps besides.
  Texts kept_by_sweep() const;
  /// Both back again. Throws Failure (exit 2): of another program's making, and `what` it was read from.
  static RunOptions read(const Texts& words, const std::string& what);

  /// Refuses options that exclude each other, and completes the engines. Throws Failure (exit 2).
  void check_together();
};

/// What changes a scenario before it is run or predicted. The options of both lists write into `to`.
OptionList scenario_options(RunOptions& to);
/// What is only of an experiment.
OptionList experiment_options(RunOptions& to);
/// One of both; none of that name.
std::optional<Option> find_run_option(RunOptions& to, const std::string& name);

/// `d = 1 s, N = 20, scale 0.1`: for the head of the output; empty where nothing was changed.
std::string describe_changes(const Overrides& overrides);

/// The overrides of a recorded command line (RunHeader::options).
Result<Overrides> overrides_from(const Texts& words);

}  // namespace lab
