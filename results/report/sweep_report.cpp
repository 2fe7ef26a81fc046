#include "results/report/sweep_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/as_json.hpp"
#include "results/render/formatting.hpp"
#include "results/render/markup.hpp"

namespace lab {

BOOST_DESCRIBE_STRUCT(SweepCell, (), (arm, case_id, measured, predicted, note))

namespace {

using Lines = std::vector<std::string>;
constexpr std::size_t kColumnGap = 2;

/// Columns beside each other, each as wide as its longest cell, below the block's name; all lines of one
/// width.
Lines block_of(const std::string& name, const std::vector<Lines>& cells, bool right) {
  Lines lines(1 + cells.front().size());
  for (const Lines& column : cells) {
    std::size_t width = 0;
    for (const std::string& cell : column) width = std::max(width, columns(cell));
    for (std::size_t row = 0; row < column.size(); ++row) {
      lines[row + 1] += std::string(&column == cells.data() ? 0 : kColumnGap, ' ');
      lines[row + 1] += pad(column[row], width, right);
    }
  }
  const std::size_t width = std::max(columns(lines.back()), columns(name));
  for (std::string& line : lines) line = pad(line, width, right);
  lines.front() = pad(name, width, right && cells.size() == 1);
  return lines;
}

Lines keys_block(const SweepReport& report) {
  std::vector<Lines> cells;
  for (std::size_t i = 0; i < report.keys.size(); ++i) {
    Lines& column = cells.emplace_back(Lines{report.keys[i]});
    for (const SweepPoint& point : report.points) column.push_back(point.values[i]);
  }
  return block_of("", cells, false);
}

/// `0.500–0.510`
Lines arm_block(const SweepReport& report, const SweepSeries& series) {
  Lines measured{"measured"}, range{"95 %"}, model{"model"};
  bool any_range = false;
  for (const SweepPoint& point : report.points) {
    const SweepCell* cell = find_cell(point, series);
    const bool there = cell != nullptr && cell->measured;
    const Unit unit = there ? unit_of(report.stat, cell->measured->median) : Unit{};
    measured.push_back(there ? quantity(cell->measured->median, unit) : "–");
    range.push_back(there ? interval(*cell->measured, unit) : "");
    any_range |= !range.back().empty();
    const bool predicted = cell != nullptr && cell->predicted;
    const bool long_times = predicted && report.stat.is_time() && *cell->predicted >= 100;
    model.push_back(!predicted   ? "–"
                    : long_times ? long_time(*cell->predicted)
                                 : quantity(*cell->predicted, unit_of(report.stat, *cell->predicted)));
  }
  std::vector<Lines> cells;
  if (!report.predicted_only) cells.push_back(std::move(measured));
  if (any_range) cells.push_back(std::move(range));
  cells.push_back(std::move(model));
  return block_of(series.name, cells, true);
}

/// Arms stand beside each other as far as the width allows, then below.
void add_table(const SweepReport& report, Page& page) {
  std::vector<Lines> blocks;
  for (const SweepSeries& series : series_of(report)) blocks.push_back(arm_block(report, series));
  const Lines keys = keys_block(report);
  for (std::size_t at = 0; at < blocks.size();) {
    page.blank();
    Lines lines = keys;
    do {
      for (std::size_t row = 0; row < lines.size(); ++row)
        lines[row] += std::string(kColumnGap, ' ') + blocks[at][row];
      ++at;
    } while (at < blocks.size() &&
             columns(lines.front()) + kColumnGap + columns(blocks[at].front()) <= page.width());
    for (const std::string& line : lines) page.line(line);
  }
}

/// Each note once, with the arms and the number of points that share it.
void add_notes(const SweepReport& report, Page& page) {
  const auto all = static_cast<std::ptrdiff_t>(report.points.size());
  for (const SweepSeries& series : series_of(report)) {
    Lines notes;
    for (const SweepPoint& point : report.points) {
      const SweepCell* cell = find_cell(point, series);
      if (cell != nullptr && cell->note) notes.push_back(*cell->note);
    }
    for (auto note = notes.begin(); note != notes.end(); ++note) {
      if (std::find(notes.begin(), note, *note) != note) continue;
      const auto points = std::count(note, notes.end(), *note);
      const std::string share = points == all ? "" : fmt::format(", {} of {} points", points, all);
      page.entry("NOTE", fmt::format("{}{}: {}", series.name, share, *note));
    }
  }
}

/// `0.505 s (0.500–0.510); 0.500 s`
std::string markdown_cell(const SweepReport& report, const SweepCell* cell) {
  Lines parts;
  if (cell != nullptr && cell->measured) {
    const Unit unit = unit_of(report.stat, cell->measured->median);
    const std::string range = interval(*cell->measured, unit);
    parts.push_back(quantity(cell->measured->median, unit) + (range.empty() ? "" : " (" + range + ")"));
  }
  if (cell != nullptr && cell->predicted)
    parts.push_back(quantity(*cell->predicted, unit_of(report.stat, *cell->predicted)));
  return parts.empty() ? "–" : join(parts, "; ");
}

}  // namespace

std::vector<SweepSeries> series_of(const SweepReport& report) {
  std::vector<SweepSeries> series;
  bool many_cases = false;
  for (const SweepPoint& point : report.points) {
    for (const SweepCell& cell : point.cells) {
      many_cases |= !series.empty() && cell.case_id != series.front().case_id;
      const bool known = std::ranges::any_of(
          series, [&](const SweepSeries& one) { return one.arm == cell.arm && one.case_id == cell.case_id; });
      if (!known) series.push_back({cell.arm, cell.arm, cell.case_id});
    }
  }
  for (SweepSeries& one : series) {
    if (many_cases) one.name = fmt::format("{} ({})", one.arm, one.case_id);
  }
  return series;
}

const SweepCell* find_cell(const SweepPoint& point, const SweepSeries& series) {
  const auto found = std::ranges::find_if(point.cells, [&](const SweepCell& cell) {
    return cell.arm == series.arm && cell.case_id == series.case_id;
  });
  return found == point.cells.end() ? nullptr : &*found;
}

std::string sweep_text(const SweepReport& report, const TextStyle& style) {
  Page page({style.width, style.ascii, false}, 40);
  page.paragraph(fmt::format("{}: {} over {}{}", report.scenario, to_string(report.stat),
                             join(report.keys, ", "),
                             report.predicted_only ? "; virtual time, nothing was run" : ""));
  if (!report.complete) {
    page.entry("WARN", fmt::format("incomplete: {} of {} points; {}", report.points.size(), report.planned,
                                   report.incomplete_reason));
  }
  if (report.points.empty()) return page.take();
  add_table(report, page);
  page.blank();
  add_plot(report, page);
  page.blank();
  add_notes(report, page);
  for (const std::string& warning : report.warnings) page.entry("WARN", warning);
  return page.take();
}

std::string sweep_json(const SweepReport& report) {
  namespace json = boost::json;
  json::array points;
  for (const SweepPoint& point : report.points) {
    json::object settings;
    for (std::size_t i = 0; i < report.keys.size(); ++i)
      settings[json_text(report.keys[i])] = as_json(point.values[i]);
    points.push_back({{"settings", std::move(settings)},
                      {"path", json_text_or_null(point.path)},
                      {"arms", as_json(point.cells)}});
  }
  return json_line({{"schema", "lab.sweep/1"},
                    {"scenario", as_json(report.scenario)},
                    {"question", as_json(report.question)},
                    {"complete", report.complete},
                    {"complete_reason", json_text_or_null(report.incomplete_reason)},
                    {"predicted_only", report.predicted_only},
                    {"path", json_text_or_null(report.path)},
                    {"stat", as_json(report.stat)},
                    {"unit", json_unit(report.stat)},
                    {"vary", as_json(report.keys)},
                    {"planned_points", report.planned},
                    {"points", std::move(points)},
                    {"warnings", as_json(report.warnings)}});
}

std::string sweep_csv(const SweepReport& report) {
  Lines heading = report.keys;
  heading.insert(heading.end(), {"arm", "case", "repetition", "stat", "value", "unit", "predicted", "note"});
  std::string out = csv_row(heading);
  const std::string unit = report.stat.is_time() ? "s" : report.stat.is_bytes() ? "bytes" : "";
  for (const SweepPoint& point : report.points) {
    for (const SweepCell& cell : point.cells) {
      const std::vector<double> none;
      const std::vector<double>& samples = cell.measured ? cell.measured->samples : none;
      for (std::size_t i = 0; i < std::max<std::size_t>(samples.size(), 1); ++i) {
        const bool there = i < samples.size();
        Lines cells = point.values;
        cells.insert(cells.end(), {cell.arm, cell.case_id, there ? std::to_string(i + 1) : "",
                                   to_string(report.stat), there ? number_cell(samples[i]) : "", unit,
                                   number_cell(cell.predicted), cell.note.value_or("")});
        out += csv_row(cells);
      }
    }
  }
  return out;
}

std::string sweep_markdown(const SweepReport& report) {
  const std::vector<SweepSeries> series = series_of(report);
  Table table;
  for (const std::string& key : report.keys) table.columns.push_back({ColumnRole::case_id, key, false});
  for (const SweepSeries& one : series) table.columns.push_back({ColumnRole::measured, one.name, true});
  for (const SweepPoint& point : report.points) {
    TableRow& row = table.rows.emplace_back(TableRow{point.values, ""});
    for (const SweepSeries& one : series) row.cells.push_back(markdown_cell(report, find_cell(point, one)));
  }
  std::string out =
      fmt::format("{} of {} over {}{}\n\n", to_string(report.stat), report.scenario, join(report.keys, ", "),
                  report.predicted_only ? ": the model alone, nothing was run"
                                        : ": median (interval), beside the model's prediction") +
      markdown_table(table);
  if (!report.complete)
    out += fmt::format("\nIncomplete: {} of {} points.\n", report.points.size(), report.planned);
  return out;
}

}  // namespace lab
