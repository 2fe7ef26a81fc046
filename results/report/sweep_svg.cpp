#include <fmt/format.h>

#include <cmath>

#include "results/render/markup.hpp"
#include "results/report/sweep_report.hpp"

namespace lab {

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
