#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "results/export.hpp"
#include "results/markup.hpp"

namespace lab {

namespace {

constexpr double kWidth = 960;
constexpr double kLeft = 60;
constexpr double kRight = 880;  // the axis ends here; the times stand beyond it
constexpr double kRow = 18;
constexpr std::size_t kMostLanes = 12;

struct Fill {
  LaneState state;
  std::string_view name, style;
};

// Okabe and Ito's palette, with patterns for those who see no colours.
constexpr Fill kFills[] = {
    {LaneState::unread, "unread", "fill=\"url(#unread)\" stroke=\"#999\""},
    {LaneState::runnable, "read, waits its turn", "fill=\"#f0e442\" stroke=\"#999\""},
    {LaneState::loop, "holds the loop", "fill=\"#d55e00\""},
    {LaneState::pool, "holds a pool member", "fill=\"#0072b2\""},
    {LaneState::waiting, "waits, holds nothing", "fill=\"url(#waiting)\" stroke=\"#009e73\""},
    {LaneState::reply, "reply on its way", "fill=\"#cc79a7\""},
};

std::string_view style_of(LaneState state) {
  for (const Fill& fill : kFills) {
    if (fill.state == state) return fill.style;
  }
  return "fill=\"none\"";
}

double length_of(const Report& report) {
  double length = 0;
  for (const ArmReport& arm : report.arms) {
    for (const Lane& lane : arm.lanes) length = std::max(length, lane.end_s);
    length = std::max(length, arm.bound_s.value_or(0));
  }
  return length > 0 ? length : 1;
}

std::string draw_lane(const Lane& lane, double y, double length) {
  const auto x = [&](double at) { return kLeft + (kRight - kLeft) * at / length; };
  std::string svg = svg_text(kLeft - 8, y + 13, std::to_string(lane.request), "text-anchor=\"end\"");
  for (const LaneSegment& segment : lane.segments) {
    const double from = x(segment.from_s);
    const double width = x(segment.to_s) - from;
    if (width < 0.3) continue;
    svg += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"13\" {}/>\n", from, y + 2,
                       width, style_of(segment.state));
  }
  return svg + svg_text(x(lane.end_s) + 6, y + 13, fmt::format("{:.2f} s", lane.end_s), "class=\"time\"");
}

std::string draw_arm(const ArmReport& arm, bool many_cases, double length, double& y) {
  std::string title = arm.arm + (many_cases ? " (" + arm.case_id + ")" : "") + ": " + arm.label;
  std::string svg = svg_text(kLeft, y + 14, title, "class=\"arm\"");
  y += 22;
  const double top = y;
  std::size_t shown = 0;
  for (const Lane& lane : arm.lanes) {
    if (shown++ == kMostLanes) break;
    svg += draw_lane(lane, y, length);
    y += kRow;
  }
  if (arm.lanes.size() > kMostLanes) {
    svg += svg_text(kLeft, y + 12, fmt::format("and {} more", arm.lanes.size() - kMostLanes));
    y += kRow;
  }
  if (arm.bound_s) {
    const double x = kLeft + (kRight - kLeft) * *arm.bound_s / length;
    svg +=
        fmt::format("<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\" class=\"bound\"/>\n",
                    x, top - 2, y + 2);
  }
  y += 14;
  return svg;
}

constexpr double kTop = 44;  // of a picture by itself, whose title stands above

}  // namespace

LanesPicture draw_picture(const Report& report) {
  const double length = length_of(report);
  const bool many_cases = std::any_of(report.arms.begin(), report.arms.end(), [&](const ArmReport& arm) {
    return arm.case_id != report.arms.front().case_id;
  });
  LanesPicture picture;
  double y = 0;
  for (const ArmReport& arm : report.arms) {
    if (!arm.lanes.empty()) picture.shapes += draw_arm(arm, many_cases, length, y);
  }
  double x = kLeft;
  for (const Fill& fill : kFills) {
    picture.shapes += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"14\" height=\"12\" {}/>\n", x,
                                  y + 2, fill.style);
    picture.shapes += svg_text(x + 19, y + 12, fill.name);
    x += 34 + 6.6 * static_cast<double>(fill.name.size());
  }
  picture.shapes +=
      fmt::format("<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\" class=\"bound\"/>\n",
                  x + 4, y, y + 16);
  picture.shapes += svg_text(x + 12, y + 12, "bound");
  picture.width = kWidth;
  picture.height = y + 34;
  return picture;
}

std::string_view picture_patterns() {
  return "<defs><pattern id=\"unread\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
         "<rect width=\"6\" height=\"6\" fill=\"#f4f4f4\"/><circle cx=\"3\" cy=\"3\" r=\"1\" "
         "fill=\"#777\"/></pattern>\n"
         "<pattern id=\"waiting\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
         "patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" fill=\"#e8f7f1\"/>"
         "<line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\" stroke=\"#009e73\" "
         "stroke-width=\"2\"/></pattern></defs>\n";
}

std::string to_svg(const Report& report) {
  const LanesPicture picture = draw_picture(report);
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
             "height=\"{1:.0f}\" "
             "font-family=\"sans-serif\" font-size=\"12\">\n"
             "<style>.arm{{font-weight:bold;font-size:14px}}.title{{font-size:17px}}.time{{fill:#555}}"
             ".bound{{stroke:#000;stroke-width:2;stroke-dasharray:4 3}}</style>\n"
             "{2}<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
             picture.width, picture.height + kTop, picture_patterns()) +
         svg_text(kLeft, 26, report.question, "class=\"title\"") +
         fmt::format("<g transform=\"translate(0 {:.0f})\">\n{}</g></svg>\n", kTop, picture.shapes);
}

}  // namespace lab
