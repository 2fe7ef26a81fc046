#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

/// The figure of `~5s` and `about 0.12 s`.
std::string_view bare(std::string_view text) {
  for (const std::string_view about : {"~", "≈", "about "}) {
    if (text.starts_with(about)) text.remove_prefix(about.size());
  }
  return trim(text);
}

std::optional<double> parse_number(std::string_view text) {
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(number) || number < 0) return std::nullopt;
  return percent ? number / 100 : number;
}

/// The figure as a plain value, in seconds where the stat is a time.
double figure(Draft& draft, const toml::node& node, const Documented& documented, std::string_view what) {
  if (documented.stat.is_time()) {
    const Result<Nanos> span = parse_duration(bare(documented.text));
    if (span) return seconds(*span);
    draft.problems.at(node.source(), fmt::format("{}: {} is no figure with a unit, such as \"~1.1s\"", what,
                                                 in_quotes(documented.text)));
    return 0;
  }
  const std::optional<double> number = parse_number(bare(documented.text));
  if (!number) {
    draft.problems.at(node.source(), fmt::format("{}: {} is no plain number, such as \"~18000\"", what,
                                                 in_quotes(documented.text)));
  }
  return number.value_or(0);
}

void read_figure(Draft& draft, const toml::key& key, const toml::node& node, const std::string& case_id,
                 std::string_view what, std::vector<Documented>& figures) {
  Documented documented;
  documented.stat = read_stat(draft, key.str(), key.source());
  documented.case_id = case_id;
  const std::string naming = fmt::format("{} of {}", in_quotes(key.str()), what);
  if (node.is_number()) {
    documented.text = node.is_integer() ? fmt::format("{}", node.value_or(std::int64_t{0}))
                                        : fmt::format("{}", node.value_or(0.0));
  } else {
    documented.text = read_text(draft.problems, node, naming);
  }
  if (draft.problems.any()) return;
  documented.value = figure(draft, node, documented, naming);
  figures.push_back(std::move(documented));
}

void read_case_figures(Draft& draft, const toml::key& key, const toml::table& table, std::string_view what,
                       std::vector<Documented>& figures) {
  const std::vector<std::string> cases = ids_of(draft.scenario.cases);
  const std::string case_id(key.str());
  if (std::find(cases.begin(), cases.end(), case_id) == cases.end()) {
    draft.problems.at(key.source(),
                      fmt::format("{} names the unknown case {}{}; a stat with dots needs quotes, as "
                                  "\"ping.latency.max\"",
                                  what, in_quotes(case_id), suggestion(case_id, cases)));
    return;
  }
  for (const auto& [stat, value] : in_file_order(table)) {
    read_figure(draft, *stat, *value, case_id, what, figures);
    if (draft.problems.any()) return;
  }
}

}  // namespace

std::vector<Documented> read_documented(Draft& draft, const toml::node& node, std::string_view what) {
  std::vector<Documented> figures;
  const toml::table* table = node.as_table();
  if (table == nullptr) {
    draft.problems.at(
        node.source(),
        fmt::format("{} must be a table such as {{ makespan = \"~1.1s\" }}, not {}", what, kind_of(node)));
    return figures;
  }
  for (const auto& [key, value] : in_file_order(*table)) {
    if (const toml::table* of_case = value->as_table()) {
      read_case_figures(draft, *key, *of_case, what, figures);
    } else {
      read_figure(draft, *key, *value, "", what, figures);
    }
    if (draft.problems.any()) break;
  }
  return figures;
}

}  // namespace lab
