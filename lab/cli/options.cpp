#include "lab/cli/options.hpp"

#include <unistd.h>

#include <algorithm>

#include "lab/cli/screen.hpp"
#include "results/report/format.hpp"

namespace lab {

namespace {

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
  const std::vector<Format> all = run_formats(true);
  if (is(Format::gradescope) || std::ranges::any_of(all, is))
    throw Failure(usage_error("--format: {} gives {}, not {}", verb, Command::in_words(given), text));
  throw Failure(usage_error("--format: unknown word '{}'{}", text, suggestion(text, given)));
}

}  // namespace

std::vector<Format> run_formats(bool of_record) {
  std::vector<Format> formats;
  for (const ReportFormat* format : report_formats()) {
    if (of_record || !format->of_record) formats.push_back({format->word});
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
          Command::in_words(words_of(kColors)) + " (NO_COLOR is respected)")
      .shows("auto")
      .choices = words_of(kColors);
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
