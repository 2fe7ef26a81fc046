#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "lab/core/utf8.hpp"
#include "results/render/formatting.hpp"
#include "results/report/format.hpp"

namespace lab {

namespace {

constexpr double kMemoryTold = 100e6;  // bytes: below that nobody cares
constexpr double kLeastSeconds = 0.09995;
constexpr double kLostInSeconds = 0.009995;
constexpr double kLeastMilliseconds = 0.0009995;

/// One row's figures, whether of the makespan or of another stat.
struct Entry {
  const ArmReport* arm = nullptr;
  Stat stat;
  std::optional<Estimate> measured;
  std::optional<double> expected;       ///< bound of the makespan, prediction of other stats
  std::optional<double> expected_most;  ///< where the makespan's dealing is left to chance
  std::optional<double> documented;
  std::string documented_text;
  Verdict verdict = Verdict::none;
};

bool shorter_than(double limit, double value) {
  return std::abs(value) < limit;
}

/// Only the model ran it, beside others that were measured.
bool model_stands_in(const ArmReport& arm) {
  return arm.engine.is(kModel) && !arm.not_run.empty();
}

bool only_makespan(const Report& report) {
  return std::all_of(report.headline.begin(), report.headline.end(),
                     [](const Stat& stat) { return stat == Stat{}; });
}

Entry makespan_entry(const ArmReport& arm) {
  Entry entry{.arm = &arm,
              .stat = {},
              .measured = arm.makespan_s,
              .expected = arm.bound_s,
              .expected_most = arm.predicted_high_s,
              .documented = arm.documented_s,
              .documented_text = arm.documented_text,
              .verdict = arm.verdict};
  if (!entry.measured && arm.engine.is(kModel) && arm.predicted_s) {
    entry.measured = Estimate{*arm.predicted_s, {}, {}, {}};
  }
  return entry;
}

std::vector<Entry> entries_of(const Report& report) {
  std::vector<Entry> entries;
  for (const ArmReport& arm : report.arms) {
    if (only_makespan(report)) {
      entries.push_back(makespan_entry(arm));
      continue;
    }
    for (const Stat& stat : report.headline) {
      const auto row = std::find_if(arm.measures.begin(), arm.measures.end(),
                                    [&stat](const MeasureRow& each) { return each.stat == stat; });
      if (row == arm.measures.end()) continue;
      const bool reported = !entries.empty() && entries.back().arm == &arm;
      const bool stands_empty = !arm.not_run.empty() && !model_stands_in(arm);
      if (reported && stands_empty) continue;
      const bool loaded = row->measured || row->predicted;  // not every case loads every route
      if (!loaded && !stands_empty) continue;
      Entry entry{.arm = &arm,
                  .stat = stat,
                  .measured = row->measured,
                  .expected = row->predicted,
                  .expected_most = std::nullopt,
                  .documented = row->documented,
                  .documented_text = row->documented_text,
                  .verdict = row->verdict};
      constexpr double kSame = 1.005;  // spelled alike
      if (row->predicted_high && *row->predicted_high > kSame * *row->predicted_low) {
        entry.expected = row->predicted_low;
        entry.expected_most = row->predicted_high;
      }
      if (!entry.measured && arm.engine.is(kModel) && row->predicted)
        entry.measured = Estimate{*row->predicted, {}, {}, {}};
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

bool several_cases(const Report& report) {
  std::set<std::string> seen;
  for (const ArmReport& arm : report.arms) seen.insert(arm.case_id);
  return seen.size() > 1;
}

std::string engine_name(const EngineId& engine) {
  if (engine.runtime.empty()) return engine.kind;
  return (engine.is(kRecorded) ? "rec. " : "") + engine.runtime;
}

bool several_engines(const Report& report) {
  std::set<std::string> seen;
  for (const ArmReport& arm : report.arms) {
    if (!model_stands_in(arm)) seen.insert(arm.engine.kind);
  }
  return seen.size() > 1;
}

class TableMaker {
 public:
  TableMaker(const Report& report, bool ascii)
      : report_(report), ascii_(ascii), entries_(entries_of(report)) {
    choose_units();
    for (const Entry& entry : entries_) {
      intervals_ |= entry.measured && entry.measured->low;
      labels_ |= !entry.arm->label.empty();
      documented_ |= entry.documented.has_value();
      expected_ |= entry.expected.has_value();
      const Unit unit = unit_of(entry);
      log_width_ = std::max(log_width_, columns(format_span(log_text(entry, unit))));
    }
    if (all_modelled() && !only_makespan(report)) expected_ = false;  // it would be said twice
    cases_ = several_cases(report);
    engines_ = several_engines(report);
  }

  Table run_table() {
    Table table;
    table.columns = run_columns();
    const Entry* above = nullptr;
    for (const Entry& entry : entries_) {
      table.rows.push_back(run_row(entry, above));
      above = &entry;
    }
    return table;
  }

  Table prediction_table() {
    const bool stats = report_.headline.size() > 1 || !only_makespan(report_);
    Table table;
    table.plain_in_text = true;
    table.columns = {{ColumnRole::arm, "arm", false}};
    if (cases_) table.columns.push_back({ColumnRole::case_id, "case", false});
    if (stats) table.columns.push_back({ColumnRole::stat, "stat", false});
    table.columns.push_back({ColumnRole::measured, "predicted", false});
    table.columns.push_back({ColumnRole::expected, "formula", false});
    table.columns.push_back({ColumnRole::note, "note", false});
    for (const Entry& entry : entries_) {
      TableRow row{{format_span(entry.arm->arm)}, ""};
      if (cases_) row.cells.push_back(format_span(entry.arm->case_id));
      if (stats) row.cells.push_back(format_span(to_string(entry.stat)));
      std::string value = "–";
      if (entry.measured && entry.stat.is_time()) value = long_time(entry.measured->median);
      const ArmReport& arm = *entry.arm;
      // Who goes first is left to chance: from when to when.
      if (entry.stat == Stat{} && arm.predicted_low_s && arm.predicted_high_s &&
          long_time(*arm.predicted_low_s) != long_time(*arm.predicted_high_s)) {
        value = long_time(*arm.predicted_low_s) + " – " + long_time(*arm.predicted_high_s);
      }
      if (entry.measured && !entry.stat.is_time()) value = quantity(entry.measured->median, unit_of(entry));
      row.cells.push_back(format_span(value));
      const bool makespan = entry.stat == Stat{};
      row.cells.push_back(makespan ? format_formula(entry.arm->formula) : "");
      row.cells.push_back(makespan ? format_span(prediction_note(*entry.arm)) : "");
      table.rows.push_back(std::move(row));
    }
    return table;
  }

 private:
  std::string format_span(const std::string& text) const { return printable(text, ascii_); }

  std::string format_formula(std::string formula) const {
    // In a formula the dot multiplies, and a full stop would read as a decimal point.
    for (std::size_t at = formula.find("·"); ascii_ && at != std::string::npos; at = formula.find("·", at)) {
      formula.replace(at, std::string_view("·").size(), "*");
    }
    return format_span(formula);
  }

  bool one_stat() const { return report_.headline.size() <= 1; }

  static double size_of(const Entry& entry) {
    return entry.measured ? entry.measured->median : entry.expected.value_or(0);
  }

  /// Figures of one stat are compared, so they share a unit: milliseconds where all are short, otherwise
  /// seconds. Only what seconds would round away keeps its own. Where units differ, every cell names its own.
  void choose_units() {
    for (const Entry& entry : entries_) {
      if (!entry.stat.is_time() || entry.stat.quantity == Stat::Quantity::switch_time) continue;
      const double longest = std::max(std::abs(size_of(entry)), std::abs(entry.expected.value_or(0)));
      double& most = longest_[to_string(entry.stat)];
      most = std::max(most, longest);
    }
    std::set<std::string> names;
    for (const Entry& entry : entries_) {
      if (entry.stat.is_time() && (entry.measured || entry.expected)) names.insert(unit_of(entry).name);
    }
    mixed_ = names.size() > 1;
  }

  Unit unit_of(const Entry& entry) const {
    const double value = size_of(entry);
    if (!entry.stat.is_time()) return lab::unit_of(entry.stat, value);
    // Coroutines and processes differ by thousands.
    if (entry.stat.quantity == Stat::Quantity::switch_time) return {1e9, 0, "ns"};
    const double longest = longest_.at(to_string(entry.stat));
    const bool all_short = longest > 0 && shorter_than(kLeastSeconds, longest);
    const bool lost = value != 0 && shorter_than(kLostInSeconds, value);
    if (!all_short && !lost) return shorter_than(kLeastSeconds, value) ? Unit{1, 3, "s"} : time_unit(value);
    if (shorter_than(kLeastMilliseconds, value)) return {1e3, 3, "ms"};
    return time_unit(value);
  }

  /// A figure beside the measured one.
  std::string beside(double value, const Unit& unit) const {
    return mixed_ ? quantity(value, unit) : number(value, unit);
  }

  std::string log_text(const Entry& entry, const Unit& unit) const {
    if (!entry.documented) return "";
    if (entry.documented_text.empty()) return beside(*entry.documented, unit);
    return mixed_ ? entry.documented_text : without_unit(entry.documented_text, unit);
  }

  /// `min–max (6)`: ranks 1 to n; from nine repetitions on the interval is of inner ranks.
  std::string interval_heading() const {
    std::set<int> counts;
    bool whole_range = true;
    for (const Entry& entry : entries_) {
      if (!entry.measured || !entry.measured->low || !entry.measured->high) continue;
      counts.insert(entry.arm->repetitions);
      const std::vector<double>& all = entry.measured->samples;
      whole_range &= all.empty() || (*entry.measured->low <= *std::min_element(all.begin(), all.end()) &&
                                     *entry.measured->high >= *std::max_element(all.begin(), all.end()));
    }
    if (counts.empty()) return "";
    const std::string n = counts.size() == 1 ? fmt::format("{}", *counts.begin())
                                             : fmt::format("{}–{}", *counts.begin(), *counts.rbegin());
    return fmt::format("{} ({})", whole_range ? "min–max" : "95 %", n);
  }

  bool all_modelled() const {
    return !entries_.empty() && std::all_of(entries_.begin(), entries_.end(),
                                            [](const Entry& entry) { return entry.arm->engine.is(kModel); });
  }

  /// Few repetitions carry no interval; their number then stands at the value.
  std::string measured_heading() const {
    std::string name = one_stat() && !only_makespan(report_) ? to_string(report_.headline.front())
                       : all_modelled()                      ? "predicted"
                                                             : "measured";
    std::set<int> counts;
    for (const Entry& entry : entries_) {
      if (entry.arm->repetitions > 0 && !model_stands_in(*entry.arm)) counts.insert(entry.arm->repetitions);
    }
    if (intervals_ || counts.empty()) return name;
    if (counts.size() == 1) return fmt::format("{}, n = {}", name, *counts.begin());
    return fmt::format("{}, n = {}–{}", name, *counts.begin(), *counts.rbegin());
  }

  std::vector<Column> run_columns() const {
    std::vector<Column> result{{ColumnRole::arm, "arm", false}};
    const auto add = [&](ColumnRole role, const std::string& heading, bool right) {
      result.push_back({role, format_span(heading), right});
    };
    if (cases_) add(ColumnRole::case_id, "case", false);
    if (engines_) add(ColumnRole::engine, "engine", false);
    if (!one_stat()) add(ColumnRole::stat, "stat", false);
    if (labels_ && one_stat()) add(ColumnRole::label, "in FastAPI", false);
    add(ColumnRole::measured, measured_heading(), true);
    if (intervals_) add(ColumnRole::interval, interval_heading(), false);
    if (expected_) add(ColumnRole::expected, only_makespan(report_) ? "bound" : "predicted", true);
    if (documented_) add(ColumnRole::log, "log", false);
    return result;
  }

  TableRow run_row(const Entry& entry, const Entry* above) const {
    const ArmReport& arm = *entry.arm;
    // Several stats of one arm read as one group.
    const bool repeated = above != nullptr && above->arm == entry.arm;
    TableRow row{{repeated ? "" : format_span(engines_ ? arm.written : arm.arm)}, ""};
    if (cases_) row.cells.push_back(repeated ? "" : format_span(arm.case_id));
    if (engines_) row.cells.push_back(repeated ? "" : format_span(engine_name(arm.engine)));
    if (!one_stat()) row.cells.push_back(format_span(to_string(entry.stat)));
    if (labels_ && one_stat()) row.cells.push_back(format_span(arm.label));
    if (!arm.not_run.empty() && !model_stands_in(arm)) {
      row.rest = format_span(columns(arm.not_run) <= kLongestReason ? "not run: " + arm.not_run
                                                                    : "not run, see NOTE");
      return row;
    }
    const Unit unit = unit_of(entry);
    const std::string mark = model_stands_in(arm) ? "predicted " : "";
    row.cells.push_back(format_span(entry.measured ? mark + quantity(entry.measured->median, unit) : "–"));
    if (intervals_) row.cells.push_back(format_span(interval(entry, unit)));
    if (expected_) row.cells.push_back(format_span(expected_cell(entry, unit)));
    if (documented_) row.cells.push_back(log_cell(entry, unit));
    return row;
  }

  std::string expected_cell(const Entry& entry, const Unit& unit) const {
    if (!entry.expected) return "–";
    const bool repeats = model_stands_in(*entry.arm) && entry.measured &&
                         number(entry.measured->median, unit) == number(*entry.expected, unit);
    if (repeats) return "";
    const bool range =
        entry.expected_most && number(*entry.expected, unit) != number(*entry.expected_most, unit);
    if (!range) return beside(*entry.expected, unit);
    return fmt::format("{}–{}", number(*entry.expected, unit), beside(*entry.expected_most, unit));
  }

  std::string interval(const Entry& entry, const Unit& unit) const {
    if (!entry.measured || !entry.measured->low || !entry.measured->high) return "–";
    return fmt::format("{}–{}", number(*entry.measured->low, unit), beside(*entry.measured->high, unit));
  }

  std::string log_cell(const Entry& entry, const Unit& unit) const {
    if (!entry.documented) return format_span("–");
    // The model's figure verifies nothing: only a measurement does.
    const std::string verdict = entry.arm->engine.is(kModel) ? "" : verdict_word(entry.verdict);
    return pad(format_span(log_text(entry, unit)), verdict.empty() ? 0 : log_width_) +
           (verdict.empty() ? "" : " " + verdict);
  }

  static std::string prediction_note(const ArmReport& arm) {
    std::string note;
    const auto add = [&note](const std::string& part) { note += (note.empty() ? "" : ", ") + part; };
    if (arm.formula.find('P') != std::string::npos && arm.threads) add(fmt::format("P = {}", *arm.threads));
    if (arm.formula.find('T') != std::string::npos && arm.threads) add(fmt::format("T = {}", *arm.threads));
    if (arm.formula.find('W') != std::string::npos) add("if dealt evenly");
    if (arm.memory_bytes > kMemoryTold) add(memory(arm.memory_bytes) + " of connections");
    return note;
  }

  const Report& report_;
  bool ascii_;
  std::vector<Entry> entries_;
  bool intervals_ = false, labels_ = false, documented_ = false, expected_ = false;
  bool cases_ = false, engines_ = false;
  bool mixed_ = false;                     ///< times in more than one unit
  std::map<std::string, double> longest_;  ///< seconds, per stat
  std::size_t log_width_ = 0;
};

}  // namespace

Table make_table(const Report& report, bool ascii) {
  TableMaker maker(report, ascii);
  return report.predicted_only ? maker.prediction_table() : maker.run_table();
}

}  // namespace lab
