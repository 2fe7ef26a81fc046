#include <CLI/CLI.hpp>
#include <memory>

#include "lab/completion.hpp"
#include "lab/core/text.hpp"
#include "lab/options.hpp"
#include "lab/verbs/verbs.hpp"
#include "scenarios/loader.hpp"

namespace lab {

namespace {

int complete(const CLI::App& app, const std::string& what) {
  const std::vector<VerbWords> verbs = words_of(app);
  if (what == "bash") {
    print(bash_completion(verbs));
  } else if (what == "zsh") {
    print(zsh_completion(verbs));
  } else if (what == "fish") {
    print(fish_completion(verbs));
  } else if (what == "man") {
    print(manual_of_verbs(verbs));
  } else if (what == "scenarios") {
    print(join(scenario_names(), "\n") + "\n");
  } else {
    throw Failure(usage_error("lab completion: unknown word '{}'{}", what.substr(0, 40),
                              suggestion(what, {"bash", "zsh", "fish", "man", "scenarios"})));
  }
  return 0;
}

}  // namespace

void add_completion(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("completion", "completion for a shell, made of all options");
  verb->group("");  // the packages install its output; nobody needs to read of it in --help
  verb->footer("Example: source <(lab completion bash)");
  auto what = std::make_shared<std::string>();
  add_text(*verb, "what", *what, "bash, zsh or fish; man: the man page's verbs; scenarios: their names")
      ->required()
      ->type_name("WHAT");
  verb->callback([&action, &app, what] { action = [&app, what] { return complete(app, *what); }; });
}

}  // namespace lab
