#include <fmt/format.h>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

/// How the option that sets this parameter is written.
std::string option_of(std::string_view name) {
  return name == "d" ? "--delay (--set d)" : fmt::format("--set {}", printable(name, 60));
}

void apply_options(Draft& draft) {
  auto& params = draft.scenario.params;
  std::vector<std::string> known;
  for (const auto& [name, value] : params) known.push_back(name);
  for (const auto& [name, value] : draft.overrides.params) {
    const auto param = params.find(name);
    if (param == params.end()) {
      const std::string advice = known.empty() ? " (it has none)" : suggestion(name, known);
      draft.problems.option(fmt::format("{}: scenario '{}' has no parameter {}{}", option_of(name),
                                        draft.scenario.name, in_quotes(name), advice));
      return;
    }
    if (value < 0 || value > kLongestSpan) {
      draft.problems.option(fmt::format("{}: must be from 0ms to ten years", option_of(name)));
      return;
    }
    draft.figures_changed |= param->second != value;
    param->second = value;
  }
}

}  // namespace

void read_params(Draft& draft, const TableReader& file) {
  const toml::node* node = file.find("params");
  const toml::table* table = node == nullptr ? nullptr : node->as_table();
  if (node != nullptr && table == nullptr) {
    file.problem("params",
                 fmt::format("params must be a table such as {{ d = \"100ms\" }}, not {}", kind_of(*node)));
    return;
  }
  if (table != nullptr) {
    for (const auto& [key, value] : in_file_order(*table)) {
      check_id(draft, *key, "parameter");
      const std::string what = fmt::format("parameter {}", in_quotes(key->str()));
      const auto text = value->value<std::string_view>();
      if (text && text->starts_with('$')) {
        draft.problems.at(value->source(),
                          fmt::format("{} must be a duration; it cannot name another one", what));
      }
      draft.scenario.params[std::string(key->str())] = read_duration(draft, *value, what, Scaling::fixed);
    }
  }
  if (draft.problems.any()) return;
  apply_options(draft);
  for (auto& [name, value] : draft.scenario.params) value = scaled(draft, value, file.where("params"));
}

}  // namespace lab
