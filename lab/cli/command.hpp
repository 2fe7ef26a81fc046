#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/option_values.hpp"
#include "lab/core/terminal.hpp"

namespace lab {

/// An option of a verb, or a word that stands by itself: what help, completion and the man page say of it,
/// and where its value goes.
struct Option {
  std::string names;  ///< `--rate`, `-n,--requests`; without a dash: a word by itself
  std::string value;  ///< `DURATION`, `ARM,ARM`; empty: a flag
  std::string help;
  std::function<void(const std::vector<std::string>&)> take;  ///< of all its texts; throws Failure

  std::vector<std::string> choices{};  ///< all that its value may be; empty: not only words
  std::string preset{};                ///< what holds without it, for the help
  bool is_required = false;
  bool has_many = false;        ///< takes several texts
  bool each_with_name = false;  ///< every text after a name of its own: `--set a=1s --set b=2s`
  bool splits = false;          ///< at commas: `a,b` are two texts
  bool may_be_empty = false;

  Option& required();
  Option& shows(std::string text);  ///< its preset
  Option& one_each();               ///< has_many, each_with_name
  Option& list();                   ///< has_many, splits

  bool is_flag() const { return value.empty(); }
  bool is_word() const { return names.front() != '-'; }
  /// `--requests`, then `-n`; none of a word.
  std::vector<std::string> spellings() const;
};

/// A verb: what it is called, what it takes, and what it does.
struct Command {
  Command(std::string name, std::string help, std::string footer = {});

  std::string name, help, footer;
  std::vector<Option> options;  ///< first of all --help
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
  Option& flag(const std::string& names, bool& target, const std::string& help);
  Option& text(const std::string& names, const std::string& value, std::string& target,
               const std::string& help);
  Option& texts(const std::string& names, const std::string& value, std::vector<std::string>& target,
                const std::string& help);
  /// One of these words; they begin the help, and `more` ends it.
  template <class Value, class Target, std::size_t N>
  Option& choice(const std::string& names, const std::string& value, Target& target,
                 const Word<Value> (&words)[N], const std::string& more = {}) {
    Option& made = read(
        names, value, target,
        [&words](const std::string& option, const std::string& text) {
          return parse_word(option, text, words);
        },
        in_words(words_of(words)) + more);
    made.choices = words_of(words);
    return made;
  }
  /// `reader(option, text)` makes the value.
  template <class Target, class Reader>
  Option& read(const std::string& names, const std::string& value, Target& target, Reader reader,
               const std::string& help) {
    return add(names, value, help, [&target, reader, names](const std::vector<std::string>& texts) {
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
  template <class Target>
  Option& duration(const std::string& names, Target& target, const std::string& help) {
    return read(names, "DURATION", target, parse_span, help);
  }
  Option& add(const std::string& names, const std::string& value, const std::string& help,
              std::function<void(const std::vector<std::string>&)> take);

  /// `text, json or md`
  static std::string in_words(const std::vector<std::string>& words);
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

}  // namespace lab
