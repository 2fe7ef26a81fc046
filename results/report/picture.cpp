#include "results/report/picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "results/render/formatting.hpp"
#include "results/report/lanes.hpp"

namespace lab {

namespace {

// A slide is drawn with the same measures, each twice as long.
constexpr double kWidth = 960;
constexpr double kSlideHeight = 540;
constexpr double kSlideZoom = 2;
constexpr double kMargin = 16;
constexpr double kRight = 866;  // the axis ends here; what a request took stands beyond it
constexpr double kRow = 18;
constexpr double kSmallestRow = 15, kLargestRow = 44;  // of a slide
constexpr double kTitle = 22;                          // of an arm
constexpr double kGap = 12;                            // below an arm
constexpr double kAxis = 30;
constexpr double kLegendHeight = 22;
constexpr double kLetter = 7.2;  // the width of one, of text of kText
constexpr double kText = 12;
constexpr double kSeen = 3;         // a narrower lane would be overlooked
constexpr double kExplained = 1.5;  // what is only seen narrower than that is not in the legend
constexpr double kDot = 3.5;
constexpr std::size_t kMostRows = 10;
constexpr double kRowsTogether = 14;
constexpr std::size_t kFewestRows = 3;  // the first, the last, and that others lie between
constexpr std::size_t kMostArms = 4;    // on a slide
constexpr std::size_t kCells = 40;      // lanes that look alike on so many are one row, as on a terminal

constexpr LaneState kPictureLegend[] = {LaneState::unread, LaneState::runnable, LaneState::lock,
                                        LaneState::loop,   LaneState::pool,     LaneState::waiting,
                                        LaneState::reply,  LaneState::served};

/// Of the text and of what is not a lane's own.
struct Palette {
  const char *paper, *ink, *soft, *unread, *unread_dot, *wait, *lock;
};
constexpr Palette kLight{"#ffffff", "#16191d", "#555555", "#f4f4f4", "#777777", "#e8f7f1", "#fff4dd"};
constexpr Palette kDark{"#14171b", "#eceff3", "#a3adb9", "#23272d", "#9aa3ad", "#17332a", "#33280f"};

const Palette& palette_of(const PictureStyle& style) {
  return style.dark.value_or(false) ? kDark : kLight;
}

/// Their case where there is one to name.
std::string title_of(const ArmReport& arm, bool cases) {
  const bool named = cases || arm.case_id != "main";
  return name_on_engine(arm) + (named ? " (" + arm.case_id + ")" : "") +
         (arm.label.empty() ? "" : ": " + arm.label);
}

/// What the table shows of an arm first: `median makespan 1.003 s`, predicted `ping.latency.max 4.95 s`.
std::string figure_of(const Report& report, const ArmReport& arm) {
  const Stat shown = report.headline.empty() ? Stat{} : report.headline.front();
  for (const MeasureRow& row : arm.measures) {
    const std::optional<double> value = row.measured ? std::optional(row.measured->median) : row.predicted;
    if (row.stat == shown && value)
      return fmt::format("{}{} {}", row.measured ? "median " : "", to_string(shown), quantity(*value, shown));
  }
  return arm.makespan_s
             ? "median makespan " + quantity(arm.makespan_s->median, time_unit(arm.makespan_s->median))
             : "";
}

std::vector<const ArmReport*> arms_with_lanes(const Report& report) {
  std::vector<const ArmReport*> arms;
  for (const ArmReport& arm : report.arms) {
    if (!arm.lanes.empty()) arms.push_back(&arm);
  }
  return arms;
}

bool holds_pool(const ArmReport& arm) {
  return std::ranges::any_of(arm.lanes, [](const Lane& lane) {
    return std::ranges::any_of(lane.segments,
                               [](const LaneSegment& part) { return part.state == LaneState::pool; });
  });
}

/// Draws from top to bottom.
class Canvas {
 public:
  explicit Canvas(double zoom) : zoom_(zoom) {}

  double y = 0;

  void text(double x, double below, std::string_view words, std::string_view more = "") {
    shapes += svg_text(x * zoom_, (y + below) * zoom_, words, more);
  }
  void line(double x1, double y1, double x2, double y2, std::string_view more) {
    shapes += svg_line(x1 * zoom_, y1 * zoom_, x2 * zoom_, y2 * zoom_, more);
  }
  void rectangle(double x, double below, double width, double height, std::string_view more) {
    shapes += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" {}/>\n",
                          x * zoom_, (y + below) * zoom_, width * zoom_, height * zoom_, more);
  }
  void circle(double x, double below, std::string_view more) {
    shapes += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" {}/>\n", x * zoom_,
                          (y + below) * zoom_, kDot * zoom_, more);
  }
  /// Lines of text that is `size` high, as many as it needs.
  void paragraph(std::string_view words, double size, std::string_view kind) {
    if (words.empty()) return;
    const auto letters = static_cast<std::size_t>((kWidth - 2 * kMargin) / (kLetter * size / kText));
    for (const std::string& each : wrap(words, "", 0, letters)) {
      y += size * 1.3;
      text(kMargin, -size * 0.3, each, kind);
    }
  }

  std::string shapes;

 private:
  double zoom_;
};

class Picture {
 public:
  Picture(const Report& report, std::vector<const ArmReport*> arms, double zoom)
      : report_(report),
        view_(fold_lanes(report, std::move(arms), kCells)),
        unit_(lane_unit(view_.scale_s)),
        canvas_(zoom),
        zoom_(zoom) {
    std::size_t widest = 0;
    for (const auto& groups : view_.groups) {
      for (const LaneGroup& lanes : groups)
        widest = std::max(widest, columns(group_label(lanes, view_.routes)));
    }
    left_ = std::max(60.0, kMargin + kLetter * static_cast<double>(widest) + 8);
  }

  /// `titled`: with the question above.
  LanesPicture draw(bool titled) {
    if (titled) canvas_.paragraph(report_.question, 17, "class=\"title\"");
    canvas_.y += titled ? 8 : 0;
    // Two arms are seen at once, on a page without scrolling.
    while (view_.arms.size() <= 2 && most_rows_ > kFewestRows && rows() > kRowsTogether) --most_rows_;
    draw_lanes();
    return finish(canvas_.y + 8);
  }

  LanesPicture draw_slide() {
    canvas_.y = 10;
    canvas_.paragraph(report_.question.empty() ? report_.scenario : report_.question, 25, "class=\"title\"");
    canvas_.y += 4;
    canvas_.paragraph(answer_of(report_), 16, "class=\"answer\"");
    canvas_.y += 10;
    const double bottom = kSlideHeight - 34 - kAxis - kLegendHeight * (hides_turns() ? 2 : 1);
    const double room = bottom - canvas_.y - static_cast<double>(view_.arms.size()) * (kTitle + kGap);
    while (most_rows_ > kFewestRows && rows() * kSmallestRow > room) --most_rows_;
    row_ = std::clamp(room / std::max(1.0, rows()), kSmallestRow, kLargestRow);
    draw_lanes();
    canvas_.y = kSlideHeight - 16;
    const std::string made = report_.predicted_only ? "virtual time: nothing was run"
                                                    : "lanes of the repetition nearest to the median";
    canvas_.text(kMargin, 0, as_called(report_.command), "class=\"time\"");
    canvas_.text(kWidth - kMargin, 0, made, "class=\"time\" text-anchor=\"end\"");
    return finish(kSlideHeight);
  }

 private:
  double x_of(double at) const { return left_ + (kRight - left_) * at / view_.scale_s; }

  /// The lanes and what is below them.
  void draw_lanes() {
    for (std::size_t i = 0; i < view_.arms.size(); ++i) draw_arm(*view_.arms[i], view_.groups[i]);
    canvas_.shapes += bounds_ + words_;
    if (view_.arms.empty()) return;
    draw_axis();
    draw_legend();
  }

  LanesPicture finish(double height) { return {kWidth * zoom_, height * zoom_, std::move(canvas_.shapes)}; }

  /// Threads computed in Python, which says nothing of its lock.
  bool hides_turns() const {
    return std::ranges::any_of(view_.arms, [](const ArmReport* arm) {
      const bool silent = arm->engine.is(kFastapi) || arm->engine.is(kRecorded);
      return silent && arm->computes && holds_pool(*arm);
    });
  }

  /// Of all arms; one stands for those that are left out or have no lanes.
  double rows() const {
    std::size_t rows = 0;
    for (std::size_t i = 0; i < view_.arms.size(); ++i)
      rows += std::min(most_rows_, view_.groups[i].size() + (cut_words(*view_.arms[i]).empty() ? 0 : 1)) +
              (drawn_deaths(*view_.arms[i]).empty() ? 0 : 1);
    return static_cast<double>(rows);
  }

  /// A text beside the lanes; it stands in front of those of all arms, as bounds do.
  void text(double x, double below, std::string_view words, std::string_view more = "") {
    words_ += svg_text(x * zoom_, (canvas_.y + below) * zoom_, words, more);
  }

  void draw_arm(const ArmReport& arm, const std::vector<LaneGroup>& groups) {
    text(kMargin, 15, title_of(arm, view_.cases), "class=\"arm\"");
    text(kWidth - kMargin, 15, figure_of(report_, arm), "class=\"arm\" text-anchor=\"end\"");
    canvas_.y += kTitle;
    const double top = canvas_.y;
    const std::string cut = cut_words(arm);
    const std::vector<bool> drawn = drawn_groups(groups, most_rows_ - (cut.empty() ? 0 : 1));
    for (std::size_t i = 0; i < groups.size();) {
      if (drawn[i]) {
        draw_lane(groups[i++]);
      } else {
        std::size_t left_out = 0;
        for (; !drawn[i]; ++i) left_out += groups[i].requests.size();
        text(left_, row_ * 0.7, fmt::format("⋮ and {} more", left_out));
      }
      canvas_.y += row_;
    }
    if (!cut.empty()) {
      text(left_, row_ * 0.7, cut);
      canvas_.y += row_;
    }
    draw_deaths(arm, top);
    if (arm.bound_s) {
      const double x = x_of(*arm.bound_s) * zoom_;
      bounds_ += svg_line(x, (top - 2) * zoom_, x, (canvas_.y + 2) * zoom_, "class=\"bound\"");
    }
    canvas_.y += kGap;
  }

  /// A line through the lanes where a worker died, and in a row of their own which one.
  void draw_deaths(const ArmReport& arm, double top) {
    const std::vector<ReportedDeath> deaths = drawn_deaths(arm);
    double free_from = 0;
    for (const ReportedDeath& death : deaths) {
      const double x = x_of(std::clamp(death.at_s, 0.0, view_.scale_s));
      bounds_ += svg_line(x * zoom_, (top - 2) * zoom_, x * zoom_, (canvas_.y + row_ * 0.7) * zoom_,
                          "class=\"death\"");
      if (x < free_from) continue;
      const std::string words = "✗ " + death_words(death, true);
      const double wide = kLetter * static_cast<double>(columns(words)) + 8;
      const bool fits = x + wide < kWidth;
      text(fits ? x + 4 : x - 4, row_ * 0.7, words,
           fmt::format("class=\"death\"{}", fits ? "" : " text-anchor=\"end\""));
      free_from = x + wide;
    }
    if (!deaths.empty()) canvas_.y += row_;
  }

  void draw_lane(const LaneGroup& lanes) {
    text(left_ - 8, row_ * 0.7, group_label(lanes, view_.routes), "text-anchor=\"end\"");
    const double end = lanes.one_by_one ? draw_one_by_one(lanes) : draw_segments(lanes);
    text(end + 6, row_ * 0.7, lane_time(lanes, unit_, true), "class=\"time\"");
  }

  /// The group's first lane; both give the place at which it ends.
  double draw_segments(const LaneGroup& lanes) {
    const Lane& lane = *lanes.first;
    const double from = x_of(lane.segments.empty() ? lane.end_s : lane.segments.front().from_s);
    const double to = x_of(lane.segments.empty() ? lane.end_s : lane.segments.back().to_s);
    if (to - from < kSeen) {
      const auto seen =
          std::ranges::find_if(lanes.cells, [](LaneState state) { return state != LaneState::unsent; });
      draw_bar(from, kSeen, seen == lanes.cells.end() ? LaneState::reply : *seen);
      return from + kSeen;
    }
    for (const LaneSegment& segment : lane.segments) {
      const double width = x_of(segment.to_s) - x_of(segment.from_s);
      if (width >= 0.3) draw_bar(x_of(segment.from_s), width, segment.state);
    }
    return to;
  }

  /// A thin band while one of them waits, and a dot when it is served.
  double draw_one_by_one(const LaneGroup& lanes) {
    const double cell = view_.scale_s / static_cast<double>(lanes.cells.size());
    for (std::size_t i = 0; i < lanes.cells.size();) {
      const LaneState state = lanes.cells[i];
      const std::size_t from = i;
      while (i < lanes.cells.size() && lanes.cells[i] == state) ++i;
      if (state == LaneState::unsent || state == LaneState::served) continue;
      const double x = x_of(cell * static_cast<double>(from));
      double end = cell * static_cast<double>(i);
      const auto first = std::ranges::lower_bound(lanes.served, end);
      if (first != lanes.served.end() && *first < end + cell) end = *first;
      draw_bar(x, x_of(end) - x, state, 0.3);
    }
    used_.insert(LaneState::served);
    double last = 0;
    for (const double at : lanes.served) {
      if (x_of(at) < last + 1) continue;  // nobody could tell them apart
      last = x_of(at);
      canvas_.circle(last, row_ / 2, look_of(LaneState::served).fill);
    }
    return last + kDot;
  }

  void draw_bar(double x, double width, LaneState state, double share = 0.72) {
    if (width >= kExplained) used_.insert(state);
    canvas_.rectangle(x, row_ * (1 - share) / 2, width, row_ * share, look_of(state).fill);
  }

  /// The time since the first request was sent, at four to ten round moments.
  void draw_axis() {
    const double length = view_.scale_s;
    const Unit unit = time_unit(length);
    double step = std::pow(10, std::floor(std::log10(length)));
    if (length / step < 2)
      step /= 5;
    else if (length / step < 4)
      step /= 2;
    const double scaled = step * unit.factor;
    const int decimals = scaled >= 1 ? 0 : static_cast<int>(std::ceil(-std::log10(scaled) - 1e-9));
    for (int i = 0; i * step <= length * (1 + 1e-9); ++i) {
      const double x = x_of(i * step);
      canvas_.line(x, canvas_.y, x, canvas_.y + 4, "class=\"tick\"");
      canvas_.text(x, 17, fmt::format("{:.{}f} {}", i * scaled, decimals, unit.name),
                   "class=\"time\" text-anchor=\"middle\"");
    }
    canvas_.y += kAxis;
  }

  void draw_legend() {
    const auto width_of = [](std::string_view words) {
      return 34 + kLetter * static_cast<double>(columns(words));
    };
    double width = kMargin + width_of("bound");
    for (const LaneState state : used_) width += width_of(look_of(state).meaning);
    double x = width + kMargin > kWidth ? kMargin : std::min(left_, kWidth - width);
    for (const LaneState state : kPictureLegend) {
      if (used_.count(state) == 0) continue;
      const LaneLook& look = look_of(state);
      const std::string_view words = width + kMargin > kWidth ? look.brief : look.meaning;
      if (state == LaneState::served)
        canvas_.circle(x + 7, 8, look.fill);
      else
        canvas_.rectangle(x, 2, 14, 12, look.fill);
      canvas_.text(x + 19, 12, words);
      x += width_of(words);
    }
    canvas_.line(x + 4, canvas_.y, x + 4, canvas_.y + 16, "class=\"bound\"");
    canvas_.text(x + 12, 12, "bound");
    canvas_.y += kLegendHeight;
    if (!hides_turns()) return;
    canvas_.text(left_, 12, "FastAPI does not report who has the GIL: its turns are not drawn",
                 "class=\"time\"");
    canvas_.y += kLegendHeight;
  }

  const Report& report_;
  LaneView view_;
  Unit unit_;
  Canvas canvas_;
  double zoom_ = 1, left_ = 60, row_ = kRow;
  std::size_t most_rows_ = kMostRows;
  std::string bounds_, words_;  // in front of the lanes
  std::set<LaneState> used_;
};

}  // namespace

std::string answer_of(const Report& report) {
  const auto answer = std::ranges::find(report.remarks, NoteKind::so, &Note::kind);
  return answer == report.remarks.end() ? "" : answer->text;
}

LanesPicture draw_picture(const Report& report, const PictureStyle& style, bool titled) {
  return Picture(report, style.chosen ? arms_with_lanes(report) : telling_arms(report), 1).draw(titled);
}

LanesPicture draw_slide(const Report& report, const PictureStyle& style) {
  std::vector<const ArmReport*> arms = telling_arms(report);
  if (style.chosen && !arms.empty()) {
    const std::string& telling = arms.front()->case_id;
    arms = arms_with_lanes(report);
    std::erase_if(arms, [&](const ArmReport* arm) { return arm->case_id != telling; });
    if (arms.size() > kMostArms) arms.resize(kMostArms);
  }
  return Picture(report, std::move(arms), kSlideZoom).draw_slide();
}

std::string picture_patterns(const PictureStyle& style) {
  const Palette& colours = palette_of(style);
  return fmt::format(
      "<defs><pattern id=\"unread\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
      "patternTransform=\"scale({0})\"><rect width=\"6\" height=\"6\" fill=\"{1}\"/>"
      "<circle cx=\"3\" cy=\"3\" r=\"1\" fill=\"{2}\"/></pattern>\n"
      "<pattern id=\"waiting\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
      "patternTransform=\"scale({0}) rotate(45)\"><rect width=\"6\" height=\"6\" fill=\"{3}\"/>"
      "<line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\" stroke=\"#009e73\" stroke-width=\"2\"/></pattern>\n"
      "<pattern id=\"lock\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
      "patternTransform=\"scale({0})\"><rect width=\"6\" height=\"6\" fill=\"{4}\"/>"
      "<path d=\"M0 0L6 6M6 0L0 6\" stroke=\"#e69f00\" stroke-width=\"1.2\"/></pattern></defs>\n",
      style.slide ? kSlideZoom : 1, colours.unread, colours.unread_dot, colours.wait, colours.lock);
}

std::string picture_style(const PictureStyle& style) {
  const Palette& colours = palette_of(style);
  const double zoom = style.slide ? kSlideZoom : 1;
  return fmt::format(
      "<style>text{{fill:{0};font:{2:.0f}px sans-serif}}.arm{{font-weight:bold;font-size:{3:.0f}px}}"
      ".title{{font-weight:bold;font-size:{4:.0f}px}}.answer{{font-size:{5:.0f}px}}"
      ".time{{fill:{1};paint-order:stroke;stroke:{9};stroke-width:{6:.0f}}}"
      "line.death{{stroke:#b3261e;stroke-width:{6:.0f}}}.tick{{stroke:{1}}}"
      ".bound{{stroke:{0};stroke-width:{6:.0f};stroke-dasharray:{7:.0f} {8:.0f}}}</style>\n",
      colours.ink, colours.soft, kText * zoom, 14 * zoom, (style.slide ? 25 : 17) * zoom, 16 * zoom, 2 * zoom,
      4 * zoom, 3 * zoom, colours.paper);
}

std::string to_svg(const Report& report, const PictureStyle& style) {
  const LanesPicture picture = style.slide ? draw_slide(report, style) : draw_picture(report, style, true);
  return svg_document(picture.width, picture.height, picture_style(style) + picture_patterns(style),
                      picture.shapes, palette_of(style).paper);
}

}  // namespace lab
