#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lab/cli/command.hpp"

namespace lab {

/// The script for bash, zsh or fish (completion.bash, …); empty for another shell. All it does is ask `lab
/// completion words` with the words of the line as they were typed. A line of the answer is a word, a tab and
/// its help; `:files` where names of files fit too, and `:nospace` where more must follow the word at once.
/// labw would build what is stale: the program that it built last is asked in its place.
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

/// What may come next. `verbs`: first what the program itself takes. `line` is what follows `lab`, its last
/// word the one that is being written.
Candidates candidates(const std::vector<Command>& verbs, std::span<const std::string> line,
                      const Known& known);

/// The man page's section on verbs, in mdoc(7).
std::string manual_of_verbs(const std::vector<Command>& verbs);

}  // namespace lab
