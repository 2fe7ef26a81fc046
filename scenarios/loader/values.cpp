#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

constexpr std::size_t kLongestId = 40;
constexpr std::string_view kIdRule = "use a-z, 0-9 and '-', first a letter or digit, at most 40 characters";

bool is_id_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

template <class Items, class Name>
std::vector<std::string> names(const Items& items, Name name) {
  std::vector<std::string> result;
  for (const auto& item : items) result.emplace_back(item.*name);
  return result;
}

Nanos read_param(Draft& draft, const toml::node& node, std::string_view name, std::string_view what) {
  const auto& params = draft.scenario.params;
  const auto found = params.find(std::string(name));
  if (found != params.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [param, value] : params) known.push_back(param);
  const std::string advice =
      known.empty()
          ? fmt::format("; there are none: add params = {{ {} = \"100ms\" }}", is_id(name) ? name : "d")
          : suggestion(name, known);
  draft.problems.at(node.source(), fmt::format("{} names the unknown parameter {}{}", what,
                                               in_quotes(fmt::format("${}", name)), advice));
  return 0;
}

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

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kLongestId && is_id_start(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_id_start(c) || c == '-'; });
}

std::string read_id(Draft& draft, const toml::node& node, std::string_view what) {
  std::string id = read_text(draft.problems, node, what);
  if (draft.problems.any() || is_id(id)) return id;
  draft.problems.at(node.source(), fmt::format("{} {} is no id: {}", what, in_quotes(id), kIdRule));
  return "";
}

void check_id(Draft& draft, const toml::key& key, std::string_view what) {
  if (is_id(key.str())) return;
  draft.problems.at(key.source(), fmt::format("{} {} is no id: {}", what, in_quotes(key.str()), kIdRule));
}

Nanos scaled(Draft& draft, Nanos span, const toml::source_region& where) {
  const double product = static_cast<double>(span) * draft.overrides.scale;
  if (!(product <= static_cast<double>(kLongestSpan))) {
    draft.problems.at(where, fmt::format("{} times the scale {} is more than ten years",
                                         format_duration(span), draft.overrides.scale));
    return 0;
  }
  return static_cast<Nanos>(std::llround(product));
}

Nanos read_duration(Draft& draft, const toml::node& node, std::string_view what, Scaling scaling) {
  if (!node.is_string()) {
    const std::string_view fix =
        node.is_number() ? ", such as \"100ms\" (a bare number has no unit)" : ", such as \"100ms\"";
    draft.problems.at(node.source(),
                      fmt::format("{} must be a duration in quotes{}, not {}", what, fix, kind_of(node)));
    return 0;
  }
  const std::string text = read_text(draft.problems, node, what);
  if (text.starts_with('$')) return read_param(draft, node, std::string_view(text).substr(1), what);
  const Result<Nanos> span = parse_duration(text);
  if (!span) {
    draft.problems.at(node.source(), fmt::format("{}: {}", what, span.error().message));
    return 0;
  }
  return scaling == Scaling::scaled ? scaled(draft, *span, node.source()) : *span;
}

Nanos read_duration(Draft& draft, const TableReader& table, std::string_view key, Scaling scaling,
                    Nanos otherwise) {
  const toml::node* node = table.find(key);
  if (node == nullptr) return otherwise;
  return read_duration(draft, *node, fmt::format("{} of {}", key, table.what()), scaling);
}

std::int64_t read_size(Draft& draft, const toml::node& node, std::string_view what) {
  constexpr std::array<std::pair<std::string_view, double>, 4> kUnits{
      {{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}}};
  const std::string text = read_text(draft.problems, node, what);
  if (draft.problems.any()) return 1;
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const auto* known =
      std::find_if(kUnits.begin(), kUnits.end(), [&](const auto& one) { return one.first == unit; });
  if (problem != std::errc() || known == kUnits.end()) {
    draft.problems.at(node.source(),
                      fmt::format("{}: {} is no size; write a number and B, kB, MB or GB, such as "
                                  "\"64MB\"",
                                  what, in_quotes(text)));
    return 1;
  }
  const double bytes = std::round(number * known->second);
  if (!(bytes >= 1 && bytes <= static_cast<double>(kMaxBytes))) {
    draft.problems.at(node.source(), fmt::format("{}: {} must be from 1B to 100GB", what, in_quotes(text)));
    return 1;
  }
  return static_cast<std::int64_t>(bytes);
}

Stat read_stat(Draft& draft, std::string_view text, const toml::source_region& where) {
  const Result<Stat> stat = parse_stat(text);
  if (!stat) {
    draft.problems.at(where, stat.error().message);
    return {};
  }
  const std::vector<std::string> routes = ids_of(draft.scenario.routes);
  if (!stat->route.empty() && !contains(routes, stat->route)) {
    draft.problems.at(where, fmt::format("stat {} names the unknown route {}{}", in_quotes(text),
                                         in_quotes(stat->route), suggestion(stat->route, routes)));
  }
  return *stat;
}

Stat read_stat(Draft& draft, const toml::node& node, std::string_view what) {
  const std::string text = read_text(draft.problems, node, what);
  return draft.problems.any() ? Stat{} : read_stat(draft, text, node.source());
}

double read_value(Draft& draft, const toml::node& node, const Stat& stat, std::string_view what,
                  Scaling scaling) {
  if (stat.is_time()) return seconds(read_duration(draft, node, what, scaling));
  const bool is_size =
      stat.quantity >= Stat::Quantity::memory && stat.quantity <= Stat::Quantity::virtual_memory;
  if (is_size && node.is_string()) return static_cast<double>(read_size(draft, node, what));
  const std::optional<double> number = node.is_number() ? node.value<double>() : std::nullopt;
  if (number && std::isfinite(*number) && *number >= 0) return *number;
  draft.problems.at(node.source(), fmt::format("{} must be a number of 0 or more, as {} has no unit, not {}",
                                               what, to_string(stat), number ? "this one" : kind_of(node)));
  return 0;
}

std::string read_one_of(Draft& draft, const TableReader& table, std::string_view key,
                        const std::vector<std::string>& known) {
  const toml::node* node = table.find(key);
  return node == nullptr ? "" : known.at(read_known(draft, *node, key, known));
}

std::vector<std::string> ids_of(const std::vector<Route>& routes) {
  return names(routes, &Route::name);
}
std::vector<std::string> ids_of(const std::vector<Arm>& arms) {
  return names(arms, &Arm::id);
}
std::vector<std::string> ids_of(const std::vector<Case>& cases) {
  return names(cases, &Case::id);
}
std::vector<std::string> names_of(std::span<const Traits> modes) {
  return names(modes, &Traits::name);
}

std::size_t read_known(Draft& draft, const toml::node& node, std::string_view what,
                       const std::vector<std::string>& known) {
  const std::string word = read_text(draft.problems, node, what);
  if (draft.problems.any()) return 0;
  const auto found = std::find(known.begin(), known.end(), word);
  if (found != known.end()) return static_cast<std::size_t>(found - known.begin());
  draft.problems.at(node.source(),
                    fmt::format("unknown {} {}{}", what, in_quotes(word), suggestion(word, known)));
  return 0;
}

void read_params(Draft& draft, const TableReader& file) {
  if (const toml::node* node = file.find("params")) {
    const toml::table* table =
        read_table(draft.problems, *node, "params must be a table such as { d = \"100ms\" }");
    if (table == nullptr) return;
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
