#include "lab/cli/command.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <sstream>

#include "lab/cli/screen.hpp"
#include "lab/core/terminal.hpp"
#include "lab/servers/mode.hpp"
#include "results/report/format.hpp"

namespace lab {

namespace {

/// An option as CLI11 knows it, with the texts that it was given.
struct BoundOption {
  const Option* option;
  CLI::Option* bound = nullptr;
  std::string text{};
  Texts texts{};
  bool flag = false;

  Texts given() const { return option->has_many ? texts : Texts{text}; }
};

/// An empty value is not the same as no option; CLI11 itself takes it.
CLI::Validator not_empty() {
  return {[](std::string& text) { return text.empty() ? std::string("the value is empty") : std::string(); },
          ""};
}

void bind(CLI::App& app, BoundOption& one) {
  const Option& option = *one.option;
  if (option.is_flag()) {
    one.bound = app.add_flag(option.names, one.flag, option.help);
    return;
  }
  one.bound = option.has_many ? app.add_option(option.names, one.texts, option.help)
                              : app.add_option(option.names, one.text, option.help);
  one.bound->type_name(option.value)->required(option.is_required);
  if (!option.may_be_empty) one.bound->check(not_empty());
  if (!option.preset.empty()) one.bound->default_str(option.preset);
  if (option.splits) one.bound->delimiter(',');
  if (option.each_with_name) one.bound->allow_extra_args(false);
}

/// The verb that was chosen, or the program itself.
const CLI::App& chosen(const CLI::App& app) {
  const auto verbs = app.get_subcommands();
  return verbs.empty() ? app : *verbs.front();
}

std::vector<std::string> known_words(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; }))
    words.push_back(verb->get_name());
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  return words;
}

/// What CLI11 could not take, with the nearest word that it would have taken.
Error explain_refusal(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& verb = chosen(app);
  const std::string help = &verb == &app ? "lab --help" : "lab " + verb.get_name() + " --help";
  for (const std::string& word : app.remaining(true)) {
    const bool is_verb = &verb == &app && !word.starts_with("-");
    if (&verb != &app && !word.starts_with("-")) continue;
    const std::string_view name = std::string_view(word).substr(0, word.find('='));
    const auto near = nearest_word(name, known_words(verb));
    return usage_error("unknown {} '{}'{}; see {}", is_verb ? "verb" : "option", name,
                       near ? fmt::format(" (did you mean '{}'?)", *near) : "", help);
  }
  std::string reason = error.what();
  const std::vector<std::string> words = app.remaining(true);
  const CLI::Option* option = verb.get_option_no_throw(reason.substr(0, reason.find(':')));
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !words.empty()) {
    reason = fmt::format("unexpected word '{}'", words.front());
  } else if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr && option != nullptr) {
    const std::string name = reason.substr(0, reason.find(':'));
    reason = option->count() > 1 ? fmt::format("{} is given {} times; give it once", name, option->count())
                                 : fmt::format("{} needs a value {}", name, option->get_type_name());
  }
  std::ranges::replace(reason, '\n', ' ');
  return usage_error("{}; see {}", reason, help);
}

constexpr const char* kVersionHelp = "Display program version information and exit";

constexpr Word<bool> kColors[] = {{"auto", false}, {"always", true}, {"never", false}};

std::vector<std::string> words_for(const std::vector<Format>& formats) {
  std::vector<std::string> words;
  for (const Format& format : formats) words.emplace_back(format.word);
  return words;
}

Format pick_format(const std::string& verb, const std::vector<Format>& formats, const std::string& text) {
  const auto is = [&](const Format& format) { return text == format.word; };
  if (const auto one = std::ranges::find_if(formats, is); one != formats.end()) return *one;
  const std::vector<std::string> given = words_for(formats);
  const auto all = report_formats();
  const auto writes = [&](const ReportFormat* format) { return text == format->word; };
  if (is(Format::gradescope) || std::ranges::any_of(all, writes))
    throw Failure(usage_error("--format: {} gives {}, not {}", verb, Command::in_words(given), text));
  throw Failure(usage_error("--format: unknown word '{}'{}", text, suggestion(text, given)));
}

}  // namespace

Command::Command(std::string its_name, std::string its_help, std::string its_footer)
    : name(std::move(its_name)), help(std::move(its_help)), footer(std::move(its_footer)) {
  options.push_back({"-h,--help", "", "Print this help message and exit", {}});
}

std::string_view missing_parts() {
  // What Debian has no static library of is missing together.
  const bool all = find_mode(kThreadPerRequest.name)->is_built();
  return all ? "" : "PostgreSQL, thread-per-request, QR codes, io_uring";
}

Command program_options() {
  Command program("lab",
                  "Concurrency Lab: experiments that show where an async server's time goes.\n"
                  "Start with: lab run blocking-async");
  program.options.push_back({"--version", "", kVersionHelp, {}});
  return program;
}

ParsedLine parse_command_line(const std::vector<Command>& commands, const std::vector<std::string>& words) {
  const Command program = program_options();
  CLI::App app{program.help};
  app.name(program.name);
  const std::string_view missing = missing_parts();
  const std::string lacks = missing.empty() ? "" : fmt::format("\nstatically linked, without {}", missing);
  app.set_version_flag("--version", version() + lacks);
  app.require_subcommand(1);
  std::deque<std::pair<const Command*, std::deque<BoundOption>>> verbs;
  for (const Command& command : commands) {
    CLI::App* verb = app.add_subcommand(command.name, command.help);
    verb->footer(command.footer);
    auto& options = verbs.emplace_back(&command, std::deque<BoundOption>()).second;
    for (const Option& option : command.options) {
      if (&option != &command.options.front()) bind(*verb, options.emplace_back(BoundOption{&option}));
    }
  }
  if (words.empty()) {
    print_error("{}", app.help());
    return {nullptr, static_cast<int>(ErrorKind::usage)};
  }
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::Success& asked) {
    std::ostringstream text;
    const int exit_code = app.exit(asked, text, text);
    print(as_called(text.str()));
    return {nullptr, exit_code};
  } catch (const CLI::ParseError& error) {
    throw Failure(explain_refusal(app, error));
  }
  for (const auto& [command, options] : verbs) {
    if (!app.got_subcommand(command->name)) continue;
    for (const BoundOption& one : options) {
      if (one.bound->count() > 0) one.option->take(one.given());
    }
    for (const auto& check : command->checks) check();
    return {command, 0};
  }
  return {};
}

std::vector<Format> run_formats(bool of_record) {
  std::vector<Format> formats;
  for (const ReportFormat* format : report_formats()) {
    if (!format->of_diagnosis && (of_record || !format->of_record)) formats.push_back({format->word});
  }
  return formats;
}

void add_format_option(Command& command, OutputOptions& output, const std::vector<Format>& formats) {
  const std::vector<std::string> words = words_for(formats);
  command
      .add("--format", "TEXT", Command::in_words(words),
           [&output, formats, verb = "lab " + command.name](const std::vector<std::string>& texts) {
             output.format = pick_format(verb, formats, texts.front());
           })
      .shows("text")
      .choices = words;
  output.style.color = wants_color();
  command.checks.emplace_back([&output] {
    output.terminal = isatty(STDOUT_FILENO) == 1;
    output.style.width = report_width();
    const auto all = report_formats();
    const bool binary = std::ranges::any_of(all, [&](const ReportFormat* format) {
      return format->is_binary && output.format.word == format->word;
    });
    refuse_if(binary && output.terminal, "--format: {0} is no text; send it to a file: > picture.{0}",
              output.format.word);
  });
}

void add_text_or_json(Command& command, OutputOptions& output) {
  add_format_option(command, output, {Format::text, Format::json});
  command.flag("--ascii", output.style.ascii, "no character beyond ASCII");
}

void add_output_options(Command& command, OutputOptions& output, const std::vector<Format>& formats) {
  add_format_option(command, output, formats);
  command.flag("--ascii", output.style.ascii, "no character beyond ASCII");
  command
      .read(
          "--color", "TEXT", output.style.color,
          [](const std::string& option, const std::string& text) {
            return text == "auto" ? Result<bool>(wants_color()) : parse_word(option, text, kColors);
          },
          Command::in_words(ids_of(kColors)) + " (NO_COLOR is respected)")
      .shows("auto")
      .choices = ids_of(kColors);
  command.flag("--quiet", output.quiet, "no progress on stderr");
}

void add_details_option(Command& command, OutputOptions& output) {
  command.flag("--details", output.style.details,
               "all that is known: why, the documents' figures, notes, checks, warnings, the whole table");
  command.checks.emplace_back([&output] {
    refuse_if(output.style.details && output.format != Format::text,
              "--details adds to the text; leave --format out, or take json, which has it all");
  });
}

void add_scenario_options(Command& command, RunOptions& options, bool needs_scenario) {
  command.texts("scenario", "SCENARIO", options.scenarios, "names, or paths to .toml files").is_required =
      needs_scenario;
  for (Option& option : scenario_options(options).options) command.options.push_back(std::move(option));
  command.checks.emplace_back([&options] { options.check_together(); });
}

void add_experiment_options(Command& command, RunOptions& options) {
  for (Option& option : experiment_options(options).options) command.options.push_back(std::move(option));
}

Option& add_run_option(Command& command, RunOptions& options, const std::string& name,
                       const std::string& help) {
  Option& made = command.options.emplace_back(*find_run_option(options, name));
  if (!help.empty()) made.help = help;
  return made;
}

const Arm& arm_named(const Scenario& scenario, const std::string& option, const std::string& id) {
  std::vector<std::string> ids;
  for (const Arm& arm : scenario.arms) {
    if (arm.id == id) return arm;
    ids.push_back(arm.id);
  }
  throw Failure(
      usage_error("{}: scenario '{}' has no arm '{}'{}", option, scenario.name, id, suggestion(id, ids)));
}

}  // namespace lab
