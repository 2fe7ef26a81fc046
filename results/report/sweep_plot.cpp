#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lab/core/utf8.hpp"
#include "results/report/sweep_report.hpp"

namespace lab {

namespace {

constexpr std::size_t kRows = 15;
constexpr std::size_t kLabel = 9;  // columns left of the axis
constexpr std::size_t kMostCurves = 26;

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
  const std::size_t shown = std::min(plot.curves.size(), kMostCurves);
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

}  // namespace lab
