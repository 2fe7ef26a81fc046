#include "results/report/sweep_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lab/core/text.hpp"
#include "results/render/as_json.hpp"
#include "results/render/formatting.hpp"

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

/// A column of the table: an arm, and its case where there are several.
struct SweepSeries {
  std::string name, arm, case_id;
};

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
                                 : quantity(*cell->predicted, report.stat));
  }
  std::vector<Lines> cells;
  if (!report.predicted_only) cells.push_back(std::move(measured));
  if (any_range) cells.push_back(std::move(range));
  cells.push_back(std::move(model));
  return block_of(series.name, cells, true);
}

/// Arms stand beside each other as far as the width allows, then below.
void add_table(const SweepReport& report, Page& page) {
  const auto blocks =
      mapped(series_of(report), [&](const SweepSeries& series) { return arm_block(report, series); });
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
  if (cell != nullptr && cell->predicted) parts.push_back(quantity(*cell->predicted, report.stat));
  return parts.empty() ? "–" : join(parts, "; ");
}

constexpr double kLogarithmicFrom = 15;

std::size_t place_of(const std::vector<std::string>& values, const std::string& value) {
  return static_cast<std::size_t>(std::ranges::find(values, value) - values.begin());
}

/// The values of each key, in the order in which they come.
std::vector<std::vector<std::string>> values_of(const SweepReport& report) {
  std::vector<std::vector<std::string>> values(report.keys.size());
  for (const SweepPoint& point : report.points) {
    for (std::size_t i = 0; i < values.size() && i < point.values.size(); ++i) {
      add_once(values[i], point.values[i]);
    }
  }
  return values;
}

void find_range(SweepPlot& plot) {
  std::vector<double> all;
  const auto see = [&](const std::optional<double>& value) {
    if (value && std::isfinite(*value)) all.push_back(*value);
  };
  for (const SweepCurve& curve : plot.curves) {
    for (const SweepCurve::Mark& mark : curve.marks) {
      see(mark.predicted);
      if (!mark.measured) continue;
      for (const auto& value :
           {std::optional(mark.measured->median), mark.measured->low, mark.measured->high})
        see(value);
    }
  }
  if (all.empty()) return;
  const auto [least, most] = std::minmax_element(all.begin(), all.end());
  plot.logarithmic = *least > 0 && *most / *least > kLogarithmicFrom;
  plot.least = plot.logarithmic ? *least : std::min(0.0, *least);
  plot.most = *most > plot.least ? *most : plot.least + 1;
}

constexpr std::size_t kPlotRows = 15;
constexpr std::size_t kLeastLabel = 9;  // columns left of the axis
constexpr std::size_t kMaxCurves = 26;

class LetterCanvas {
 public:
  LetterCanvas(const SweepPlot& plot, std::size_t width, bool ascii)
      : plot_(plot),
        width_(width),
        dot_(ascii ? U'.' : U'·'),
        rows_(kPlotRows, std::u32string(width, U' ')) {}

  std::size_t column(std::size_t place) const {
    return static_cast<std::size_t>((static_cast<double>(place) + 0.5) /
                                    static_cast<double>(plot_.places.size()) * static_cast<double>(width_));
  }

  /// The model's line between its points, straight as the plot is drawn.
  void draw_model(const SweepCurve& curve) {
    const SweepCurve::Mark* before = nullptr;
    for (const SweepCurve::Mark& mark : curve.marks) {
      if (!mark.predicted) continue;
      if (before != nullptr) connect(*before, mark);
      rows_[row(*mark.predicted)][column(mark.place)] = dot_;
      before = &mark;
    }
  }
  void draw_marks(const SweepCurve& curve, char32_t letter, bool predicted_only) {
    for (const SweepCurve::Mark& mark : curve.marks) {
      if (!mark.measured && !(predicted_only && mark.predicted)) continue;
      char32_t& cell =
          rows_[row(mark.measured ? mark.measured->median : *mark.predicted)][column(mark.place)];
      const bool taken = cell != U' ' && cell != dot_;
      cell = taken ? U'*' : letter;
      any_taken_ |= taken;
    }
  }
  bool any_taken() const { return any_taken_; }
  std::string line(std::size_t index) const {
    std::string text;
    for (const char32_t cell : rows_[index]) append_code_point(cell, text);
    return text;
  }

 private:
  std::size_t row(double value) const {
    const double height = std::clamp(plot_.height(value), 0.0, 1.0);
    return kPlotRows - 1 - static_cast<std::size_t>(std::lround(height * static_cast<double>(kPlotRows - 1)));
  }
  void connect(const SweepCurve::Mark& from, const SweepCurve::Mark& to) {
    const std::size_t begin = column(from.place);
    const std::size_t end = column(to.place);
    const auto first = static_cast<double>(row(*from.predicted));
    const auto last = static_cast<double>(row(*to.predicted));
    for (std::size_t x = begin + 1; x < end; ++x) {
      const double part = static_cast<double>(x - begin) / static_cast<double>(end - begin);
      rows_[static_cast<std::size_t>(std::lround(first + part * (last - first)))][x] = dot_;
    }
  }

  const SweepPlot& plot_;
  std::size_t width_;
  char32_t dot_;
  bool any_taken_ = false;
  std::vector<std::u32string> rows_;
};

/// The places' names below the axis; those for which there is no room are left out.
std::string place_names(const SweepPlot& plot, const LetterCanvas& canvas, std::size_t width) {
  std::string line;
  std::size_t used = 0;
  for (std::size_t i = 0; i < plot.places.size(); ++i) {
    const std::size_t wide = columns(plot.places[i]);
    const std::size_t middle = canvas.column(i);
    std::size_t from = middle > wide / 2 ? middle - wide / 2 : 0;
    if (wide <= width) from = std::min(from, width - wide);
    if ((i > 0 && from < used + 1) || from + wide > width) continue;
    line += std::string(from - used, ' ') + plot.places[i];
    used = from + wide;
  }
  return line;
}

/// Entries stay whole, as far as a line is long enough for one.
void add_legend(const std::vector<std::string>& entries, Page& page) {
  std::string line;
  for (const std::string& entry : entries) {
    const std::string text = shorten(printable(entry, page.style().ascii), page.width(), page.style().ascii);
    const std::string gap = line.empty() ? "" : "   ";
    if (columns(line) + columns(gap) + columns(text) <= page.width()) {
      line.append(gap).append(text);
      continue;
    }
    page.line(line);
    line = text;
  }
  page.line(line);
}

/// The plot of letters and its legend, for a terminal.
void add_plot(const SweepReport& report, Page& page) {
  const SweepPlot plot = plot_of(report);
  if (plot.curves.empty()) return;
  const bool ascii = page.style().ascii;
  const std::size_t left = std::min(std::max(kLeastLabel, columns(plot.key)), page.width() / 2);
  const std::size_t inner = page.width() - left - 2;
  LetterCanvas canvas(plot, inner, ascii);
  const std::size_t shown = std::min(plot.curves.size(), kMaxCurves);
  for (std::size_t i = 0; i < shown && !report.predicted_only; ++i) canvas.draw_model(plot.curves[i]);
  std::vector<std::string> entries;
  for (std::size_t i = 0; i < shown; ++i) {
    canvas.draw_marks(plot.curves[i], static_cast<char32_t>(U'A' + i), report.predicted_only);
    entries.push_back(fmt::format("{} {}", static_cast<char>('A' + i), plot.curves[i].name));
  }
  if (shown < plot.curves.size())
    entries.push_back(fmt::format("and {} more: --format svg", plot.curves.size() - shown));
  if (canvas.any_taken()) entries.emplace_back("* several");
  if (!report.predicted_only) entries.emplace_back(ascii ? ". model" : "· model");
  for (std::size_t row = 0; row < kPlotRows; ++row) {
    const double height = static_cast<double>(kPlotRows - 1 - row) / static_cast<double>(kPlotRows - 1);
    const bool labelled = row % 7 == 0 || row == kPlotRows - 1;
    const std::string label = labelled ? quantity(plot.value_at(height), report.stat) : "";
    page.line(pad(label, left, true) + " " + (ascii ? "|" : "│") + canvas.line(row));
  }
  std::string axis = ascii ? "+" : "└";
  for (std::size_t i = 0; i < inner; ++i) axis += ascii ? "-" : "─";
  page.line(std::string(left + 1, ' ') + axis);
  page.line(pad(plot.key, left, true) + "  " + place_names(plot, canvas, inner));
  add_legend(entries, page);
}

constexpr double kPlotWidth = 960;
constexpr double kPlotLeft = 90, kPlotRight = 660;  // the legend stands beyond
constexpr double kPlotTop = 60, kPlotBottom = 420;
constexpr double kLegendRow = 18;

// Okabe and Ito's palette without yellow, which does not stand out from white; shapes for those who see none.
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#56b4e9", "#e69f00", "#000000"};

const char* colour_at(std::size_t index) {
  return kColours[index % std::size(kColours)];
}

std::string shape_at(std::size_t index, double x, double y) {
  constexpr const char* kShapes[] = {
      "<circle cx=\"{0:.1f}\" cy=\"{1:.1f}\" r=\"4\" fill=\"{4}\"/>\n",
      "<rect x=\"{2:.1f}\" y=\"{3:.1f}\" width=\"8\" height=\"8\" fill=\"{4}\"/>\n",
      "<path d=\"M{0:.1f} {5:.1f}l5 9h-10z\" fill=\"{4}\"/>\n",
      "<path d=\"M{0:.1f} {5:.1f}l5 5l-5 5l-5 -5z\" fill=\"{4}\"/>\n"};
  return fmt::format(fmt::runtime(kShapes[index % std::size(kShapes)]), x, y, x - 4, y - 4, colour_at(index),
                     y - 5);
}

double x_of(const SweepPlot& plot, std::size_t place) {
  return kPlotLeft + (kPlotRight - kPlotLeft) * (static_cast<double>(place) + 0.5) /
                         static_cast<double>(plot.places.size());
}

double y_of(const SweepPlot& plot, double value) {
  return kPlotBottom - (kPlotBottom - kPlotTop) * plot.height(value);
}

/// The model as a dashed line, what was measured as marks with their intervals, joined by a thin line.
std::string draw_curve(const SweepPlot& plot, std::size_t index, bool predicted_only) {
  const char* colour = colour_at(index);
  std::string model, line, marks;
  for (const SweepCurve::Mark& mark : plot.curves[index].marks) {
    const double x = x_of(plot, mark.place);
    if (mark.predicted) model += fmt::format("{:.1f},{:.1f} ", x, y_of(plot, *mark.predicted));
    if (mark.predicted && predicted_only) marks += shape_at(index, x, y_of(plot, *mark.predicted));
    if (!mark.measured) continue;
    const Estimate& measured = *mark.measured;
    const double y = y_of(plot, measured.median);
    line += fmt::format("{:.1f},{:.1f} ", x, y);
    if (measured.low && measured.high) {
      marks += svg_line(x, y_of(plot, *measured.low), x, y_of(plot, *measured.high),
                        fmt::format("stroke=\"{}\"", colour));
    }
    marks += shape_at(index, x, y);
  }
  const auto polyline = [&](const std::string& points, const char* more) {
    if (points.empty()) return std::string();
    return fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" {}/>\n", points, colour, more);
  };
  return polyline(model, "stroke-dasharray=\"2 4\" stroke-width=\"2\"") + polyline(line, "") + marks;
}

std::string draw_axes(const SweepReport& report, const SweepPlot& plot) {
  std::string svg;
  constexpr int kTicks = 4;
  for (int i = 0; i <= kTicks; ++i) {
    const double value = plot.value_at(static_cast<double>(i) / kTicks);
    const double y = y_of(plot, value);
    svg += svg_line(kPlotLeft, y, kPlotRight, y, "stroke=\"#ddd\"") +
           svg_text(kPlotLeft - 8, y + 4, quantity(value, report.stat), "text-anchor=\"end\"");
  }
  svg += fmt::format("<path d=\"M{0} {1}V{2}H{3}\" fill=\"none\" stroke=\"#000\"/>\n", kPlotLeft, kPlotTop,
                     kPlotBottom, kPlotRight);
  const std::size_t every = 1 + plot.places.size() / 16;
  for (std::size_t i = 0; i < plot.places.size(); i += every)
    svg += svg_text(x_of(plot, i), kPlotBottom + 18, plot.places[i], "text-anchor=\"middle\"");
  svg += svg_text((kPlotLeft + kPlotRight) / 2, kPlotBottom + 38, plot.key, "text-anchor=\"middle\"");
  return svg + svg_text(kPlotLeft, kPlotTop - 12,
                        to_string(report.stat) + (plot.logarithmic ? ", logarithmic" : ""));
}

}  // namespace

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
    TableRow& row = table.rows.emplace_back(TableRow{point.values});
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

double SweepPlot::height(double value) const {
  if (!logarithmic) return (value - least) / (most - least);
  return std::log(std::max(value, least) / least) / std::log(most / least);
}

double SweepPlot::value_at(double height) const {
  return logarithmic ? least * std::pow(most / least, height) : least + height * (most - least);
}

SweepPlot plot_of(const SweepReport& report) {
  SweepPlot plot;
  const auto values = values_of(report);
  if (values.empty()) return plot;
  const auto longest = std::ranges::max_element(values, {}, std::ranges::size);
  const auto axis = static_cast<std::size_t>(longest - values.begin());
  plot.key = report.keys[axis];
  plot.places = values[axis];
  for (const SweepSeries& series : series_of(report)) {
    for (const SweepPoint& point : report.points) {
      const SweepCell* cell = find_cell(point, series);
      if (cell == nullptr) continue;
      std::string name = series.name;
      for (std::size_t i = 0; i < point.values.size(); ++i) {
        if (i != axis && values[i].size() > 1)
          name += fmt::format(", {}={}", report.keys[i], point.values[i]);
      }
      auto curve = std::ranges::find(plot.curves, name, &SweepCurve::name);
      if (curve == plot.curves.end()) curve = plot.curves.insert(curve, {name, {}});
      curve->marks.push_back({place_of(plot.places, point.values[axis]), cell->measured, cell->predicted});
    }
  }
  for (SweepCurve& curve : plot.curves) std::ranges::stable_sort(curve.marks, {}, &SweepCurve::Mark::place);
  find_range(plot);
  return plot;
}

std::string sweep_svg(const SweepReport& report) {
  const SweepPlot plot = plot_of(report);
  std::string body = svg_text(kPlotLeft, 26, report.question.empty() ? report.scenario : report.question,
                              "font-size=\"17\"");
  if (!plot.curves.empty()) body += draw_axes(report, plot);
  double y = kPlotTop;
  const auto legend = [&](const std::string& shape, const std::string& name) {
    body += shape + svg_text(kPlotRight + 44, y + 4, name);
    y += kLegendRow;
  };
  for (std::size_t i = 0; i < plot.curves.size(); ++i) {
    body += draw_curve(plot, i, report.predicted_only);
    legend(shape_at(i, kPlotRight + 30, y), plot.curves[i].name);
  }
  legend(svg_line(kPlotRight + 18, y, kPlotRight + 40, y,
                  "stroke=\"#000\" stroke-width=\"2\" stroke-dasharray=\"2 4\""),
         "model");
  return svg_document(kPlotWidth, std::max(kPlotBottom + 60, y + 20), "", body);
}

}  // namespace lab
