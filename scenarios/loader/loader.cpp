#include "scenarios/loader/loader.hpp"

#include <algorithm>
#include <array>

#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

constexpr std::size_t kLongestQuestion = 300;
constexpr std::size_t kMaxStats = 8;

/// The file's stem as an id: `My File.toml` is scenario `my-file`. Runs are saved in folders of that name.
std::string scenario_name(const std::string& file) {
  std::string name;
  for (const char c : std::filesystem::path(file).stem().string()) {
    const char kept = has_only_letters({&c, 1}, "") ? to_lower(c) : '-';
    if (kept != '-' || (!name.empty() && name.back() != '-')) name += kept;
  }
  name = name.substr(0, 40);
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "scenario" : name;
}

void read_budget(const Value& value, Nanos& budget) {
  if (value.begins('$'))
    value.problem("budget is the time for the whole run; write a duration such as \"40s\"");
  into_positive(budget, Scaling::fixed)(value.named("budget"));
}

void read_show(const Value& value, std::vector<Stat>& show) {
  const toml::array* stats = value->as_array();
  if (stats == nullptr || stats->empty() || stats->size() > kMaxStats) {
    value.problem("show must be an array of 1 to {} stats, such as [\"ping.latency.max\"]", kMaxStats);
  }
  for (const toml::node& entry : *stats) {
    const Value stat(value.draft(), &entry, entry.source(), "each of show");
    show.push_back(stat.stat());
    if (std::ranges::count(show, show.back()) > 1)
      stat.problem("show names {} twice", to_string(show.back()));
  }
}

/// Each part relies on those before it: routes name parameters, loads and arms name routes, checks name arms.
void read_parts(const TableReader& file) {
  Draft& draft = file.draft();
  Scenario& scenario = draft.scenario;
  const auto read = [&](std::string_view key, const Read& reader) {
    if (const Value value = file[key]) reader(value);
  };
  const Value question = file.need("question", "question = \"What do other users notice?\"");
  read("question", into(scenario.question));
  if (scenario.question.empty()) question.problem("question is empty");
  if (scenario.question.size() > kLongestQuestion)
    question.problem("question is longer than {} bytes", kLongestQuestion);
  read("sources", [&](const Value& value) { scenario.sources = value.texts(); });
  read("group", into(scenario.group));
  read("order", into(scenario.order, 0, 1'000'000));
  read("port", into(scenario.port, 1, 65'535));
  read("trace", into_word(scenario.trace, {"cycle", "path"}));
  read("budget", [&](const Value& value) { read_budget(value, scenario.budget); });
  read_params(file);
  read_routes(file);
  read("show", [&](const Value& value) { read_show(value, scenario.show); });
  read_cases(file);
  for (std::size_t i = 0; i < scenario.show.size(); ++i)
    check_stat({draft, nullptr, file["show"]->as_array()->get(i)->source(), ""}, scenario.show[i]);
  for (const auto part : {read_queues, read_arms, read_checks}) part(file);
  scenario.question = fill_in(draft, scenario.question, question.where(), "");
  for (const auto part : {read_asks, read_explain, check_sense}) part(file);
}

/// What is said about the experiment, and how it is shown and judged.
constexpr std::array<std::string_view, 10> kDescriptive{"question", "sources", "group",  "order", "budget",
                                                        "port",     "show",    "checks", "ask",   "explain"};

toml::table experiment_in(std::string_view text) {
  toml::table table = parse_toml(text, Problems(""));
  for (const std::string_view key : kDescriptive) table.erase(key);
  if (toml::array* arms = table.get_as<toml::array>("arms")) {
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
  return std::ranges::any_of(cases, [&](const toml::node& one) {
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
  return caught([&] {
    const toml::table table = parse_toml(toml, draft.problems);
    const TableReader root(draft, table, "the scenario");
    root.only({"question", "sources", "budget", "group", "order", "port", "params", "show", "trace", "routes",
               "queues", "load", "cases", "kill", "arms", "checks", "ask", "explain"});
    check_overrides(draft);
    read_parts(root);
    finish_overrides(draft);
    check_changed(draft);
    return std::move(draft.scenario);
  });
}

bool same_experiment(std::string_view recorded, std::string_view scenario) {
  if (recorded == scenario) return true;
  const Result<bool> same = caught([&] {
    toml::table first = experiment_in(recorded);
    toml::table second = experiment_in(scenario);
    const toml::array before = take_cases(first);
    const toml::array now = take_cases(second);
    return first == second &&
           std::ranges::all_of(before, [&](const toml::node& one) { return contains_case(now, one); });
  });
  return same && *same;
}

}  // namespace lab
