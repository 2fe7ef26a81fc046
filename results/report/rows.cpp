#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "lab/core/text.hpp"
#include "results/render/formatting.hpp"
#include "results/report/format.hpp"

namespace lab {

namespace {

constexpr double kLeastMemoryShown = 100e6;  // bytes: below that nobody cares
constexpr double kLeastSeconds = 0.09995;
constexpr double kLostInSeconds = 0.009995;
constexpr double kLeastMilliseconds = 0.0009995;

/// One line's figures.
struct Entry {
  const ArmReport* arm = nullptr;
  MeasureRow row;
  std::optional<double> expected;       ///< bound of the makespan, prediction of other stats
  std::optional<double> expected_most;  ///< where the makespan's dealing is left to chance
};

bool shorter_than(double limit, double value) {
  return std::abs(value) < limit;
}

/// Only the model ran it, beside others that were measured.
bool model_stands_in(const ArmReport& arm) {
  return arm.engine.is(kModel) && !arm.not_run.empty();
}

bool only_makespan(const Report& report) {
  return std::ranges::all_of(report.headline, [](const Stat& stat) { return stat == Stat{}; });
}

Entry makespan_entry(const ArmReport& arm) {
  Entry entry{&arm, {}, arm.bound_s, arm.predicted_high_s};
  entry.row.predicted = arm.predicted_s;
  entry.row.measured = arm.makespan_s;
  entry.row.documented = arm.documented_s;
  entry.row.documented_text = arm.documented_text;
  entry.row.verdict = arm.verdict;
  return entry;
}

Entry entry_of(const ArmReport& arm, const MeasureRow& row) {
  constexpr double kSame = 1.005;  // spelled alike
  if (row.predicted_high && *row.predicted_high > kSame * *row.predicted_low)
    return {&arm, row, row.predicted_low, row.predicted_high};
  return {&arm, row, row.predicted, std::nullopt};
}

std::vector<Entry> entries_of(const Report& report) {
  std::vector<Entry> entries;
  for (const ArmReport& arm : report.arms) {
    if (only_makespan(report)) {
      entries.push_back(makespan_entry(arm));
      continue;
    }
    const bool stands_empty = !arm.not_run.empty() && !model_stands_in(arm);
    for (const Stat& stat : report.headline) {
      const auto row = std::ranges::find(arm.measures, stat, &MeasureRow::stat);
      if (row == arm.measures.end()) continue;
      const bool loaded = row->measured || row->predicted;  // not every case loads every route
      const bool reported = !entries.empty() && entries.back().arm == &arm;
      if (stands_empty ? !reported : loaded) entries.push_back(entry_of(arm, *row));
    }
  }
  for (Entry& entry : entries) {
    if (!entry.row.measured && entry.arm->engine.is(kModel) && entry.row.predicted)
      entry.row.measured = Estimate{*entry.row.predicted, {}, {}, {}};
  }
  return entries;
}

std::string engine_cell(const EngineId& engine) {
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
  }

  Table make() {
    table_.plain_in_text = report_.predicted_only;
    add_columns();
    const ArmReport* above = nullptr;
    for (const Entry& entry : entries_) {
      const ArmReport& arm = *entry.arm;
      TableRow& row = table_.rows.emplace_back();
      const bool left_out = is_left_out(arm);
      for (std::size_t i = 0; i < cells_.size(); ++i) {
        const ColumnRole role = table_.columns[i].role;
        if (left_out && role >= ColumnRole::measured) break;
        // Several stats of one arm read as one group.
        const bool repeated = above == &arm && role <= ColumnRole::engine && !report_.predicted_only;
        row.cells.push_back(repeated ? "" : printable(cells_[i](entry), ascii_));
      }
      if (left_out) row.rest = reason(arm);
      if (!left_out) row.verdict = verdict_of(entry);
      above = &arm;
    }
    if (report_.predicted_only) {
      std::string formulas;
      for (const Entry& entry : entries_) formulas += entry.row.stat == Stat{} ? entry.arm->formula : "";
      table_.legend = formula_legend(formulas);
    }
    return std::move(table_);
  }

  Table make_short() {
    const bool by_stat = report_.headline.size() > 1;
    if (!by_stat && !several_cases(report_.arms)) return make();
    const std::string none = printable("–", ascii_);
    add_names(by_stat && several_cases(report_.arms));
    std::map<std::vector<std::string>, std::size_t> rows;  // by what names them
    std::map<std::string, std::size_t> places;             // of columns, by heading
    for (const Entry& entry : entries_) {
      const auto key = mapped(cells_, [&](const auto& cell) { return printable(cell(entry), ascii_); });
      const auto [known, fresh] = rows.try_emplace(key, table_.rows.size());
      if (fresh) table_.rows.push_back({key});
      TableRow& row = table_.rows[known->second];
      if (is_left_out(*entry.arm)) {
        row.rest = reason(*entry.arm);
        continue;
      }
      const std::string heading = by_stat ? to_string(entry.row.stat) : entry.arm->case_id;
      const auto [place, first] = places.try_emplace(heading, table_.columns.size());
      if (first) table_.columns.push_back({ColumnRole::measured, printable(heading, ascii_), true});
      row.cells.resize(std::max(row.cells.size(), place->second + 1), none);
      row.cells[place->second] =
          printable(report_.predicted_only ? predicted_cell(entry) : measured_cell(entry), ascii_);
    }
    for (TableRow& row : table_.rows) {
      if (row.rest.empty()) row.cells.resize(table_.columns.size(), none);
    }
    table_.legend = (all_modelled() ? "predicted"
                     : by_stat      ? "medians"
                                    : "median") +
                    (by_stat ? "" : " " + to_string(report_.headline.front())) + repetitions();
    return std::move(table_);
  }

 private:
  static bool is_left_out(const ArmReport& arm) { return !arm.not_run.empty() && !model_stands_in(arm); }

  std::string reason(const ArmReport& arm) const {
    const bool fits = columns(arm.not_run) <= kLongestReason;
    return printable(fits ? "not run: " + arm.not_run : "not run, see NOTE", ascii_);
  }

  template <class Cell>
  void add(bool wanted, ColumnRole role, const std::string& heading, Cell cell) {
    if (!wanted) return;
    const bool right = role == ColumnRole::measured || role == ColumnRole::expected;
    table_.columns.push_back({role, printable(heading, ascii_), right && !report_.predicted_only});
    cells_.emplace_back(std::move(cell));
  }

  template <class Wanted>
  bool any(Wanted wanted) const {
    return std::ranges::any_of(entries_, wanted);
  }

  void add_names(bool cases) {
    const bool engines = several_engines(report_) && !report_.predicted_only;
    add(true, ColumnRole::arm, "arm",
        [=](const Entry& each) { return engines ? each.arm->written : each.arm->arm; });
    add(cases, ColumnRole::case_id, "case", [](const Entry& each) { return each.arm->case_id; });
    add(engines, ColumnRole::engine, "engine",
        [](const Entry& each) { return engine_cell(each.arm->engine); });
  }

  void add_columns() {
    const bool predicted = report_.predicted_only;
    const bool makespan = only_makespan(report_);
    const bool stats = report_.headline.size() > 1 || (predicted && !makespan);
    const bool labels = any([](const Entry& each) { return !each.arm->label.empty(); });
    add_names(several_cases(report_.arms));
    add(stats, ColumnRole::stat, "stat", [](const Entry& each) { return to_string(each.row.stat); });
    add(labels && !stats && !predicted, ColumnRole::label, "in FastAPI",
        [](const Entry& each) { return each.arm->label; });
    if (predicted) {
      add(true, ColumnRole::measured, "predicted",
          [this](const Entry& each) { return predicted_cell(each); });
      add(true, ColumnRole::expected, "formula", [this](const Entry& each) { return formula_cell(each); });
      add(true, ColumnRole::note, "note", prediction_note);
      return;
    }
    const bool intervals = any([](const Entry& each) { return each.row.measured && each.row.measured->low; });
    const bool documented = any([](const Entry& each) { return each.row.documented.has_value(); });
    // Of what the model gave it would be said twice.
    const bool expected =
        any([](const Entry& each) { return each.expected.has_value(); }) && (makespan || !all_modelled());
    add(true, ColumnRole::measured, measured_heading(intervals),
        [this](const Entry& each) { return measured_cell(each); });
    add(intervals, ColumnRole::interval, interval_heading(),
        [this](const Entry& each) { return interval(each); });
    add(expected, ColumnRole::expected, makespan ? "bound" : "predicted",
        [this](const Entry& each) { return expected_cell(each); });
    for (const Entry& entry : entries_)
      log_width_ = std::max(log_width_, columns(printable(log_text(entry), ascii_)));
    add(documented, ColumnRole::log, "claimed", [this](const Entry& each) { return log_cell(each); });
  }

  std::string measured_cell(const Entry& entry) const {
    if (!entry.row.measured) return "–";
    const std::string mark = model_stands_in(*entry.arm) ? "predicted " : "";
    return mark + quantity(entry.row.measured->median, unit_of(entry));
  }

  std::string predicted_cell(const Entry& entry) const {
    const ArmReport& arm = *entry.arm;
    // Who goes first is left to chance: from when to when.
    if (entry.row.stat == Stat{} && arm.predicted_low_s && arm.predicted_high_s) {
      const std::string low = long_time(*arm.predicted_low_s);
      const std::string high = long_time(*arm.predicted_high_s);
      if (low != high) return low + " – " + high;
    }
    if (!entry.row.measured) return "–";
    const double value = entry.row.measured->median;
    return entry.row.stat.is_time() ? long_time(value) : quantity(value, unit_of(entry));
  }

  std::string formula_cell(const Entry& entry) const {
    return entry.row.stat == Stat{} ? formula_text(entry.arm->formula, ascii_) : "";
  }

  static double size_of(const Entry& entry) {
    return entry.row.measured ? entry.row.measured->median : entry.expected.value_or(0);
  }

  /// Figures of one stat are compared, so they share a unit: milliseconds where all are short, otherwise
  /// seconds. Only what seconds would round away keeps its own. Where units differ, every cell names its own.
  void choose_units() {
    for (const Entry& entry : entries_) {
      if (!entry.row.stat.is_time() || entry.row.stat.quantity == Stat::Quantity::switch_time) continue;
      const double longest = std::max(std::abs(size_of(entry)), std::abs(entry.expected.value_or(0)));
      double& most = longest_[to_string(entry.row.stat)];
      most = std::max(most, longest);
    }
    std::set<std::string> names;
    for (const Entry& entry : entries_) {
      if (entry.row.stat.is_time() && (entry.row.measured || entry.expected))
        names.insert(unit_of(entry).name);
    }
    mixed_ = names.size() > 1;
  }

  Unit unit_of(const Entry& entry) const {
    const double value = size_of(entry);
    if (!entry.row.stat.is_time()) return lab::unit_of(entry.row.stat, value);
    // Coroutines and processes differ by thousands.
    if (entry.row.stat.quantity == Stat::Quantity::switch_time) return {1e9, 0, "ns"};
    const double longest = longest_.at(to_string(entry.row.stat));
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

  std::string log_text(const Entry& entry) const {
    if (!entry.row.documented) return "";
    const std::string& text = entry.row.documented_text;
    if (text.empty()) return beside(*entry.row.documented, unit_of(entry));
    return mixed_ ? text : without_unit(text, unit_of(entry));
  }

  /// `min–max (6)`: ranks 1 to n; from nine repetitions on the interval is of inner ranks.
  std::string interval_heading() const {
    std::set<int> counts;
    bool whole_range = true;
    for (const Entry& entry : entries_) {
      if (!entry.row.measured || !entry.row.measured->low || !entry.row.measured->high) continue;
      counts.insert(entry.arm->repetitions);
      const std::vector<double>& all = entry.row.measured->samples;
      whole_range &= all.empty() || (*entry.row.measured->low <= *std::ranges::min_element(all) &&
                                     *entry.row.measured->high >= *std::ranges::max_element(all));
    }
    return counts.empty() ? "" : fmt::format("{} ({})", whole_range ? "min–max" : "95 %", range_of(counts));
  }

  /// `6`, or `5–6`
  static std::string range_of(const std::set<int>& counts) {
    if (counts.size() == 1) return fmt::format("{}", *counts.begin());
    return fmt::format("{}–{}", *counts.begin(), *counts.rbegin());
  }

  bool all_modelled() const {
    return !entries_.empty() && !any([](const Entry& each) { return !each.arm->engine.is(kModel); });
  }

  /// Few repetitions carry no interval; their number then stands at the value.
  std::string measured_heading(bool intervals) const {
    const bool named = report_.headline.size() == 1 && !only_makespan(report_);
    const std::string name = named            ? to_string(report_.headline.front())
                             : all_modelled() ? "predicted"
                                              : "measured";
    return intervals ? name : name + repetitions();
  }

  /// `, n = 6`, where somebody ran it.
  std::string repetitions() const {
    std::set<int> counts;
    for (const Entry& entry : entries_) {
      if (entry.arm->repetitions > 0 && !model_stands_in(*entry.arm)) counts.insert(entry.arm->repetitions);
    }
    return counts.empty() ? "" : ", n = " + range_of(counts);
  }

  std::string expected_cell(const Entry& entry) const {
    if (!entry.expected) return "–";
    const Unit unit = unit_of(entry);
    const std::string least = number(*entry.expected, unit);
    const bool repeats = model_stands_in(*entry.arm) && entry.row.measured &&
                         number(entry.row.measured->median, unit) == least;
    if (repeats) return "";
    const bool range = entry.expected_most && least != number(*entry.expected_most, unit);
    return range ? least + "–" + beside(*entry.expected_most, unit) : beside(*entry.expected, unit);
  }

  std::string interval(const Entry& entry) const {
    const auto& measured = entry.row.measured;
    if (!measured || !measured->low || !measured->high) return "–";
    const Unit unit = unit_of(entry);
    return number(*measured->low, unit) + "–" + beside(*measured->high, unit);
  }

  /// The model's figure verifies nothing: only a measurement does.
  static Verdict verdict_of(const Entry& entry) {
    return entry.arm->engine.is(kModel) || !entry.row.documented ? Verdict::none : entry.row.verdict;
  }

  std::string log_cell(const Entry& entry) const {
    if (!entry.row.documented) return "–";
    const std::string verdict = verdict_word(verdict_of(entry));
    const std::string text = printable(log_text(entry), ascii_);
    return verdict.empty() ? text : pad(text, log_width_) + " " + verdict;
  }

  static std::string prediction_note(const Entry& entry) {
    const ArmReport& arm = *entry.arm;
    std::string note;
    if (entry.row.stat != Stat{}) return note;
    const auto add = [&note](const std::string& part) { note += (note.empty() ? "" : ", ") + part; };
    if (arm.formula.find('P') != std::string::npos && arm.threads) add(fmt::format("P = {}", *arm.threads));
    if (arm.formula.find('T') != std::string::npos && arm.threads) add(fmt::format("T = {}", *arm.threads));
    if (arm.formula.find('W') != std::string::npos) add("if dealt evenly");
    if (arm.memory_bytes > kLeastMemoryShown) add(memory(arm.memory_bytes) + " of connections");
    return note;
  }

  const Report& report_;
  bool ascii_;
  std::vector<Entry> entries_;
  bool mixed_ = false;                     ///< times in more than one unit
  std::map<std::string, double> longest_;  ///< seconds, per stat
  std::size_t log_width_ = 0;
  Table table_;
  std::vector<std::function<std::string(const Entry&)>> cells_;  ///< one per column
};

using Counts = std::vector<std::int64_t>;

/// More of them have no columns of their own.
constexpr std::size_t kMaxWorkerColumns = 8;

bool has_workers(const ArmReport& arm) {
  return arm.workers > 1 && !arm.splits.empty() && !arm.splits.front().empty();
}

std::string least_to_most(const Counts& counts) {
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  return std::to_string(*least) + (*least < *most ? "–" + std::to_string(*most) : "");
}

TableRow row_of(const ArmReport& arm, std::size_t columns, bool cases) {
  TableRow row{{name_on_engine(arm)}};
  if (cases) row.cells.push_back(arm.case_id);
  const Counts& first = arm.splits.front();
  if (first.size() > kMaxWorkerColumns) {
    row.rest = fmt::format("{} workers, {} each", arm.workers, least_to_most(first));
    return row;
  }
  for (std::size_t worker = 0; worker < columns; ++worker)
    row.cells.push_back(worker < first.size() ? std::to_string(first[worker]) : "");
  Counts busiest;
  for (const Counts& split : arm.splits) busiest.push_back(*std::ranges::max_element(split));
  row.cells.push_back(least_to_most(busiest));
  return row;
}

}  // namespace

Table make_table(const Report& report, bool ascii) {
  return TableMaker(report, ascii).make();
}

Table make_short_table(const Report& report, bool ascii) {
  return TableMaker(report, ascii).make_short();
}

Table make_worker_table(const Report& report) {
  Table table;
  std::size_t columns = 0, repetitions = 1;
  for (const ArmReport& arm : report.arms) {
    if (!has_workers(arm)) continue;
    if (arm.splits.front().size() <= kMaxWorkerColumns)
      columns = std::max(columns, arm.splits.front().size());
    repetitions = std::max(repetitions, arm.splits.size());
  }
  const bool cases = several_cases(report.arms);
  table.columns.push_back(
      {ColumnRole::arm, repetitions > 1 ? "requests by worker, first run" : "requests by worker"});
  if (cases) table.columns.push_back({ColumnRole::case_id, "case"});
  for (std::size_t worker = 1; worker <= columns; ++worker)
    table.columns.push_back({ColumnRole::expected, std::to_string(worker), true});
  table.columns.push_back(
      {ColumnRole::note, repetitions > 1 ? fmt::format("busiest ({})", repetitions) : "busiest", true});
  for (const ArmReport& arm : report.arms) {
    if (has_workers(arm)) table.rows.push_back(row_of(arm, columns, cases));
  }
  return table;
}

}  // namespace lab
