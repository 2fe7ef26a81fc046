#include "lab/completion.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "lab/core/text.hpp"
#include "lab/explain.hpp"
#include "lab/options.hpp"
#include "lab/servers/mode.hpp"
#include "lab/verbs/verbs.hpp"
#include "scenarios/claims.hpp"
#include "scenarios/loader.hpp"

namespace lab {

namespace {

struct CompletionOptions {
  std::string what;
  std::vector<std::string> line;
};

std::vector<Candidate> scenarios() {
  std::vector<Candidate> found;
  for (const std::string& name : scenario_names()) found.push_back({name, ""});
  return found;
}

/// Of every scenario that the line names.
std::vector<Candidate> arms(std::span<const std::string> line) {
  const std::vector<std::string> names = scenario_names();
  std::vector<Candidate> found;
  for (const std::string& word : line) {
    if (!word.ends_with(".toml") && std::find(names.begin(), names.end(), word) == names.end()) continue;
    const auto scenario = load_scenario(word, known_modes());
    if (!scenario) continue;
    for (const Arm& arm : scenario->arms) found.push_back({arm.id, ""});
  }
  return found;
}

std::vector<Candidate> known(std::string_view kind, std::span<const std::string> line) {
  std::vector<Candidate> found;
  if (kind == "SCENARIO") return scenarios();
  if (kind == "ARM") return arms(line);
  if (kind == "RUN") return {{"last", "the run before"}};
  if (kind == "MODE") {
    for (const Mode* mode : all_modes()) found.push_back({std::string(mode->traits.name), ""});
  } else if (kind == "LAB101") {
    for (const FindingEntry& entry : finding_book().entries) found.push_back({entry.id, entry.title});
  } else if (kind == "CLAIM") {
    if (const auto file = load_claims()) {
      for (const Claim& claim : file->claims) found.push_back({claim.id, ""});
    }
  }
  return found;
}

int complete(const CLI::App& app, const CompletionOptions& options) {
  const std::vector<VerbWords> verbs = words_of(app);
  const std::string_view script = completion_script(options.what);
  if (options.what != "words" && !options.line.empty())
    throw Failure(usage_error("lab completion: unexpected word '{}'", options.line.front().substr(0, 40)));
  if (!script.empty()) {
    print(std::string(script));
  } else if (options.what == "man") {
    print(manual_of_verbs(verbs));
  } else if (options.what == "words") {
    const Candidates found = candidates(verbs, options.line, known);
    std::string lines;
    for (const Candidate& candidate : found.words) lines += candidate.word + "\t" + candidate.help + "\n";
    print(lines + (found.files ? ":files\n" : ""));
  } else {
    throw Failure(usage_error("lab completion: unknown word '{}'{}", options.what.substr(0, 40),
                              suggestion(options.what, {"bash", "zsh", "fish", "man"})));
  }
  return 0;
}

}  // namespace

void add_completion(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("completion", "a script that teaches your shell the lab's words");
  verb->footer(
      "Example: source <(lab completion bash)\n"
      "zsh: source <(lab completion zsh), after compinit · fish: lab completion fish | source");
  auto options = std::make_shared<CompletionOptions>();
  add_text(*verb, "what", options->what, "bash, zsh or fish (man: the man page's verbs)")
      ->required()
      ->type_name("SHELL");
  verb->add_option("line", options->line, "what the scripts ask for: after `words --`, a command line so far")
      ->type_name("WORDS");
  verb->callback([&action, &app, options] { action = [&app, options] { return complete(app, *options); }; });
}

}  // namespace lab
