#include <algorithm>
#include <array>

#include "scenarios/loader/loader.hpp"
#include "scenarios/loader/toml_reader.hpp"

namespace lab {

namespace {

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
