#include <algorithm>
#include <functional>
#include <map>

#include "lab/cli/command.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/servers/mode.hpp"
#include "results/render/formatting.hpp"
#include "results/render/page.hpp"
#include "results/report/verify_report.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

constexpr std::size_t kToStartWith = 5;

struct ListAsked {
  bool documents = false;
  OutputOptions output;
};

int list_documents(const OutputOptions& output) {
  const ClaimsFile file = load_claims().value();
  print(output.format == Format::json       ? documents_json(file)
        : output.format == Format::csv      ? csv_table(documents_table(file))
        : output.format == Format::markdown ? markdown_table(documents_table(file))
                                            : documents_text(file, output.style));
  return 0;
}

int list_all(const ListAsked& asked) {
  if (asked.documents) return list_documents(asked.output);
  refuse_if(asked.output.format != Format::text, "--format goes with --documents");
  const bool ascii = asked.output.style.ascii;
  std::vector<Scenario> scenarios;
  for (const std::string& name : scenario_names()) {
    auto scenario = load_scenario(name, known_modes());
    if (scenario) {
      scenarios.push_back(std::move(*scenario));
    } else {
      print_warning(scenario.error().message);
    }
  }
  std::ranges::stable_sort(scenarios, {}, &Scenario::order);
  std::string text = "To start with\n";
  std::map<std::string, std::string, std::greater<>> groups;
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    const Scenario& scenario = scenarios[i];
    const std::string group = scenario.group.empty() ? "Others" : printable(scenario.group, ascii);
    std::string& rows = i < kToStartWith ? text : groups[group];
    rows += listed("  " + scenario.name, scenario.question, 24, {80, ascii});
  }
  for (const auto& [group, rows] : groups) text += fmt::format("\n{}\n{}", group, rows);
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
  ListAsked& asked = command.runs<ListAsked>(list_all);
  command.flag("--documents", asked.documents, "the documents D0 to D4 instead, and what each contributes");
  add_format_option(command, asked.output, {Format::text, Format::json, Format::csv, Format::markdown});
  command.flag("--ascii", asked.output.style.ascii, "no character beyond ASCII");
  return command;
}

}  // namespace lab
