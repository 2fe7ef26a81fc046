#include "results/report/comparison_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <map>

#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/formatting.hpp"
#include "results/render/table.hpp"
#include "results/render/wrap.hpp"
#include "results/store/json_words.hpp"

namespace lab {

namespace json = boost::json;

namespace {

json::object format_row(const ComparedRow& row) {
  const bool relative = row.a.median != 0;
  return {{"arm", json_text(row.name)},
          {"case", json_text(row.case_id)},
          {"stat", to_string(row.stat)},
          {"unit", json_unit(row.stat)},
          {"a", json_estimate(row.a)},
          {"b", json_estimate(row.b)},
          {"shift",
           {{"estimate", row.shift.estimate},
            {"low", json_number(row.shift.low)},
            {"high", json_number(row.shift.high)},
            {"relative", relative ? json_number(row.shift.estimate / row.a.median) : json::value(nullptr)}}},
          {"p", row.shift.p},
          {"p_adjusted", row.p_adjusted},
          {"exact", row.shift.exact},
          {"apart", row.shift.apart},
          {"verdict", json_text(to_string(row.verdict))},
          {"reason", json_text_or_null(row.reason)}};
}

json::object format_side(const ComparisonReport::Side& side) {
  return {{"path", json_text(side.path)},
          {"started", json_text(side.started_utc)},
          {"noise", json_text(side.noise)},
          {"arm", json_text_or_null(side.arm)}};
}

}  // namespace

std::string comparison_json(const ComparisonReport& report) {
  json::array rows;
  for (const ComparedRow& row : report.rows) rows.push_back(format_row(row));
  json::array differing;
  for (const DifferingRow& row : report.differing)
    differing.push_back({{"key", json_text(row.key)}, {"a", json_text(row.a)}, {"b", json_text(row.b)}});
  return json::serialize(json::object{{"schema", "lab.compare/1"},
                                      {"scenario", json_text(report.scenario)},
                                      {"a", format_side(report.a)},
                                      {"b", format_side(report.b)},
                                      {"tolerance", report.tolerance},
                                      {"slower", report.slower()},
                                      {"inconclusive", report.inconclusive()},
                                      {"rows", std::move(rows)},
                                      {"differing", std::move(differing)},
                                      {"only_a", json_texts(report.only_a)},
                                      {"only_b", json_texts(report.only_b)},
                                      {"warnings", json_texts(report.warnings)}}) +
         "\n";
}

namespace {

constexpr std::size_t kLongestValue = 60;
constexpr std::size_t kLongestPair = 16;

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
  table.columns = {{ColumnRole::arm, to_string(stat), false}};
  if (many_cases) table.columns.push_back({ColumnRole::case_id, "case", false});
  for (const char* heading : {"A", "B", "B − A"})
    table.columns.push_back({ColumnRole::measured, heading, true});
  // Where it is narrow, p goes first, then the interval; the verdict stays.
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
    // Both arms stand above the table where they differ.
    cells.cells = {report.a.arm.empty() ? row.name : shorten(row.name, kLongestPair, false)};
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

class ComparisonPage {
 public:
  explicit ComparisonPage(const TextStyle& style)
      : ascii_(style.ascii), width_(static_cast<std::size_t>(std::max(style.width, 40))) {}

  void table(const Table& table) {
    std::vector<std::string> lines = lay_out(table, width_, ascii_);
    shows_p_ |= contains(split(lines.front(), ' '), "p");
    for (const std::string& line : lines) out_ += printable(line, ascii_) + "\n";
  }
  void remark(const std::string& tag, const std::string& text) {
    for (const std::string& line : wrap(printable(text, ascii_), pad(tag, kTagIndent), kTagIndent, width_))
      out_ += line + "\n";
  }
  void blank() { out_ += "\n"; }
  bool shows_p() const { return shows_p_; }
  std::string take() { return std::move(out_); }

 private:
  bool ascii_;
  std::size_t width_;
  bool shows_p_ = false;  // a narrow table has no room for it
  std::string out_;
};

std::string describe(const ComparisonReport::Side& side) {
  std::string text = side.arm.empty() ? side.path : side.arm + " of " + side.path;
  if (!side.noise.empty()) text += ", " + side.noise;
  return text;
}

/// The same reason for many rows is told once, with their names.
void report_reasons(const ComparisonReport& report, ComparisonPage& page) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<std::string>> names;
  for (const ComparedRow& row : report.rows) {
    if (row.reason.empty()) continue;
    std::vector<std::string>& known = names[row.reason];
    if (known.empty()) order.push_back(row.reason);
    if (std::find(known.begin(), known.end(), row.name) == known.end()) known.push_back(row.name);
  }
  const auto inconclusive = std::count_if(report.rows.begin(), report.rows.end(),
                                          [](const ComparedRow& row) { return !row.reason.empty(); });
  const bool all = order.size() == 1 && inconclusive == static_cast<std::ptrdiff_t>(report.rows.size());
  for (const std::string& reason : order) {
    page.remark("WARN", all ? fmt::format("inconclusive: {}", reason)
                            : fmt::format("inconclusive: {}: {}", join(names[reason], ", "), reason));
  }
}

}  // namespace

std::string_view to_string(CompareVerdict verdict) {
  constexpr std::string_view kWords[] = {"faster",      "slower", "more", "less", "no difference seen",
                                         "inconclusive"};
  return kWords[static_cast<std::size_t>(verdict)];
}

bool ComparisonReport::slower() const {
  return std::any_of(rows.begin(), rows.end(),
                     [](const ComparedRow& row) { return row.verdict == CompareVerdict::slower; });
}

bool ComparisonReport::inconclusive() const {
  return std::any_of(rows.begin(), rows.end(),
                     [](const ComparedRow& row) { return row.verdict == CompareVerdict::inconclusive; });
}

std::string comparison_text(const ComparisonReport& report, const TextStyle& style) {
  ComparisonPage page(style);
  page.remark("A", describe(report.a));
  page.remark("B", describe(report.b));
  const bool many_cases = std::any_of(report.rows.begin(), report.rows.end(), [&](const ComparedRow& row) {
    return row.case_id != report.rows.front().case_id;
  });
  std::vector<Stat> stats;
  for (const ComparedRow& row : report.rows) {
    if (std::find(stats.begin(), stats.end(), row.stat) == stats.end()) stats.push_back(row.stat);
  }
  for (const Stat& stat : stats) {
    page.blank();
    page.table(table_of(report, stat, many_cases));
  }
  page.blank();
  report_reasons(report, page);
  for (const std::string& warning : report.warnings) page.remark("WARN", warning);
  if (!report.only_a.empty()) page.remark("ONLY", "in A: " + join(report.only_a, ", "));
  if (!report.only_b.empty()) page.remark("ONLY", "in B: " + join(report.only_b, ", "));
  for (const DifferingRow& row : report.differing) {
    page.remark("DIFF", fmt::format("{}: {} → {}", row.key, shorten(row.a, kLongestValue, style.ascii),
                                    shorten(row.b, kLongestValue, style.ascii)));
  }
  const bool exact = std::all_of(report.rows.begin(), report.rows.end(),
                                 [](const ComparedRow& row) { return row.shift.exact; });
  page.remark("HOW",
              fmt::format("B − A is the median of all differences (Hodges–Lehmann), {} Mann–Whitney's"
                          "{}{}.{}",
                          page.shows_p() ? "p is" : "the verdict", exact ? ", exact" : "",
                          report.rows.size() > 1
                              ? fmt::format(", by Holm for {} comparisons; a gap wider than the range of "
                                            "either counts without",
                                            report.rows.size())
                              : "",
                          report.tolerance > 0 ? fmt::format(" Less than {:g} % counts as no difference.",
                                                             report.tolerance * 100)
                                               : ""));
  return page.take();
}

}  // namespace lab
