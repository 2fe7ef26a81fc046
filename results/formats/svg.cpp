#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include "lab/core/utf8.hpp"
#include "results/render/markup.hpp"
#include "results/report/format.hpp"
#include "results/report/lanes.hpp"

namespace lab {

namespace {

constexpr double kWidth = 960;
constexpr double kRight = 880;  // the axis ends here; what a request took stands beyond it
constexpr double kRow = 18;
constexpr double kTop = 44;    // of a picture by itself, whose title stands above
constexpr double kLetter = 7;  // the width of one
constexpr double kSeen = 3;    // a narrower lane would be overlooked
constexpr std::size_t kMostRows = 12;
constexpr const char* kBound = "class=\"bound\"";
constexpr std::size_t kCells = 40;  // lanes that look alike on so many are one row, as on a terminal

constexpr LaneState kPictureLegend[] = {LaneState::unread, LaneState::runnable, LaneState::lock,
                                        LaneState::loop,   LaneState::pool,     LaneState::waiting,
                                        LaneState::reply};

std::string rectangle(double x, double y, double width, double height, std::string_view style) {
  return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.0f}\" {}/>\n", x, y, width,
                     height, style);
}

double length_of(const Report& report) {
  double length = 0;
  for (const ArmReport& arm : report.arms) {
    if (!arm.lanes.empty()) length = std::max({length, last_end(arm), arm.bound_s.value_or(0)});
  }
  return length > 0 ? length : 1;
}

class Picture {
 public:
  explicit Picture(const Report& report)
      : report_(report), length_(length_of(report)), unit_(lane_unit(length_)) {
    std::set<std::string> routes;
    for (const ArmReport& arm : report.arms) {
      for (const Lane& lane : arm.lanes) routes.insert(lane.route);
    }
    routes_ = routes.size() > 1;
    cases_ = several_cases(report.arms);
    std::size_t widest = 0;
    for (const ArmReport& arm : report.arms) {
      groups_.push_back(group_lanes(arm, length_, kCells));
      for (const LaneGroup& lanes : groups_.back())
        widest = std::max(widest, columns(group_label(lanes, routes_)));
    }
    left_ = std::max(60.0, 16 + kLetter * static_cast<double>(widest));
  }

  LanesPicture draw() {
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      if (!groups_[i].empty()) draw_arm(report_.arms[i], groups_[i]);
    }
    if (!used_.empty()) draw_axis();
    draw_legend();
    return {kWidth, y_ + 34, std::move(shapes_)};
  }

 private:
  double x_of(double at) const { return left_ + (kRight - left_) * at / length_; }

  void text(double x, double y, std::string_view words, std::string_view more = "") {
    shapes_ += svg_text(x, y, words, more);
  }

  void draw_arm(const ArmReport& arm, const std::vector<LaneGroup>& groups) {
    text(left_, y_ + 14, arm.arm + (cases_ ? " (" + arm.case_id + ")" : "") + ": " + arm.label,
         "class=\"arm\"");
    y_ += 22;
    const double top = y_;
    const std::vector<bool> drawn = drawn_groups(groups, kMostRows);
    for (std::size_t i = 0; i < groups.size();) {
      if (drawn[i]) {
        draw_lane(groups[i++]);
      } else {
        std::size_t left_out = 0;
        for (; !drawn[i]; ++i) left_out += groups[i].requests.size();
        text(left_, y_ + 12, fmt::format("⋮ and {} more", left_out));
      }
      y_ += kRow;
    }
    if (const std::string cut = cut_words(arm); !cut.empty()) {
      text(left_, y_ + 12, cut);
      y_ += kRow;
    }
    if (arm.bound_s) {
      const double x = x_of(*arm.bound_s);
      shapes_ += svg_line(x, top - 2, x, y_ + 2, kBound);
    }
    y_ += 14;
  }

  void draw_lane(const LaneGroup& lanes) {
    text(left_ - 8, y_ + 13, group_label(lanes, routes_), "text-anchor=\"end\"");
    const Lane& lane = *lanes.first;
    const double from = x_of(lane.segments.empty() ? lane.end_s : lane.segments.front().from_s);
    const double to = x_of(lane.segments.empty() ? lane.end_s : lane.segments.back().to_s);
    if (to - from < kSeen) {
      const auto seen = std::find_if(lanes.cells.begin(), lanes.cells.end(),
                                     [](LaneState state) { return state != LaneState::unsent; });
      draw_segment(from, kSeen, seen == lanes.cells.end() ? LaneState::reply : *seen);
    } else {
      for (const LaneSegment& segment : lane.segments) {
        const double width = x_of(segment.to_s) - x_of(segment.from_s);
        if (width >= 0.3) draw_segment(x_of(segment.from_s), width, segment.state);
      }
    }
    text(std::max(to, from + kSeen) + 6, y_ + 13, lane_time(lanes, unit_, true), "class=\"time\"");
  }

  void draw_segment(double x, double width, LaneState state) {
    used_.insert(state);
    shapes_ += rectangle(x, y_ + 2, width, 13, look_of(state).fill);
  }

  /// The time since the first request was sent, at four to ten round moments.
  void draw_axis() {
    const Unit unit = time_unit(length_);
    double step = std::pow(10, std::floor(std::log10(length_)));
    if (length_ / step < 2)
      step /= 5;
    else if (length_ / step < 4)
      step /= 2;
    const double scaled = step * unit.factor;
    const int decimals = scaled >= 1 ? 0 : static_cast<int>(std::ceil(-std::log10(scaled) - 1e-9));
    for (int i = 0; i * step <= length_ * (1 + 1e-9); ++i) {
      const double x = x_of(i * step);
      shapes_ += svg_line(x, y_, x, y_ + 4, "stroke=\"#999\"");
      text(x, y_ + 17, fmt::format("{:.{}f} {}", i * scaled, decimals, unit.name),
           "class=\"time\" text-anchor=\"middle\"");
    }
    y_ += 30;
  }

  void draw_legend() {
    double x = left_;
    for (const LaneState state : kPictureLegend) {
      if (used_.count(state) == 0) continue;
      const LaneLook& look = look_of(state);
      shapes_ += rectangle(x, y_ + 2, 14, 12, look.fill);
      text(x + 19, y_ + 12, look.meaning);
      x += 34 + kLetter * static_cast<double>(look.meaning.size());
    }
    shapes_ += svg_line(x + 4, y_, x + 4, y_ + 16, kBound);
    text(x + 12, y_ + 12, "bound");
  }

  const Report& report_;
  double length_ = 1, left_ = 60, y_ = 0;
  Unit unit_;
  std::vector<std::vector<LaneGroup>> groups_;
  std::set<LaneState> used_;
  bool cases_ = false, routes_ = false;
  std::string shapes_;
};

}  // namespace

LanesPicture draw_picture(const Report& report) {
  return Picture(report).draw();
}

std::string_view picture_patterns() {
  return "<defs><pattern id=\"unread\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
         "<rect width=\"6\" height=\"6\" fill=\"#f4f4f4\"/><circle cx=\"3\" cy=\"3\" r=\"1\" "
         "fill=\"#777\"/></pattern>\n"
         "<pattern id=\"waiting\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
         "patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" fill=\"#e8f7f1\"/>"
         "<line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\" stroke=\"#009e73\" "
         "stroke-width=\"2\"/></pattern>\n"
         "<pattern id=\"lock\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
         "<rect width=\"6\" height=\"6\" fill=\"#fff4dd\"/><path d=\"M0 0L6 6M6 0L0 6\" stroke=\"#e69f00\" "
         "stroke-width=\"1.2\"/></pattern></defs>\n";
}

extern const ReportFormat k_format_svg{
    "svg", [](const FormatInput& input) -> Result<std::string> {
      return one_by_one(input, "\n", [](const Report& report) {
        const LanesPicture picture = draw_picture(report);
        const std::string style =
            "<style>.arm{font-weight:bold;font-size:14px}.title{font-size:17px}.time{fill:#555}"
            ".bound{stroke:#000;stroke-width:2;stroke-dasharray:4 3}</style>\n";
        return svg_document(
            picture.width, picture.height + kTop, style + std::string(picture_patterns()),
            svg_text(60, 26, report.question, "class=\"title\"") +
                fmt::format("<g transform=\"translate(0 {:.0f})\">\n{}</g>", kTop, picture.shapes));
      });
    }};

}  // namespace lab
