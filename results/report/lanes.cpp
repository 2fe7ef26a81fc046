#include "results/report/lanes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr LaneState kLegendStates[] = {LaneState::unread,  LaneState::loop,     LaneState::pool,
                                       LaneState::waiting, LaneState::runnable, LaneState::lock,
                                       LaneState::reply,   LaneState::served};
constexpr std::size_t kAllShown = 4;  ///< more groups of lanes than that are elided to three
constexpr std::size_t kBeside = 40;   ///< columns of a wide terminal for what stands beside the lanes
constexpr std::size_t kTail = 20;     ///< columns kept for what stands right of the lanes

class Drawing {
 public:
  Drawing(const Report& report, const TextStyle& style, std::size_t most_rows)
      : style_(style), most_rows_(most_rows) {
    width_ = static_cast<std::size_t>(std::max(style.width, 20));
    count_ = width_ >= 80 ? width_ - kBeside
                          : std::min<std::size_t>(40, width_ > kTail + 18 ? width_ - kTail - 8 : 10);
    view_ = fold_lanes(report, telling_arms(report), count_);
    for (const auto& groups : view_.groups) rows_.push_back(std::min(groups.size(), kAllShown));
    unit_ = lane_unit(view_.scale_s);
  }

  /// Where they do not fit, what is left out has no row of its own; then with fewer lanes, of the arm that
  /// has more of them; at last the first arm's alone.
  std::vector<std::string> lines() {
    draw_all();
    for (; lines_.size() > most_rows_ && !rows_.empty(); draw_all()) {
      const auto most = std::max_element(rows_.rbegin(), rows_.rend());
      if (!tight_) {
        tight_ = true;
      } else if (*most > 1) {
        --*most;
      } else {
        rows_.pop_back();
      }
    }
    return std::move(lines_);
  }

 private:
  void draw_all() {
    lines_.clear();
    used_.clear();
    label_width_ =
        std::ranges::all_of(view_.arms, [](const ArmReport* arm) { return drawn_deaths(*arm).empty(); }) ? 3
                                                                                                         : 4;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const std::vector<bool> drawn = lanes_of(i);
      for (std::size_t at = 0; at < drawn.size(); ++at) {
        if (!drawn[at]) continue;
        label_width_ = std::max(label_width_, columns(label(view_.groups[i], drawn, at)));
        used_.insert(view_.groups[i][at].cells.begin(), view_.groups[i][at].cells.end());
      }
    }
    label_width_ = std::min(label_width_, width_ > count_ + 14 ? width_ - count_ - 14 : 4);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      title(*view_.arms[i], i == 0);
      draw(*view_.arms[i], view_.groups[i], lanes_of(i));
    }
  }

  std::vector<bool> lanes_of(std::size_t arm) const {
    return tight_ ? chosen_groups(view_.groups[arm], rows_[arm])
                  : drawn_groups(view_.groups[arm], rows_[arm]);
  }

  std::string mark() const { return style_.ascii ? ":" : "⋮"; }

  std::string shown(const std::string& text) const { return printable(text, style_.ascii); }

  /// With a mark for lanes that are left out before and behind, where there is no row for it.
  std::string label(const std::vector<LaneGroup>& groups, const std::vector<bool>& drawn,
                    std::size_t at) const {
    const std::string name = shown(group_label(groups[at], view_.routes));
    const bool before = tight_ && at > 0 && !drawn[at - 1];
    const bool behind =
        tight_ &&
        std::find(drawn.begin() + static_cast<std::ptrdiff_t>(at) + 1, drawn.end(), true) == drawn.end() &&
        at + 1 < drawn.size();
    return (before ? mark() + " " : "") + name + (behind ? " " + mark() : "");
  }

  std::string glyph(LaneState state) const {
    return style_.ascii ? look_of(state).ascii : look_of(state).unicode;
  }

  std::string paint_text(const std::string& text, const std::string& color) const {
    return style_.color && !color.empty() ? fmt::format("\x1b[38;5;{}m{}\x1b[0m", color, text) : text;
  }

  std::vector<std::string> legend(bool brief) const {
    std::vector<std::string> entries;
    for (const LaneState state : kLegendStates) {
      if (used_.count(state) == 0) continue;
      const LaneLook& look = look_of(state);
      entries.push_back(fmt::format("{} {}", glyph(state), brief ? look.brief : look.meaning));
    }
    const bool bounds =
        std::ranges::any_of(view_.arms, [](const ArmReport* arm) { return arm->bound_s.value_or(0) > 0; });
    if (bounds) entries.push_back(std::string(style_.ascii ? "|" : "│") + " bound");
    return entries;
  }

  /// The arm's name, with its case where there are several, and beside the first one what the signs mean.
  void title(const ArmReport& arm, bool first) {
    const std::string name =
        shown(view_.cases ? fmt::format("{} ({})", name_on_engine(arm), arm.case_id) : name_on_engine(arm));
    const std::string same = ", same scale";
    if (!first) return lines_.push_back(shorten(name, width_ - same.size(), style_.ascii) + same);
    std::vector<std::string> entries = legend(false);
    std::size_t needed = columns(name);
    for (const std::string& entry : entries) needed += 3 + columns(entry);
    if (needed > width_) entries = legend(true);
    std::string line = shorten(name, width_, style_.ascii);
    bool fresh = false;
    for (const std::string& entry : entries) {
      const std::size_t gap = fresh ? 0 : 3;
      if (columns(line) + gap + columns(entry) > width_) {
        lines_.push_back(line);
        line = "  ";
        fresh = true;
      }
      line += std::string(fresh ? 0 : 3, ' ') + shorten(entry, width_ - 2, style_.ascii);
      fresh = false;
    }
    lines_.push_back(line);
  }

  void draw(const ArmReport& arm, const std::vector<LaneGroup>& groups, const std::vector<bool>& drawn) {
    bool unit_reported = false;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (!tight_ && i > 0 && drawn[i - 1] && !drawn[i]) lines_.push_back(pad(mark(), label_width_, true));
      if (!drawn[i]) continue;
      const std::string text =
          pad(shorten(label(groups, drawn, i), label_width_, style_.ascii), label_width_, true);
      std::string tail = lane_time(groups[i], unit_, !unit_reported);
      unit_reported |= tail.ends_with(" " + unit_.name);
      const bool all =
          groups[i].requests.size() > 1 && std::cmp_equal(groups[i].requests.size(), arm.requests);
      const std::size_t size = groups[i].requests.size();
      if (all) tail += size == 2 ? ", both" : ", all " + number_word(static_cast<std::int64_t>(size));
      const std::size_t room = width_ - std::min(width_, label_width_ + count_ + 3);
      std::string line =
          text + " " + bar(arm, groups[i].cells) + " " + shorten(shown(tail), room, style_.ascii);
      line.erase(line.find_last_not_of(' ') + 1);
      lines_.push_back(std::move(line));
    }
    draw_deaths(arm);
    if (const std::string cut = cut_words(arm); !cut.empty())
      lines_.push_back(shorten(pad(mark(), label_width_, true) + " " + cut, width_, style_.ascii));
  }

  /// When workers died.
  void draw_deaths(const ArmReport& arm) {
    const std::vector<ReportedDeath> deaths = drawn_deaths(arm);
    if (deaths.empty()) return;
    std::string cells(count_ + 1, ' ');
    for (const ReportedDeath& death : deaths) {
      const double place = std::floor(death.at_s / view_.scale_s * static_cast<double>(count_));
      cells[static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(count_)))] = 'X';
    }
    const std::size_t room = width_ - std::min(width_, label_width_ + count_ + 3);
    std::string tail = fmt::format("{} workers", deaths.size());
    if (deaths.size() == 1) tail = death_words(deaths.front(), true);
    if (columns(tail) > room) tail = death_words(deaths.front(), false);
    tail = shorten(tail, room, style_.ascii);
    lines_.push_back(pad("died", label_width_, true) + " " + paint_text(cells, "160") + " " + tail);
  }

  /// The cells with the bound's mark, one column wider than the scale.
  std::string bar(const ArmReport& arm, const LaneCells& cells) const {
    std::size_t mark = cells.size() + 1;
    if (arm.bound_s) {
      const double place = std::round(*arm.bound_s / view_.scale_s * static_cast<double>(cells.size()));
      mark = std::min(static_cast<std::size_t>(std::max(1.0, place)), cells.size());
      const bool alone = mark < cells.size() && cells[mark] != LaneState::unsent &&
                         std::ranges::count(cells, LaneState::unsent) + 1 == std::ssize(cells);
      if (alone) mark = cells.size() + 1;  // it would hide the whole lane
    }
    std::string out;
    for (std::size_t i = 0; i <= cells.size();) {
      if (i == mark || i == cells.size()) {
        out += i == mark ? (style_.ascii ? "|" : "│") : " ";
        ++i;
        continue;
      }
      std::string run;
      const LaneState state = cells[i];
      for (; i < cells.size() && i != mark && cells[i] == state; ++i) run += glyph(state);
      out += paint_text(run, look_of(state).colour);
    }
    return out;
  }

  const TextStyle& style_;
  std::size_t most_rows_, width_ = 80, count_ = 40, label_width_ = 3;
  LaneView view_;
  bool tight_ = false;
  std::vector<std::size_t> rows_;  ///< that each arm's lanes may take
  std::set<LaneState> used_;
  Unit unit_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> draw_lanes(const Report& report, const TextStyle& style, std::size_t most_rows) {
  return Drawing(report, style, most_rows).lines();
}

}  // namespace lab
