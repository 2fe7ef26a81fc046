#include "results/report/sweep_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lab/core/utf8.hpp"
#include "results/render/markup.hpp"

namespace lab {

namespace {

constexpr std::size_t kRows = 15;
constexpr std::size_t kLabel = 9;  // columns left of the axis
constexpr std::size_t kMaxCurves = 26;

class Canvas {
 public:
  Canvas(const SweepPlot& plot, std::size_t width, bool ascii)
      : plot_(plot), width_(width), ascii_(ascii), rows_(kRows, std::u32string(width, U' ')) {}

  std::size_t column(double place) const {
    const auto count = static_cast<double>(plot_.places.size());
    return static_cast<std::size_t>((place + 0.5) / count * static_cast<double>(width_));
  }
  std::size_t row(double value) const {
    const double height = std::clamp(plot_.height(value), 0.0, 1.0);
    return kRows - 1 - static_cast<std::size_t>(std::lround(height * static_cast<double>(kRows - 1)));
  }

  /// The model's line between its points, straight as the plot is drawn.
  void draw_model(const SweepCurve& curve) {
    const SweepCurve::Mark* before = nullptr;
    for (const SweepCurve::Mark& mark : curve.marks) {
      if (!mark.predicted) continue;
      if (before != nullptr) connect(*before, mark);
      rows_[row(*mark.predicted)][column(static_cast<double>(mark.place))] = dot();
      before = &mark;
    }
  }
  void draw_marks(const SweepCurve& curve, char32_t letter, bool predicted_only) {
    for (const SweepCurve::Mark& mark : curve.marks) {
      if (!mark.measured && !(predicted_only && mark.predicted)) continue;
      const double value = mark.measured ? mark.measured->median : *mark.predicted;
      char32_t& cell = rows_[row(value)][column(static_cast<double>(mark.place))];
      const bool taken = cell != U' ' && cell != dot();
      cell = taken ? U'*' : letter;
      any_taken_ |= taken;
    }
  }
  bool any_taken() const { return any_taken_; }
  std::string line(std::size_t index) const {
    std::string text;
    for (const char32_t cell : rows_[index]) append_code_point(cell, text);
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  }

 private:
  char32_t dot() const { return ascii_ ? U'.' : U'·'; }
  void connect(const SweepCurve::Mark& from, const SweepCurve::Mark& to) {
    const std::size_t begin = column(static_cast<double>(from.place));
    const std::size_t end = column(static_cast<double>(to.place));
    const auto first = static_cast<double>(row(*from.predicted));
    const auto last = static_cast<double>(row(*to.predicted));
    for (std::size_t x = begin + 1; x < end; ++x) {
      const double part = static_cast<double>(x - begin) / static_cast<double>(end - begin);
      rows_[static_cast<std::size_t>(std::lround(first + part * (last - first)))][x] = dot();
    }
  }

  const SweepPlot& plot_;
  std::size_t width_;
  bool ascii_;
  bool any_taken_ = false;
  std::vector<std::u32string> rows_;
};

/// The value at a row's height, where the axis says it.
std::string axis_label(const SweepReport& report, const SweepPlot& plot, std::size_t row) {
  if (row % 7 != 0 && row != kRows - 1) return "";
  const double part = static_cast<double>(kRows - 1 - row) / static_cast<double>(kRows - 1);
  const double value = plot.logarithmic ? plot.least * std::pow(plot.most / plot.least, part)
                                        : plot.least + part * (plot.most - plot.least);
  return quantity(value, unit_of(report.stat, value));
}

/// The places' names below the axis; those for which there is no room are left out.
std::string place_names(const SweepPlot& plot, const Canvas& canvas, std::size_t width) {
  std::string line;
  std::size_t used = 0;
  for (std::size_t i = 0; i < plot.places.size(); ++i) {
    const std::size_t wide = columns(plot.places[i]);
    const std::size_t middle = canvas.column(static_cast<double>(i));
    std::size_t from = middle > wide / 2 ? middle - wide / 2 : 0;
    if (wide <= width) from = std::min(from, width - wide);
    if ((i > 0 && from < used + 1) || from + wide > width) continue;
    line += std::string(from - used, ' ') + plot.places[i];
    used = from + wide;
  }
  return line;
}

/// Entries stay whole, as far as a line is long enough for one.
void add_legend(const std::vector<std::string>& entries, std::size_t width, bool ascii, std::string& out) {
  constexpr std::size_t kGap = 3;
  std::size_t used = 0;
  for (const std::string& entry : entries) {
    const std::string text = shorten(printable(entry, ascii), width, ascii);
    const bool fits = used + kGap + columns(text) <= width;
    if (used > 0) out += fits ? std::string(kGap, ' ') : "\n";
    used = columns(text) + (used > 0 && fits ? used + kGap : 0);
    out += text;
  }
  out += "\n";
}

}  // namespace

std::string sweep_plot_text(const SweepReport& report, const TextStyle& style) {
  const SweepPlot plot = plot_of(report);
  if (plot.curves.empty()) return "";
  const auto width = static_cast<std::size_t>(std::max(style.width, 40));
  const std::size_t inner = width - kLabel - 2;
  Canvas canvas(plot, inner, style.ascii);
  const std::size_t shown = std::min(plot.curves.size(), kMaxCurves);
  if (!report.predicted_only) {
    for (std::size_t i = 0; i < shown; ++i) canvas.draw_model(plot.curves[i]);
  }
  for (std::size_t i = 0; i < shown; ++i)
    canvas.draw_marks(plot.curves[i], static_cast<char32_t>(U'A' + i), report.predicted_only);
  std::string out;
  const auto add = [&](const std::string& line) { out += printable(line, style.ascii) + "\n"; };
  for (std::size_t row = 0; row < kRows; ++row)
    add(pad(axis_label(report, plot, row), kLabel, true) + " " + (style.ascii ? "|" : "│") +
        canvas.line(row));
  std::string axis = style.ascii ? "+" : "└";
  for (std::size_t i = 0; i < inner; ++i) axis += style.ascii ? "-" : "─";
  add(std::string(kLabel + 1, ' ') + axis);
  add(pad(shorten(plot.key, kLabel, style.ascii), kLabel, true) + "  " + place_names(plot, canvas, inner));
  std::vector<std::string> entries;
  for (std::size_t i = 0; i < shown; ++i)
    entries.push_back(fmt::format("{} {}", static_cast<char>('A' + i), plot.curves[i].name));
  if (shown < plot.curves.size())
    entries.push_back(fmt::format("and {} more: --format svg", plot.curves.size() - shown));
  if (canvas.any_taken()) entries.emplace_back("* several");
  if (!report.predicted_only) entries.emplace_back(style.ascii ? ". model" : "· model");
  add_legend(entries, width, style.ascii, out);
  return out;
}

namespace {

constexpr double kPlotWidth = 960;
constexpr double kPlotLeft = 90, kPlotRight = 660;  // the legend stands beyond
constexpr double kPlotTop = 60, kPlotBottom = 420;
constexpr double kLegendRow = 18;

// Okabe and Ito's palette without yellow, which does not stand out from white; shapes for those who see none.
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#56b4e9", "#e69f00", "#000000"};
constexpr std::size_t kShapes = 4;

std::string shape_at(std::size_t index, double x, double y) {
  const char* colour = kColours[index % std::size(kColours)];
  switch (index % kShapes) {
    case 0: return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"/>\n", x, y, colour);
    case 1:
      return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"8\" height=\"8\" fill=\"{}\"/>\n", x - 4,
                         y - 4, colour);
    case 2: return fmt::format("<path d=\"M{:.1f} {:.1f}l5 9h-10z\" fill=\"{}\"/>\n", x, y - 5, colour);
    default:
      return fmt::format("<path d=\"M{:.1f} {:.1f}l5 5l-5 5l-5 -5z\" fill=\"{}\"/>\n", x, y - 5, colour);
  }
}

double x_of(const SweepPlot& plot, std::size_t place) {
  return kPlotLeft + (kPlotRight - kPlotLeft) * (static_cast<double>(place) + 0.5) /
                         static_cast<double>(plot.places.size());
}

double y_of(const SweepPlot& plot, double value) {
  return kPlotBottom - (kPlotBottom - kPlotTop) * plot.height(value);
}

/// The model as a dashed line, what was measured as marks with their intervals, joined by a thin line.
std::string draw_curve(const SweepPlot& plot, const SweepCurve& curve, std::size_t index,
                       bool predicted_only) {
  const char* colour = kColours[index % std::size(kColours)];
  std::string model;
  std::string line;
  std::string marks;
  for (const SweepCurve::Mark& mark : curve.marks) {
    const double x = x_of(plot, mark.place);
    if (mark.predicted) model += fmt::format("{:.1f},{:.1f} ", x, y_of(plot, *mark.predicted));
    if (mark.predicted && predicted_only) marks += shape_at(index, x, y_of(plot, *mark.predicted));
    if (!mark.measured) continue;
    const double y = y_of(plot, mark.measured->median);
    line += fmt::format("{:.1f},{:.1f} ", x, y);
    if (mark.measured->low && mark.measured->high) {
      marks +=
          fmt::format("<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\" stroke=\"{3}\"/>\n",
                      x, y_of(plot, *mark.measured->low), y_of(plot, *mark.measured->high), colour);
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
    const double part = static_cast<double>(i) / kTicks;
    const double value = plot.logarithmic ? plot.least * std::pow(plot.most / plot.least, part)
                                          : plot.least + part * (plot.most - plot.least);
    const double y = y_of(plot, value);
    svg += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/>\n",
                       kPlotLeft, y, kPlotRight, y);
    svg +=
        svg_text(kPlotLeft - 8, y + 4, quantity(value, unit_of(report.stat, value)), "text-anchor=\"end\"");
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

std::string sweep_svg(const SweepReport& report) {
  const SweepPlot plot = plot_of(report);
  std::string body;
  if (!plot.curves.empty()) body += draw_axes(report, plot);
  double y = kPlotTop;
  const auto legend = [&](const std::string& shape, const std::string& name) {
    body += shape + svg_text(kPlotRight + 44, y + 4, name);
    y += kLegendRow;
  };
  for (std::size_t i = 0; i < plot.curves.size(); ++i) {
    body += draw_curve(plot, plot.curves[i], i, report.predicted_only);
    legend(shape_at(i, kPlotRight + 30, y), plot.curves[i].name);
  }
  legend(fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#000\" "
                     "stroke-width=\"2\" stroke-dasharray=\"2 4\"/>\n",
                     kPlotRight + 18, y, kPlotRight + 40, y),
         "model");
  const double height = std::max(kPlotBottom + 60, y + 20);
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
             "height=\"{1:.0f}\" font-family=\"sans-serif\" font-size=\"12\">\n"
             "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
             kPlotWidth, height) +
         svg_text(kPlotLeft, 26, report.question.empty() ? report.scenario : report.question,
                  "font-size=\"17\"") +
         body + "</svg>\n";
}

}  // namespace lab
