#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "lab/servers/mode.hpp"
#include "lab/verbs/verbs.hpp"
#include "scenarios/loader.hpp"

namespace lab {

namespace {

constexpr int kToStartWith = 5;

std::string row(const std::string& name, const std::string& text) {
  return fmt::format("  {:<22}{}\n", name, text);
}

std::string cut(const std::string& text, std::size_t width) {
  return text.size() <= width ? text : text.substr(0, text.rfind(' ', width - 4)) + " ...";
}

int list_all() {
  constexpr std::size_t kQuestionWidth = 56;
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
    const std::string line = row(scenario.name, cut(scenario.question, kQuestionWidth));
    if (++shown <= kToStartWith) {
      text += line;
      continue;
    }
    const std::string group = scenario.group.empty() ? "Others" : scenario.group;
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
  print(text);
  return 0;
}

}  // namespace

void add_list(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("list", "scenarios and execution models");
  verb->footer("Example: lab list");
  verb->callback([&action] { action = list_all; });
}

}  // namespace lab
