#include "results/report/comparison_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/as_json.hpp"
#include "results/render/formatting.hpp"

namespace lab {

BOOST_DESCRIBE_STRUCT(DifferingRow, (), (key, a, b))
BOOST_DESCRIBE_STRUCT(ComparisonReport::Side, (), (path, started, noise, arm))
BOOST_DESCRIBE_STRUCT(ComparisonReport, (),
                      (scenario, a, b, tolerance, slower, inconclusive, rows, differing, only_a, only_b,
                       warnings))

static boost::json::value as_json(const ComparedRow& row) {
  const std::optional<double> relative =
      row.a.median != 0 ? std::optional(row.shift.estimate / row.a.median) : std::nullopt;
  return {{"arm", as_json(row.name)},
          {"case", as_json(row.case_id)},
          {"stat", as_json(row.stat)},
          {"unit", json_unit(row.stat)},
          {"a", as_json(row.a)},
          {"b", as_json(row.b)},
          {"shift",
           {{"estimate", row.shift.estimate},
            {"low", as_json(row.shift.low)},
            {"high", as_json(row.shift.high)},
            {"relative", as_json(relative)}}},
          {"p", row.shift.p},
          {"p_adjusted", row.p_adjusted},
          {"exact", row.shift.exact},
          {"apart", row.shift.apart},
          {"verdict", as_json(row.verdict)},
          {"reason", json_text_or_null(row.reason)}};
}

namespace {

constexpr std::size_t kLongestValue = 60;

/// `+0.8 ms`
std::string with_sign(double value, const Unit& unit) {
  const std::string digits = quantity(std::abs(value), unit);
  return (value < 0 ? "−" : "+") + digits;
}

std::string shift_interval(const ComparedRow& row, const Unit& unit) {
  if (!row.shift.low || !row.shift.high) return "–";
  Unit bare = unit;
  bare.name.clear();
  return with_sign(*row.shift.low, bare) + " to " + with_sign(*row.shift.high, bare);
}

/// Rows of one stat, under its name where there are several.
Table table_of(const ComparisonReport& report, const Stat& stat, bool many_cases) {
  Table table;
  table.keeps_interval = true;
  table.columns = {{ColumnRole::arm, to_string(stat), false}};
  if (many_cases) table.columns.push_back({ColumnRole::case_id, "case", false});
  for (const char* heading : {"A", "B", "B − A"})
    table.columns.push_back({ColumnRole::measured, heading, true});
  // Where it is narrow, p goes first, and the interval below its row; the verdict stays.
  table.columns.push_back({ColumnRole::interval, "95 %", true});
  table.columns.push_back({ColumnRole::label, "p", true});
  table.columns.push_back({ColumnRole::expected, "verdict", false});
  for (const ComparedRow& row : report.rows) {
    if (row.stat != stat) continue;
    const Unit unit = unit_of(stat, std::max(std::abs(row.a.median), std::abs(row.b.median)));
    double largest = std::abs(row.shift.estimate);
    for (const auto& end : {row.shift.low, row.shift.high})
      largest = std::max(largest, std::abs(end.value_or(0)));
    const Unit small = largest == 0 ? unit : unit_of(stat, largest);
    TableRow cells;
    cells.cells = {row.name};
    if (many_cases) cells.cells.push_back(row.case_id);
    for (const double median : {row.a.median, row.b.median}) cells.cells.push_back(quantity(median, unit));
    cells.cells.push_back(with_sign(row.shift.estimate, small));
    cells.cells.push_back(shift_interval(row, small));
    cells.cells.push_back(row.p_adjusted < 0.0005 ? "<0.001" : fmt::format("{:.3f}", row.p_adjusted));
    cells.cells.push_back(row.verdict == CompareVerdict::none_seen ? "none seen"
                                                                   : std::string(to_string(row.verdict)));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

std::string describe(const ComparisonReport::Side& side) {
  std::string text = side.arm ? *side.arm + " of " + side.path : side.path;
  if (!side.noise.empty()) text += ", " + side.noise;
  return text;
}

/// The same reason for many rows is given once, with their names.
void add_reasons(const ComparisonReport& report, Page& page) {
  const auto& rows = report.rows;
  for (auto row = rows.begin(); row != rows.end(); ++row) {
    const auto same_reason = [&](const ComparedRow& other) { return other.reason == row->reason; };
    if (row->reason.empty() || std::find_if(rows.begin(), row, same_reason) != row) continue;
    std::vector<std::string> names;
    for (auto other = row; other != rows.end(); ++other) {
      if (same_reason(*other) && !contains(names, other->name)) names.push_back(other->name);
    }
    const bool all = std::ranges::all_of(rows, same_reason);
    page.entry("WARN", fmt::format("inconclusive: {}{}", all ? "" : join(names, ", ") + ": ", row->reason));
  }
}

}  // namespace

std::string_view to_string(CompareVerdict verdict) {
  constexpr std::string_view kWords[] = {"faster",      "slower", "more", "less", "no difference seen",
                                         "inconclusive"};
  return kWords[static_cast<std::size_t>(verdict)];
}

std::string comparison_text(const ComparisonReport& report, const TextStyle& style) {
  Page page({style.width, style.ascii, false}, 40);
  page.entry("A", describe(report.a));
  page.entry("B", describe(report.b));
  std::vector<Stat> stats;
  for (const ComparedRow& row : report.rows) {
    if (std::ranges::find(stats, row.stat) == stats.end()) stats.push_back(row.stat);
  }
  bool shows_p = false;  // a narrow table has no room for it
  for (const Stat& stat : stats) {
    page.blank();
    const Table table = table_of(report, stat, several_cases(report.rows));
    shows_p |= contains(split(lay_out(table, page.width(), style.ascii).front(), ' '), "p");
    page.table(table);
  }
  page.blank();
  add_reasons(report, page);
  for (const std::string& warning : report.warnings) page.entry("WARN", warning);
  if (!report.only_a.empty()) page.entry("ONLY", "in A: " + join(report.only_a, ", "));
  if (!report.only_b.empty()) page.entry("ONLY", "in B: " + join(report.only_b, ", "));
  for (const DifferingRow& row : report.differing) {
    page.entry("DIFF", fmt::format("{}: {} → {}", row.key, shorten(row.a, kLongestValue, style.ascii),
                                   shorten(row.b, kLongestValue, style.ascii)));
  }
  const bool exact = std::ranges::all_of(report.rows, [](const ComparedRow& row) { return row.shift.exact; });
  std::string how =
      fmt::format("B − A is the median of all differences (Hodges–Lehmann), {} Mann–Whitney's{}",
                  shows_p ? "p is" : "the verdict", exact ? ", exact" : "");
  if (report.rows.size() > 1) {
    how += fmt::format(", by Holm for {} comparisons; a gap wider than the range of either counts without",
                       report.rows.size());
  }
  how += '.';
  if (report.tolerance > 0)
    how += fmt::format(" Less than {:g} % counts as no difference.", report.tolerance * 100);
  page.entry("HOW", how);
  return page.take();
}

std::string comparison_json(const ComparisonReport& report) {
  return json_document("lab.compare/1", report);
}

}  // namespace lab
