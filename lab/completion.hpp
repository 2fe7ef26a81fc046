#pragma once

#include <string>
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

// Completion scripts, made of the program's own options; scenarios are asked of `lab completion scenarios`.
std::string bash_completion(const std::vector<VerbWords>& verbs);
std::string zsh_completion(const std::vector<VerbWords>& verbs);
std::string fish_completion(const std::vector<VerbWords>& verbs);

/// The man page's section on verbs, in mdoc(7).
std::string manual_of_verbs(const std::vector<VerbWords>& verbs);

}  // namespace lab
