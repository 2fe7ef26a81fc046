#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"
#include "scenarios/loader/loader.hpp"
#include "scenarios/loader/toml_reader.hpp"

namespace lab {

namespace {

constexpr std::size_t kLongestQuestion = 300;
constexpr std::size_t kMaxStats = 8;

/// The file's stem as an id: `My File.toml` is scenario `my-file`. Runs are saved in folders of that name.
std::string scenario_name(const std::string& file) {
  std::string name;
  for (const char c : std::filesystem::path(file).stem().string()) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const char kept = upper ? static_cast<char>(c - 'A' + 'a') : plain ? c : '-';
    if (kept != '-' || (!name.empty() && name.back() != '-')) name += kept;
  }
  name = name.substr(0, 40);
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "scenario" : name;
}

void read_head(Draft& draft, const TableReader& file) {
  Scenario& scenario = draft.scenario;
  file.need("question", "question = \"What do other users notice?\"");
  scenario.question = file.text("question");
  if (file.has("question") && scenario.question.empty()) file.problem("question", "question is empty");
  if (scenario.question.size() > kLongestQuestion) {
    file.problem("question", fmt::format("question is longer than {} bytes", kLongestQuestion));
  }
  scenario.sources = file.texts("sources");
  scenario.group = file.text("group");
  scenario.order = static_cast<int>(file.integer("order", 0, 1'000'000, scenario.order));
  if (const toml::node* trace = file.find("trace"))
    scenario.trace = read_known(draft, *trace, "trace", {"cycle", "path"}) == 0 ? "cycle" : "path";
  const toml::node* budget = file.find("budget");
  if (budget == nullptr) return;
  if (budget->is_string() && budget->value_or(std::string_view{}).starts_with('$')) {
    file.problem("budget", "budget is the time for the whole run; write a duration such as \"40s\"");
  }
  scenario.budget = read_duration(draft, *budget, "budget", Scaling::fixed);
  if (scenario.budget == 0) file.problem("budget", "budget must be longer than 0ms");
}

void read_show(Draft& draft, const TableReader& file) {
  const toml::node* node = file.find("show");
  if (node == nullptr) return;
  const toml::array* stats = node->as_array();
  if (stats == nullptr || stats->empty() || stats->size() > kMaxStats) {
    file.problem("show", fmt::format("show must be an array of 1 to {} stats, such as [\"ping.latency.max\"]",
                                     kMaxStats));
    return;
  }
  for (const toml::node& stat : *stats) {
    draft.scenario.show.push_back(read_stat(draft, stat, "each of show"));
    const auto& show = draft.scenario.show;
    if (std::count(show.begin(), show.end(), show.back()) > 1) {
      draft.problems.at(stat.source(), fmt::format("show names {} twice", to_string(show.back())));
    }
  }
}

using Part = void (*)(Draft& draft, const TableReader& file);

/// What is said about the experiment, and how it is shown and judged.
constexpr std::array<std::string_view, 9> kTelling{"question", "sources", "group", "order",  "budget",
                                                   "show",     "checks",  "ask",   "explain"};

std::optional<toml::table> experiment_in(std::string_view text) {
  Problems problems("");
  std::optional<toml::table> table = parse_toml(text, problems);
  if (!table) return table;
  for (const std::string_view key : kTelling) table->erase(key);
  if (toml::array* arms = table->get_as<toml::array>("arms")) {
    for (toml::node& arm : *arms) {
      if (toml::table* settings = arm.as_table()) {
        settings->erase("label");
        settings->erase("documented");
      }
    }
  }
  return table;
}

/// Takes the cases out; none where the file has [[load]] instead.
toml::array take_cases(toml::table& experiment) {
  toml::array cases;
  if (const toml::array* found = experiment.get_as<toml::array>("cases")) cases = *found;
  experiment.erase("cases");
  return cases;
}

bool contains_case(const toml::array& cases, const toml::node& wanted) {
  return std::any_of(cases.begin(), cases.end(), [&](const toml::node& one) {
    return one.is_table() && wanted.is_table() && *one.as_table() == *wanted.as_table();
  });
}

}  // namespace

Result<Scenario> parse_scenario(std::string_view toml, const std::string& file, std::span<const Traits> modes,
                                const Overrides& overrides) {
  Draft draft(file, modes, overrides);
  draft.scenario.name = scenario_name(file);
  draft.scenario.file = file;
  draft.scenario.source = std::string(toml);
  const std::optional<toml::table> table = parse_toml(toml, draft.problems);
  if (!table) return draft.problems.first();
  const TableReader reader(draft.problems, *table, "the scenario",
                           {"question", "sources", "budget", "group", "order", "params", "show", "trace",
                            "routes", "queues", "load", "cases", "kill", "arms", "checks", "ask", "explain"});
  if (!draft.problems.any()) check_overrides(draft);
  // Each part relies on those before it: routes name parameters, loads and arms name routes, checks name
  // arms.
  constexpr Part kParts[] = {read_head, read_params, read_routes,   read_show, read_cases,   read_queues,
                             read_arms, read_checks, fill_question, read_asks, read_explain, check_sense};
  for (const Part read : kParts) {
    if (draft.problems.any()) return draft.problems.first();
    read(draft, reader);
  }
  if (!draft.problems.any()) finish_overrides(draft);
  if (!draft.problems.any()) check_changed(draft);
  if (draft.problems.any()) return draft.problems.first();
  return std::move(draft.scenario);
}

bool same_experiment(std::string_view recorded, std::string_view scenario) {
  if (recorded == scenario) return true;
  auto first = experiment_in(recorded);
  auto second = experiment_in(scenario);
  if (!first || !second) return false;
  const toml::array before = take_cases(*first);
  const toml::array now = take_cases(*second);
  return *first == *second && std::all_of(before.begin(), before.end(),
                                          [&](const toml::node& one) { return contains_case(now, one); });
}

}  // namespace lab
