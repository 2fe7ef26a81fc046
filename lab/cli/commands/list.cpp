#include <algorithm>
#include <map>
#include <memory>

#include "lab/cli/commands/verbs.hpp"
#include "lab/core/command_word.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "lab/servers/mode.hpp"
#include "results/render/wrap.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

constexpr int kToStartWith = 5;

/// A name and its question, which goes on below itself where it is long.
std::string row(const std::string& name, const std::string& question, bool ascii) {
  constexpr std::size_t kColumn = 24;
  std::string first = "  " + printable(name, ascii);
  std::string text;
  if (columns(first) + 2 > kColumn) {
    text = first + "\n";
    first.clear();
  }
  return text + wrapped_text(question, pad(first, kColumn), kColumn, 80, ascii);
}

int list_all(bool ascii) {
  std::vector<Scenario> scenarios;
  for (const std::string& name : scenario_names()) {
    auto scenario = load_scenario(name, known_modes());
    if (scenario) {
      scenarios.push_back(std::move(*scenario));
    } else {
      print_warning(scenario.error().message);
    }
  }
  std::stable_sort(scenarios.begin(), scenarios.end(),
                   [](const Scenario& a, const Scenario& b) { return a.order < b.order; });
  std::string text = "To start with\n";
  int shown = 0;
  std::vector<std::string> groups;
  std::map<std::string, std::string> rows;
  for (const Scenario& scenario : scenarios) {
    const std::string line = row(scenario.name, scenario.question, ascii);
    if (++shown <= kToStartWith) {
      text += line;
      continue;
    }
    const std::string group = scenario.group.empty() ? "Others" : printable(scenario.group, ascii);
    if (rows.find(group) == rows.end()) groups.push_back(group);
    rows[group] += line;
  }
  std::sort(groups.begin(), groups.end(), [](const std::string& a, const std::string& b) { return a > b; });
  for (const std::string& group : groups) text += "\n" + group + "\n" + rows[group];
  text += "\nExecution models: what does a request hold?\n";
  text += fmt::format("  {:<19}{:<32}{:<9}{:<11}{}\n", "", "in FastAPI", "waiting", "computing", "idle");
  for (const Mode* mode : all_modes()) {
    const Traits& traits = mode->traits;
    text += fmt::format("  {:<19}{:<32}{:<9}{:<11}{}\n", traits.name, traits.fastapi,
                        to_string(traits.waiting), to_string(traits.computing), to_string(traits.idle));
  }
  text += "\nNext: lab show blocking-async, then lab run blocking-async\n";
  print(as_called(text));
  return 0;
}

}  // namespace

Command list_command() {
  Command command("list", "scenarios and execution models", "Example: lab list");
  const auto ascii = std::make_shared<bool>(false);
  command.flag("--ascii", *ascii, "no character beyond ASCII");
  command.run = [ascii] { return list_all(*ascii); };
  return command;
}

}  // namespace lab
