#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

constexpr double kWidestPercent = 1000;

void read_within(Draft& draft, const toml::node& node, Check& check) {
  const std::string text = read_text(draft.problems, node, "within");
  if (draft.problems.any()) return;
  if (text.ends_with('%')) {
    double percent = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size() - 1, percent);
    const bool whole = problem == std::errc() && end == text.data() + text.size() - 1;
    if (!whole || !(percent > 0 && percent <= kWidestPercent)) {
      draft.problems.at(
          node.source(),
          fmt::format("within {} must be above 0% and at most 1000%, such as \"3%\"", in_quotes(text)));
      return;
    }
    check.within_relative = percent / 100;
    return;
  }
  if (!check.stat.is_time()) {
    draft.problems.at(node.source(), fmt::format("within {}: {} is no time, so write a share such as \"3%\"",
                                                 in_quotes(text), to_string(check.stat)));
    return;
  }
  check.within_absolute =
      read_duration(draft, node, "within (a share such as \"3%\" or a duration)", Scaling::fixed);
}

/// `50 ms` or `0.25`: the limit as messages write it.
std::string spelled(const Stat& stat, double value) {
  if (!stat.is_time()) return fmt::format("{}", value);
  return format_duration(to_nanos(value));
}

void read_limits(Draft& draft, const TableReader& table, Check& check) {
  const auto read = [&](std::string_view key, std::optional<double>& limit, std::string_view words) {
    const toml::node* node = table.find(key);
    if (node == nullptr) return;
    limit = read_value(draft, *node, check.stat, key, Scaling::fixed);
    check.text +=
        fmt::format("{} {} {}", check.text.empty() ? "" : " and", words, spelled(check.stat, *limit));
  };
  read("equals", check.equals, "=");
  read("at_least", check.at_least, "at least");
  read("at_most", check.at_most, "at most");
  if (check.at_least && check.at_most && *check.at_least > *check.at_most) {
    table.problem("at_most", "at_most is below at_least, so nothing can pass");
  }
}

void check_kind(const TableReader& table) {
  const int exact = table.has("within") + table.has("equals");
  const int limits = table.has("at_least") + table.has("at_most");
  if (exact + limits == 0) {
    table.problem("stat",
                  "this check demands nothing; add within (of the model), equals, at_least or at_most");
  } else if (exact > 1 || (exact == 1 && limits > 0)) {
    table.problem(table.has("equals") ? "equals" : "within",
                  "one check demands one thing: within, equals, or a range of at_least and at_most");
  }
}

Check read_check(Draft& draft, const toml::table& table) {
  const TableReader reader(draft.problems, table, "check",
                           {"stat", "arm", "case", "within", "equals", "at_least", "at_most"});
  Check check;
  const toml::node* stat = reader.need("stat", "stat = \"makespan\"");
  if (draft.problems.any()) return check;
  check.stat = read_stat(draft, *stat, "stat");
  check.arm = read_one_of(draft, reader, "arm", ids_of(draft.scenario.arms));
  check.case_id = read_one_of(draft, reader, "case", ids_of(draft.scenario.cases));
  check_kind(reader);
  if (draft.problems.any()) return check;
  if (const toml::node* within = reader.find("within")) {
    read_within(draft, *within, check);
    check.tolerance = fmt::format("within {}", printable(within->value_or(std::string_view{})));
    check.text = " " + check.tolerance;
  }
  read_limits(draft, reader, check);
  check.text = to_string(check.stat) + check.text;
  return check;
}

}  // namespace

void read_checks(Draft& draft, const TableReader& file) {
  if (const toml::node* node = file.find("checks"))
    for_each_table(draft.problems, *node, "checks", kMaxEntries, [&](const toml::table& table) {
      draft.scenario.checks.push_back(read_check(draft, table));
    });
}

}  // namespace lab
