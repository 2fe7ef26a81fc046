#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "lab/cli/build_parts.hpp"
#include "lab/cli/commands/verbs.hpp"
#include "lab/core/command_word.hpp"
#include "lab/core/error.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/environment.hpp"
#include "lab/experiment/interrupt.hpp"

namespace {

using lab::ErrorKind;

/// One line that a terminal can show: a megabyte that was pasted is cut, what a terminal would obey is
/// replaced.
std::string printable(std::string text) {
  constexpr std::size_t kLongest = 1200;
  constexpr std::size_t kKept = 500;
  for (char& letter : text) {
    if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) letter = '?';
  }
  if (text.size() <= kLongest) return text;
  return text.substr(0, kKept) + " ... " + text.substr(text.size() - kKept);
}

int complain(const lab::Error& error) {
  lab::print_error("lab: {}\n", printable(error.message));
  return static_cast<int>(error.kind);
}

/// The verb that was chosen, or the program itself.
const CLI::App& chosen(const CLI::App& app) {
  const auto verbs = app.get_subcommands();
  return verbs.empty() ? app : *verbs.front();
}

std::vector<std::string> words_of(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; }))
    words.push_back(verb->get_name());
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  return words;
}

/// What CLI11 could not take, with the nearest word that it would have taken.
lab::Error explain(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& verb = chosen(app);
  const std::string help = &verb == &app ? "lab --help" : "lab " + verb.get_name() + " --help";
  for (const std::string& word : app.remaining(true)) {
    if (&verb != &app && !word.starts_with("-")) continue;
    const std::string_view name = std::string_view(word).substr(0, word.find('='));
    std::vector<std::string> candidates = words_of(verb);
    const auto near = lab::nearest_word(name, candidates);
    return lab::usage_error("unknown {} '{}'{}; see {}",
                            &verb == &app && !word.starts_with("-") ? "verb" : "option", name,
                            near ? fmt::format(" (did you mean '{}'?)", *near) : "", help);
  }
  std::string reason = error.what();
  const std::vector<std::string> words = app.remaining(true);
  const std::string name = reason.substr(0, reason.find(':'));
  const CLI::Option* option = verb.get_option_no_throw(name);
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !words.empty()) {
    reason = fmt::format("unexpected word '{}'", words.front());
  } else if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr && option != nullptr) {
    reason = option->count() > 1 ? fmt::format("{} is given {} times; give it once", name, option->count())
                                 : fmt::format("{} needs a value {}", name, option->get_type_name());
  }
  std::replace(reason.begin(), reason.end(), '\n', ' ');
  return lab::usage_error("{}; see {}", reason, help);
}

int run(int argc, char** argv) {
  CLI::App app{
      "Concurrency Lab: experiments that show where an async server's time goes.\n"
      "Start with: lab run blocking-async"};
  app.name("lab");
  const std::string lacks = lab::kMissingParts.empty()
                                ? std::string()
                                : fmt::format("\nstatically linked, without {}", lab::kMissingParts);
  app.set_version_flag("--version", lab::version() + lacks);
  app.require_subcommand(1);
  lab::Action action;
  lab::add_list(app, action);
  lab::add_show(app, action);
  lab::add_run(app, action);
  lab::add_predict(app, action);
  lab::add_serve(app, action);
  lab::add_load(app, action);
  lab::add_diagnose(app, action);
  lab::add_export(app, action);
  lab::add_report(app, action);
  lab::add_history(app, action);
  lab::add_compare(app, action);
  lab::add_sweep(app, action);
  lab::add_verify(app, action);
  lab::add_explain(app, action);
  lab::add_advise(app, action);
  lab::add_quiz(app, action);
  lab::add_grade(app, action);
  lab::add_completion(app, action);
  lab::add_doctor(app, action);
  if (argc < 2) {
    lab::print_error("{}", app.help());
    return static_cast<int>(ErrorKind::usage);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    std::ostringstream text;
    const int exit_code = app.exit(asked, text, text);
    lab::print(lab::as_called(text.str()));
    return exit_code;
  } catch (const CLI::ParseError& error) {
    return complain(explain(app, error));
  }
  lab::watch_for_interrupts();
  return action();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const lab::Failure& failure) {
    const int exit_code = complain(failure.error());
    return lab::interrupt_signal() != 0 ? lab::interrupt_exit_code() : exit_code;
  } catch (const std::exception& error) {
    return complain(lab::environment_error("{}", error.what()));
  }
}
