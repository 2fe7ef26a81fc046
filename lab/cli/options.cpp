#include "lab/cli/options.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

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
  if (const auto one = std::find_if(formats.begin(), formats.end(), is); one != formats.end()) return *one;
  const std::vector<std::string> given = words_for(formats);
  const std::vector<Format> all = run_formats(true);
  if (is(Format::gradescope) || std::any_of(all.begin(), all.end(), is))
    throw Failure(usage_error("--format: {} gives {}, not {}", verb, Command::in_words(given), text));
  throw Failure(usage_error("--format: unknown word '{}'{}", text, suggestion(text, given)));
}

int terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return std::clamp<int>(size.ws_col, 40, 100);
  return 80;
}

bool wants_color() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool dumb = term != nullptr && std::string_view(term) == "dumb";
  // mpirun gives its processes a terminal whatever its own output is.
  const bool under_mpi = std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr;
  return isatty(STDOUT_FILENO) == 1 && !dumb && !under_mpi && (no_color == nullptr || *no_color == '\0');
}

Option& add(Command& command, RunOptions& options, const RunOption& option) {
  const std::string name = option.name;
  const std::string words = option.choices.empty() ? "" : Command::in_words(option.choices);
  Option& made = command.add("--" + name, option.value, words + option.help,
                             [&options, name](const std::vector<std::string>& texts) {
                               for (const std::string& text : texts) options.set(name, text).value();
                             });
  made.choices = option.choices;
  if (option.many == RunOption::list) made.list();
  if (option.many == RunOption::one_each) made.one_each();
  return made;
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
    output.style.width = output.terminal ? terminal_width() : 80;
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

void add_scenario_options(Command& command, RunOptions& options, bool needs_scenario) {
  command.texts("scenario", "SCENARIO", options.scenarios, "names, or paths to .toml files").is_required =
      needs_scenario;
  for (const RunOption& option : scenario_options()) add(command, options, option);
  command.checks.emplace_back([&options] { options.check_together().value(); });
}

void add_experiment_options(Command& command, RunOptions& options) {
  for (const RunOption& option : experiment_options()) add(command, options, option);
}

Option& add_run_option(Command& command, RunOptions& options, const std::string& name,
                       const std::string& help) {
  Option& made = add(command, options, *find_run_option(name));
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
