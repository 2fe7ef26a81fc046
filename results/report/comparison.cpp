#include "results/report/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "lab/core/text.hpp"
#include "results/render/as_json.hpp"
#include "results/render/formatting.hpp"

namespace lab {

namespace {

constexpr double kSameSpeed = 0.03;  // calibrations drift by 2 %

/// What one engine measured of one arm and case; nobody measured the model, and a recording is always the
/// same.
bool is_measured(const ArmReport& arm) {
  return !arm.engine.is(kModel) && !arm.engine.is(kRecorded) && arm.repetitions > 0;
}

std::vector<std::string> names_of(const Report& report) {
  std::vector<std::string> names;
  for (const ArmReport& arm : report.arms) {
    if (is_measured(arm)) add_once(names, name_on_engine(arm));
  }
  return names;
}

Result<void> check_arm(const ReportedRun& reported, const char* option, const std::string& name) {
  const std::vector<std::string> names = names_of(reported.report);
  if (name.empty() || contains(names, name)) return {};
  return usage_error("{}: the run measured no arm '{}'{}", option, name, suggestion(name, names));
}

/// One stat of one arm and case, where it was measured.
struct Measured {
  const ArmReport* arm = nullptr;
  const MeasureRow* row = nullptr;
};

Measured find_measured(const Report& report, const std::string& name, const std::string& case_id,
                       const Stat& stat) {
  for (const ArmReport& arm : report.arms) {
    if (!is_measured(arm) || arm.case_id != case_id || name_on_engine(arm) != name) continue;
    for (const MeasureRow& row : arm.measures) {
      if (row.stat == stat && row.measured && !row.measured->samples.empty()) return {&arm, &row};
    }
    break;
  }
  return {};
}

std::vector<Stat> stats_of(const ReportedRun& reported, const CompareOptions& options) {
  std::vector<Stat> wanted = options.stats;
  if (wanted.empty()) {
    wanted.emplace_back();
    const std::vector<Stat>& shown = reported.report.headline;
    wanted.insert(wanted.end(), shown.begin(), shown.end());
    for (const Check& check : reported.scenario.checks) wanted.push_back(check.stat);
  }
  std::vector<Stat> stats;
  for (const Stat& stat : wanted) add_once(stats, stat);
  return stats;
}

ComparedRow compare_measured(const Measured& a, const Measured& b) {
  ComparedRow row;
  row.name = name_on_engine(*a.arm);
  if (name_on_engine(*b.arm) != row.name) row.name += " → " + name_on_engine(*b.arm);
  row.case_id = a.arm->case_id;
  row.stat = a.row->stat;
  row.a = *a.row->measured;
  row.b = *b.row->measured;
  row.shift = compare_samples(row.a.samples, row.b.samples);
  for (const auto& [arm, side] : {std::pair{a.arm, "A"}, std::pair{b.arm, "B"}}) {
    if (arm->verdict == Verdict::instrument_fault)
      row.reason = fmt::format("in {} it was measured below its bound: instrument fault", side);
  }
  return row;
}

/// Words for a shift that was seen. What is no time has no better end, but for throughput.
CompareVerdict direction(const ComparedRow& row) {
  const bool more = row.shift.estimate > 0;
  if (row.stat.is_time()) return more ? CompareVerdict::slower : CompareVerdict::faster;
  if (row.stat.quantity == Stat::Quantity::throughput)
    return more ? CompareVerdict::faster : CompareVerdict::slower;
  return more ? CompareVerdict::more : CompareVerdict::less;
}

void judge(std::vector<ComparedRow>& rows, double tolerance, const std::string& noise) {
  const std::vector<double> adjusted = holm(mapped(rows, [](const auto& row) { return row.shift.p; }));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ComparedRow& row = rows[i];
    row.p_adjusted = adjusted[i];
    const double possible =
        static_cast<double>(rows.size()) * min_attainable_p(row.a.samples.size(), row.b.samples.size());
    // What others measured besides cannot make a gap doubtful that is wider than either sample.
    const bool seen = row.p_adjusted <= kRisk || (row.shift.p <= kRisk && row.shift.apart);
    // Where the interval is no wider than what counts as no difference, there is none.
    const double counting = tolerance * std::abs(row.a.median);
    const bool equal = counting > 0 && row.shift.low && row.shift.high &&
                       std::max(-*row.shift.low, *row.shift.high) <= counting;
    const bool open = row.reason.empty() && !seen && !equal;
    if (open && possible > kRisk) {
      const std::size_t needed = needed_repetitions(rows.size());
      row.reason = fmt::format(
          "{} against {} repetitions are too few to show a difference{}; {} against {} are enough{}",
          row.a.samples.size(), row.b.samples.size(),
          rows.size() > 1 ? fmt::format(" among {} comparisons", rows.size()) : "", needed, needed,
          rows.size() > 1 ? ", or fewer comparisons (--stat, --arm)" : "");
    }
    if (open && row.reason.empty()) row.reason = noise;
    const bool counts = std::abs(row.shift.estimate) > counting;
    if (!row.reason.empty()) {
      row.verdict = CompareVerdict::inconclusive;
    } else {
      row.verdict = seen && counts ? direction(row) : CompareVerdict::none_seen;
    }
  }
}

/// Speeds of computing are measured anew in each run; only a real difference is one.
bool same_speed(const std::string& a, const std::string& b) {
  if (!a.ends_with(" units/s") || !b.ends_with(" units/s")) return false;
  const double first = std::strtod(a.c_str(), nullptr);
  const double second = std::strtod(b.c_str(), nullptr);
  return std::abs(first - second) <= kSameSpeed * std::max(first, second);
}

std::vector<DifferingRow> differing(const Run& a, const Run& b) {
  std::vector<std::string> keys;
  std::map<std::string, DifferingRow> values;
  const auto see = [&](const std::string& key, const std::string& value, std::string DifferingRow::*side) {
    add_once(keys, key);
    std::string& known = values[key].*side;
    if (known.empty()) known = value;
  };
  for (const auto& [run, side] : {std::pair{&a, &DifferingRow::a}, std::pair{&b, &DifferingRow::b}}) {
    for (const auto& [key, value] : run->header.environment) see(key, value, side);
  }
  std::vector<DifferingRow> rows;
  const auto add = [&](const std::string& key, const std::string& first, const std::string& second) {
    if (first != second) rows.push_back({key, first.empty() ? "–" : first, second.empty() ? "–" : second});
  };
  for (const std::string& key : keys) {
    if (!same_speed(values[key].a, values[key].b)) add(key, values[key].a, values[key].b);
  }
  add("seed", std::to_string(a.header.seed), std::to_string(b.header.seed));
  add("noise", a.summary.noise, b.summary.noise);
  return rows;
}

void warn_of_settings(const ReportedRun& a, const ReportedRun& b, std::vector<std::string>& warnings) {
  const auto described = [](const ReportedRun& one) {
    return one.settings.empty() ? "as it is written" : one.settings;
  };
  if (a.settings != b.settings)
    warnings.push_back(fmt::format("the settings differ: A {}; B {}", described(a), described(b)));
  if (a.run.header.scenario_source != b.run.header.scenario_source)
    warnings.emplace_back("the scenario's file has changed between the runs");
}

/// What a run itself would have warned of.
void warn_of_run(const ReportedRun& reported, const char* side, std::vector<std::string>& warnings) {
  for (const std::string& damage : reported.run.damage)
    warnings.push_back(fmt::format("{}: {}", side, damage));
  if (!reported.report.complete)
    warnings.push_back(fmt::format("{} is incomplete: {}", side, reported.report.incomplete_reason));
  for (const ArmReport& arm : reported.report.arms) {
    if (!is_measured(arm)) continue;
    const std::int64_t failed = arm.books.planned - arm.books.ok;
    if (failed > 0) {
      warnings.push_back(fmt::format("{}: {} of {} requests of {} failed", side, failed, arm.books.planned,
                                     name_on_engine(arm)));
    }
  }
}

/// Flagged, never dropped.
void warn_of_outliers(const std::vector<ComparedRow>& rows, std::vector<std::string>& warnings) {
  std::vector<std::string> far;
  for (const ComparedRow& row : rows) {
    for (const auto& [figure, side] : {std::pair{&row.a, "A"}, std::pair{&row.b, "B"}}) {
      const double room = std::max(row.stat.is_time() ? 0.001 : 0.0, 0.02 * std::abs(figure->median));
      for (const std::size_t index : outliers(figure->samples)) {
        const double value = figure->samples[index];
        if (std::abs(value - figure->median) <= room) continue;
        far.push_back(fmt::format("{} {} {} {} in repetition {}", side, row.name, to_string(row.stat),
                                  quantity(value, row.stat), index + 1));
      }
    }
  }
  if (!far.empty()) warnings.push_back("outliers, not removed: " + join(far, "; "));
}

ComparisonReport::Side side_of(const ReportedRun& reported) {
  return {reported.report.path, reported.run.header.started_utc, reported.run.summary.noise, {}};
}

/// Which arm of B stands beside which of A.
std::vector<std::pair<std::string, std::string>> pairs_of(const ReportedRun& a, const ReportedRun& b,
                                                          const CompareOptions& options,
                                                          ComparisonReport& report) {
  if (!options.arm_a.empty()) return {{options.arm_a, options.arm_b.empty() ? options.arm_a : options.arm_b}};
  report.only_b = names_of(b.report);
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& name : names_of(a.report)) {
    if (std::erase(report.only_b, name) > 0) {
      pairs.emplace_back(name, name);
    } else {
      report.only_a.push_back(name);
    }
  }
  return pairs;
}

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
      if (same_reason(*other)) add_once(names, other->name);
    }
    const bool all = std::ranges::all_of(rows, same_reason);
    page.entry("WARN", fmt::format("inconclusive: {}{}", all ? "" : join(names, ", ") + ": ", row->reason));
  }
}

}  // namespace

Result<ComparisonReport> compare_runs(const ReportedRun& a, const ReportedRun& b,
                                      const CompareOptions& options) {
  if (a.scenario.name != b.scenario.name) {
    return usage_error("A is a run of '{}', B one of '{}': only runs of the same scenario can be compared",
                       a.scenario.name, b.scenario.name);
  }
  const std::string& arm_b = options.arm_b.empty() ? options.arm_a : options.arm_b;
  LAB_CHECK(check_arm(a, "--arm", options.arm_a));
  LAB_CHECK(check_arm(b, options.arm_b.empty() ? "--arm" : "--with", arm_b));
  ComparisonReport report;
  report.scenario = a.scenario.name;
  report.tolerance = options.tolerance;
  report.a = side_of(a);
  report.b = side_of(b);
  if (!options.arm_b.empty()) {
    report.a.arm = options.arm_a;
    report.b.arm = options.arm_b;
  }
  const auto pairs = pairs_of(a, b, options, report);
  const std::vector<Stat> stats = stats_of(a, options);
  for (const Stat& stat : stats) {
    for (const Case& load_case : a.scenario.cases) {
      for (const auto& [name_a, name_b] : pairs) {
        const Measured first = find_measured(a.report, name_a, load_case.id, stat);
        const Measured second = find_measured(b.report, name_b, load_case.id, stat);
        if (first.row != nullptr && second.row != nullptr)
          report.rows.push_back(compare_measured(first, second));
      }
    }
  }
  if (report.rows.empty()) {
    const auto names = mapped(stats, [](const Stat& stat) { return to_string(stat); });
    return usage_error("no stat was measured in both runs: A has {}; B has {}; stat {}",
                       join(names_of(a.report), ", "), join(names_of(b.report), ", "), join(names, ", "));
  }
  std::string noise;
  for (const ReportedRun* side : {&b, &a}) {
    if (side->run.summary.noisy()) noise = "the machine was " + side->run.summary.noise;
  }
  for (const auto& [side, name] : {std::pair{&a, "A"}, std::pair{&b, "B"}}) {
    if (side->run.damage.empty()) continue;
    for (ComparedRow& row : report.rows) row.reason = fmt::format("the record of {} is damaged", name);
  }
  judge(report.rows, options.tolerance, noise);
  for (const ComparedRow& row : report.rows) {
    report.slower |= row.verdict == CompareVerdict::slower;
    report.inconclusive |= row.verdict == CompareVerdict::inconclusive;
  }
  warn_of_settings(a, b, report.warnings);
  warn_of_run(a, "A", report.warnings);
  if (a.report.path != b.report.path) warn_of_run(b, "B", report.warnings);
  warn_of_outliers(report.rows, report.warnings);
  report.differing = differing(a.run, b.run);
  return report;
}

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
  for (const ComparedRow& row : report.rows) add_once(stats, row.stat);
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
