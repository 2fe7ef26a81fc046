#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/wrap.hpp"
#include "results/report/sweep_report.hpp"

namespace lab {

namespace {

constexpr std::size_t kColumnGap = 2;

/// The cells of one arm, heading first; all of one width when they are drawn.
struct Block {
  std::vector<std::vector<std::string>> columns;
  std::string name;

  std::size_t width_of(std::size_t column) const {
    std::size_t width = 0;
    for (const std::string& cell : columns[column]) width = std::max(width, lab::columns(cell));
    return width;
  }
  std::size_t width() const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) sum += width_of(i) + (i > 0 ? kColumnGap : 0);
    return std::max(sum, lab::columns(name));
  }
  std::string row(std::size_t index, bool right) const {
    std::string text;
    for (std::size_t i = 0; i < columns.size(); ++i)
      text += std::string(i > 0 ? kColumnGap : 0, ' ') + pad(columns[i][index], width_of(i), right);
    return pad(text, width(), right);
  }
};

std::string interval(const Estimate& figure, Unit unit) {
  if (!figure.low || !figure.high) return "";
  unit.name.clear();
  return number(*figure.low, unit) + "–" + number(*figure.high, unit);
}

Block keys_block(const SweepReport& report) {
  Block block;
  for (std::size_t i = 0; i < report.keys.size(); ++i) {
    std::vector<std::string> column{report.keys[i]};
    for (const SweepPoint& point : report.points) column.push_back(point.values[i]);
    block.columns.push_back(std::move(column));
  }
  return block;
}

Block arm_block(const SweepReport& report, const SweepSeries& series) {
  Block block;
  block.name = series.name;
  std::vector<std::string> measured{"measured"};
  std::vector<std::string> range{"95 %"};
  std::vector<std::string> model{"model"};
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
  if (!report.predicted_only) block.columns.push_back(std::move(measured));
  if (any_range) block.columns.push_back(std::move(range));
  block.columns.push_back(std::move(model));
  return block;
}

std::string trimmed(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

/// Arms stand beside each other as far as the width allows, then below.
void add_table(const SweepReport& report, std::size_t width, bool ascii, std::string& out) {
  const Block keys = keys_block(report);
  std::vector<Block> blocks;
  for (const SweepSeries& series : series_of(report)) blocks.push_back(arm_block(report, series));
  for (std::size_t first = 0; first < blocks.size();) {
    std::size_t last = first;
    std::size_t used = keys.width();
    do {
      used += kColumnGap + blocks[last++].width();
    } while (last < blocks.size() && used + kColumnGap + blocks[last].width() <= width);
    const auto add_line = [&](std::string line) {
      out += shorten(printable(trimmed(std::move(line)), ascii), width, ascii) + "\n";
    };
    if (first > 0) out += "\n";
    std::string names(keys.width(), ' ');
    for (std::size_t i = first; i < last; ++i)
      names += std::string(kColumnGap, ' ') +
               pad(blocks[i].name, blocks[i].width(), blocks[i].columns.size() == 1);
    add_line(names);
    for (std::size_t row = 0; row <= report.points.size(); ++row) {
      std::string line = keys.row(row, false);
      for (std::size_t i = first; i < last; ++i)
        line += std::string(kColumnGap, ' ') + blocks[i].row(row, true);
      add_line(line);
    }
    first = last;
  }
}

/// Each note once, with the arms and the number of points that share it.
std::vector<std::string> notes_of(const SweepReport& report) {
  std::vector<std::string> notes;
  for (const SweepSeries& series : series_of(report)) {
    std::vector<std::pair<std::string, std::size_t>> counted;
    for (const SweepPoint& point : report.points) {
      const SweepCell* cell = find_cell(point, series);
      if (cell == nullptr || cell->note.empty()) continue;
      const auto known = std::find_if(counted.begin(), counted.end(),
                                      [&](const auto& one) { return one.first == cell->note; });
      if (known == counted.end()) {
        counted.emplace_back(cell->note, 1);
      } else {
        ++known->second;
      }
    }
    for (const auto& [note, points] : counted) {
      notes.push_back(points == report.points.size() ? fmt::format("{}: {}", series.name, note)
                                                     : fmt::format("{}, {} of {} points: {}", series.name,
                                                                   points, report.points.size(), note));
    }
  }
  return notes;
}

}  // namespace

std::string sweep_text(const SweepReport& report, const TextStyle& style) {
  const auto width = static_cast<std::size_t>(std::max(style.width, 40));
  std::string out;
  const auto remark = [&](const std::string& tag, const std::string& text) {
    for (const std::string& line :
         wrap(printable(text, style.ascii), pad(tag, kTagIndent), kTagIndent, width))
      out += line + "\n";
  };
  const std::string head =
      fmt::format("{}: {} over {}{}", report.scenario, to_string(report.stat), join(report.keys, ", "),
                  report.predicted_only ? "; virtual time, nothing was run" : "");
  for (const std::string& line : wrap(printable(head, style.ascii), "", 0, width)) out += line + "\n";
  if (!report.complete) {
    remark("WARN", fmt::format("incomplete: {} of {} points; {}", report.points.size(), report.planned,
                               report.incomplete_reason));
  }
  if (report.points.empty()) return out;
  out += "\n";
  add_table(report, width, style.ascii, out);
  out += "\n" + sweep_plot_text(report, style);
  const std::vector<std::string> notes = notes_of(report);
  if (!notes.empty() || !report.warnings.empty()) out += "\n";
  for (const std::string& note : notes) remark("NOTE", note);
  for (const std::string& warning : report.warnings) remark("WARN", warning);
  return out;
}

}  // namespace lab
