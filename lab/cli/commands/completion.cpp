#include "lab/cli/completion.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "lab/cli/command.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/course/explain.hpp"
#include "lab/course/quiz.hpp"
#include "lab/servers/mode.hpp"
#include "results/store/store.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

const std::vector<std::string> kShells{"bash", "zsh", "fish"};

struct CompletionOptions {
  std::string what;
  std::vector<std::string> line;
};

std::vector<RunListing> kept_runs() {
  auto runs = list_runs(default_runs_folder());
  return runs ? std::move(*runs) : std::vector<RunListing>();
}

/// Those that the line names, itself or by a run.
std::vector<Scenario> scenarios_on(std::span<const std::string> line) {
  const std::vector<std::string> names = scenario_names();
  const std::vector<RunListing> runs = line.front() == "compare" ? kept_runs() : std::vector<RunListing>();
  std::vector<Scenario> found;
  for (const std::string& word : line) {
    const RunListing* run = named_run(runs, word);
    const std::string& name = run == nullptr ? word : run->header.scenario;
    std::error_code ignored;
    // A pipe would be waited for.
    const bool readable = name.ends_with(".toml") && std::filesystem::is_regular_file(name, ignored);
    if (!readable && !contains(names, name)) continue;
    if (auto scenario = load_scenario(name, known_modes())) found.push_back(std::move(*scenario));
  }
  return found;
}

/// Whether the word that is being written is a value of this option.
bool is_value_of(std::string_view option, std::span<const std::string> line) {
  return line.back().starts_with(std::string(option) + "=") ||
         (line.size() > 1 && line[line.size() - 2] == option);
}

/// What there is of a kind of value, each word once.
std::vector<Candidate> known(std::string_view kind, std::span<const std::string> line) {
  std::vector<Candidate> found;
  const auto add = [&](std::string_view word, std::string_view help = "") {
    const auto same = [&](const Candidate& one) { return one.word == word; };
    if (!word.empty() && std::ranges::none_of(found, same))
      found.push_back({std::string(word), std::string(help)});
  };
  if (kind == "SCENARIO") {
    for (const std::string& name : scenario_names()) add(name);
  } else if (kind == "ARM" || kind == "CASE" || kind == "NAME") {
    for (const Scenario& scenario : scenarios_on(line)) {
      for (const Arm& arm : scenario.arms) add(kind == "ARM" ? arm.id : "");
      for (const Case& load_case : scenario.cases) add(kind == "CASE" ? load_case.id : "");
      for (const auto& [name, value] : scenario.params) add(kind == "NAME" ? name : "");
    }
  } else if (kind == "RUN") {
    add("last", "the newest run");
    const std::vector<RunListing> kept = kept_runs();
    for (const RunListing& run : kept) add(run.header.scenario, "its newest run");
    // Folders' names only once one is begun: there may be hundreds.
    for (const RunListing& run : kept) add(line.back().empty() ? "" : run.name);
  } else if (kind == "D" || kind == "CLAIM") {
    ClaimsFile file;
    if (auto claims = load_claims()) file = std::move(*claims);
    for (const Document& document : file.documents) add(kind == "D" ? document.id : "", document.title);
    for (const Claim& claim : file.claims) add(kind == "CLAIM" ? claim.id : "");
  } else if (kind == "ID" && is_value_of("--only", line)) {
    if (line.front() == "quiz") {
      for (const Question& question : quiz_file().questions) add(question.id);
    }
    for (const Question& question : scenario_questions()) add(question.id);
  } else if (kind == "MODE") {
    for (const Mode* mode : all_modes()) add(mode->traits.name);
  } else if (kind == "LAB101") {
    for (const FindingEntry& entry : finding_book().finding) add(entry.id, entry.title);
  }
  return found;
}

/// The lines that the scripts read: a word, a tab and its help; `:nospace` and `:files`.
std::string answer(const std::vector<Command>& verbs, const std::vector<std::string>& typed) {
  const char* home = std::getenv("HOME");
  std::vector<std::string> line;
  for (const std::string& word : typed) line.push_back(unquoted(word, home == nullptr ? "" : home));
  const Candidates found = candidates(verbs, line, known);
  std::string lines;
  for (const Candidate& candidate : found.words) lines += candidate.word + "\t" + candidate.help + "\n";
  if (found.nospace) lines += ":nospace\n";
  return lines + (found.files ? ":files\n" : "");
}

int print_completion(const CompletionOptions& options) {
  std::vector<Command> verbs = all_commands();
  verbs.insert(verbs.begin(), program_options());
  const std::string& what = options.what;
  const std::string script{completion_script(what)};
  const bool words = what == "words";
  refuse_if(!words && !options.line.empty(), "lab completion: unexpected word '{}'",
            options.line.empty() ? "" : options.line.front().substr(0, 40));
  refuse_if(what.empty(), "lab completion needs a SHELL: bash, zsh or fish");
  refuse_if(!words && what != "man" && script.empty(), "lab completion: unknown word '{}'{}",
            what.substr(0, 40), suggestion(what, {"bash", "zsh", "fish", "man"}));
  print(words ? answer(verbs, options.line) : what == "man" ? manual_of_verbs(verbs) : script);
  return 0;
}

}  // namespace

Command completion_command() {
  Command command("completion", "a script for your shell that completes the lab's words",
                  "Example: source <(lab completion bash)\n"
                  "zsh: source <(lab completion zsh), after compinit · fish: lab completion fish | source");
  CompletionOptions& options = command.runs<CompletionOptions>(print_completion);
  command.text("what", "SHELL", options.what, Command::in_words(kShells) + " (man: the man page's verbs)")
      .choices = kShells;
  command.texts("line", "WORDS", options.line, "for the scripts: after `words --`, the command line so far")
      .may_be_empty = true;
  return command;
}

}  // namespace lab
