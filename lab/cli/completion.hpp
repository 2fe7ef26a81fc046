#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace lab {

/// An option or a positional word of a verb, as it is declared.
struct OptionWords {
  std::vector<std::string> names;  ///< `--format`, `-h`; empty: a positional
  std::string value;               ///< `SCENARIO`, `DURATION`; empty: a flag
  std::string help;
};

struct VerbWords {
  std::string name, help, footer;
  std::vector<OptionWords> options;
};

/// Every verb that is shown, with its options; first the program itself, whose name is `lab`.
std::vector<VerbWords> words_of(const CLI::App& app);

/// The script for bash, zsh or fish; empty for another shell. All it does is ask `lab completion words`.
std::string_view completion_script(std::string_view shell);

/// One of the words that may stand at the end of a command line.
struct Candidate {
  std::string word, help;
  bool operator==(const Candidate&) const = default;
};

struct Candidates {
  std::vector<Candidate> words;
  bool files = false;    ///< names of files, too
  bool nospace = false;  ///< more must follow at once: `async-loop=`
};

/// What there is of a kind of value, as `SCENARIO` or `ARM`, given the words of the line so far.
using Known = std::function<std::vector<Candidate>(std::string_view kind, std::span<const std::string> line)>;

/// The value of a word as it was typed: without quotes and backslashes, also where a quote is still open, and
/// with the home folder for `~` and `$HOME`. Nothing else is expanded.
std::string unquoted(std::string_view typed, std::string_view home);

/// What may come next: `line` is what follows `lab`, its last word the one that is being written.
Candidates candidates(const std::vector<VerbWords>& verbs, std::span<const std::string> line,
                      const Known& known);

/// The words that a help text begins with where it lists all that an option takes: `text, json or md`,
/// `few|many`.
std::vector<std::string> choices_in(std::string_view help);

/// The man page's section on verbs, in mdoc(7).
std::string manual_of_verbs(const std::vector<VerbWords>& verbs);

}  // namespace lab
