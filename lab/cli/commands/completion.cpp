#include "lab/cli/completion.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/options.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/course/data.hpp"
#include "lab/course/explain.hpp"
#include "lab/course/quiz.hpp"
#include "lab/servers/mode.hpp"
#include "results/store/store.hpp"
#include "scenarios/loader/claims.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

const std::vector<std::string> kShells{"bash", "zsh", "fish"};

struct CompletionOptions {
  std::string what;
  std::vector<std::string> line;
};

std::vector<Candidate> scenarios() {
  std::vector<Candidate> found;
  for (const std::string& name : scenario_names()) found.push_back({name, ""});
  return found;
}

std::vector<RunListing> kept_runs() {
  auto runs = list_runs(default_runs_folder());
  return runs ? std::move(*runs) : std::vector<RunListing>();
}

/// The scenario's name where the word names a run; otherwise the word.
std::string scenario_of(const std::string& word, const std::vector<RunListing>& runs) {
  const RunListing* run = named_run(runs, word);
  return run == nullptr ? word : run->header.scenario;
}

/// Those that the line names, itself or by a run.
std::vector<Scenario> scenarios_on(std::span<const std::string> line) {
  const std::vector<std::string> names = scenario_names();
  const std::vector<RunListing> runs = line.front() == "compare" ? kept_runs() : std::vector<RunListing>();
  std::vector<Scenario> found;
  for (const std::string& word : line) {
    const std::string name = scenario_of(word, runs);
    std::error_code ignored;
    // A pipe would be waited for.
    const bool readable = name.ends_with(".toml") && std::filesystem::is_regular_file(name, ignored);
    if (!readable && std::find(names.begin(), names.end(), name) == names.end()) continue;
    if (auto scenario = load_scenario(name, known_modes())) found.push_back(std::move(*scenario));
  }
  return found;
}

void add_once(std::vector<Candidate>& words, const std::string& word, const std::string& help = "") {
  const auto same = [&](const Candidate& one) { return one.word == word; };
  if (!word.empty() && std::none_of(words.begin(), words.end(), same)) words.push_back({word, help});
}

/// Folders' names only once one is begun: there may be hundreds.
std::vector<Candidate> runs(bool with_folders) {
  std::vector<Candidate> found{{"last", "the newest run"}};
  const std::vector<RunListing> kept = kept_runs();
  for (const RunListing& run : kept) add_once(found, run.header.scenario, "its newest run");
  if (!with_folders) return found;
  for (const RunListing& run : kept) found.push_back({run.name, ""});
  return found;
}

std::vector<Candidate> questions(std::span<const std::string> line) {
  std::vector<Candidate> found;
  const auto file = parse_quiz(kQuizText, "results/quiz.toml");
  if (!file) return found;
  if (line.front() == "quiz") {
    for (const Question& question : file->questions) found.push_back({question.id, ""});
  }
  for (const std::string& name : scenario_names()) {
    const auto scenario = load_scenario(name, known_modes());
    if (!scenario) continue;
    for (const Question& question : questions_of(*scenario, file->measured))
      found.push_back({question.id, ""});
  }
  return found;
}

/// Whether the word that is being written is a value of this option.
bool is_value_of(std::string_view option, std::span<const std::string> line) {
  return line.back().starts_with(std::string(option) + "=") ||
         (line.size() > 1 && line[line.size() - 2] == option);
}

std::vector<Candidate> of_scenarios(std::string_view kind, std::span<const std::string> line) {
  std::vector<Candidate> found;
  for (const Scenario& scenario : scenarios_on(line)) {
    if (kind == "ARM") {
      for (const Arm& arm : scenario.arms) add_once(found, arm.id);
    } else if (kind == "CASE") {
      for (const Case& load_case : scenario.cases) add_once(found, load_case.id);
    } else {
      for (const auto& [name, value] : scenario.params) add_once(found, name);
    }
  }
  return found;
}

std::vector<Candidate> of_claims(std::string_view kind) {
  std::vector<Candidate> found;
  const auto file = load_claims();
  if (!file) return found;
  if (kind == "D") {
    for (const auto& [document, title] : file->documents) found.push_back({document, title});
  } else {
    for (const Claim& claim : file->claims) found.push_back({claim.id, ""});
  }
  return found;
}

std::vector<Candidate> known(std::string_view kind, std::span<const std::string> line) {
  std::vector<Candidate> found;
  if (kind == "SCENARIO") return scenarios();
  if (kind == "ARM" || kind == "CASE" || kind == "NAME") return of_scenarios(kind, line);
  if (kind == "RUN") return runs(!line.back().empty());
  if (kind == "D" || kind == "CLAIM") return of_claims(kind);
  if (kind == "ID" && is_value_of("--only", line)) return questions(line);
  if (kind == "MODE") {
    for (const Mode* mode : all_modes()) found.push_back({std::string(mode->traits.name), ""});
  } else if (kind == "LAB101") {
    for (const FindingEntry& entry : finding_book().entries) found.push_back({entry.id, entry.title});
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

int complete(const CompletionOptions& options) {
  std::vector<Command> verbs = all_commands();
  verbs.insert(verbs.begin(), program_options());
  const std::string_view script = completion_script(options.what);
  if (options.what != "words" && !options.line.empty())
    throw Failure(usage_error("lab completion: unexpected word '{}'", options.line.front().substr(0, 40)));
  if (!script.empty()) {
    print(std::string(script));
  } else if (options.what == "man") {
    print(manual_of_verbs(verbs));
  } else if (options.what == "words") {
    print(answer(verbs, options.line));
  } else if (options.what.empty()) {
    throw Failure(usage_error("lab completion needs a SHELL: bash, zsh or fish"));
  } else {
    throw Failure(usage_error("lab completion: unknown word '{}'{}", options.what.substr(0, 40),
                              suggestion(options.what, {"bash", "zsh", "fish", "man"})));
  }
  return 0;
}

}  // namespace

Command completion_command() {
  Command command("completion", "a script that teaches your shell the lab's words",
                  "Example: source <(lab completion bash)\n"
                  "zsh: source <(lab completion zsh), after compinit · fish: lab completion fish | source");
  const auto options = std::make_shared<CompletionOptions>();
  command.text("what", "SHELL", options->what, Command::in_words(kShells) + " (man: the man page's verbs)")
      .choices = kShells;
  command
      .texts("line", "WORDS", options->line,
             "what the scripts ask for: after `words --`, a command line so far")
      .may_be_empty = true;
  command.run = [options] { return complete(*options); };
  return command;
}

}  // namespace lab
