#include "results/lane_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

namespace lab {

namespace {

constexpr std::size_t kStates = static_cast<std::size_t>(LaneState::reply) + 1;
constexpr std::size_t kJitter = 2;  ///< cells in which lanes of one group may differ

/// One lane on `count` cells: in each cell what lasted longest in it. Every lane is seen, however short.
LaneCells paint(const Lane& lane, double scale_s, std::size_t count) {
  const double cell = scale_s / static_cast<double>(count);
  LaneCells cells(count, LaneState::unsent);
  for (std::size_t i = 0; i < count; ++i) {
    const double from = static_cast<double>(i) * cell;
    std::array<double, kStates> lasted{};
    for (const LaneSegment& segment : lane.segments) {
      const double overlap = std::min(segment.to_s, from + cell) - std::max(segment.from_s, from);
      if (overlap > 0) lasted[static_cast<std::size_t>(segment.state)] += overlap;
    }
    double covered = 0;
    for (const double part : lasted) covered += part;
    lasted[static_cast<std::size_t>(LaneState::unsent)] += cell - covered;
    const auto longest = std::max_element(lasted.begin(), lasted.end());
    cells[i] = static_cast<LaneState>(longest - lasted.begin());
  }
  const bool blank =
      std::all_of(cells.begin(), cells.end(), [](LaneState s) { return s == LaneState::unsent; });
  if (!blank) return cells;
  if (lane.segments.empty()) {
    const auto at = static_cast<std::size_t>(std::max(0.0, lane.end_s / cell));
    cells[std::min(at, count - 1)] = LaneState::reply;
    return cells;
  }
  const auto longest = std::max_element(
      lane.segments.begin(), lane.segments.end(),
      [](const LaneSegment& a, const LaneSegment& b) { return a.to_s - a.from_s < b.to_s - b.from_s; });
  const auto at = static_cast<std::size_t>(std::max(0.0, longest->from_s / cell));
  cells[std::min(at, count - 1)] = longest->state;
  return cells;
}

/// The state that fills most of a lane.
LaneState main_state(const LaneCells& cells) {
  std::array<std::size_t, kStates> counts{};
  for (const LaneState state : cells) ++counts[static_cast<std::size_t>(state)];
  counts[static_cast<std::size_t>(LaneState::unsent)] = 0;
  return static_cast<LaneState>(std::max_element(counts.begin(), counts.end()) - counts.begin());
}

/// Whether two lanes look the same but for the jitter of their starts and ends.
bool alike(const LaneCells& a, const LaneCells& b) {
  std::size_t different = 0;
  for (std::size_t i = 0; i < a.size(); ++i) different += a[i] == b[i] ? 0 : 1;
  return different <= kJitter && main_state(a) == main_state(b);
}

}  // namespace

std::vector<LaneGroup> group_lanes(const ArmReport& arm, double scale_s, std::size_t count) {
  const double cell = scale_s / static_cast<double>(count);
  std::vector<LaneGroup> groups;
  std::map<std::string, std::size_t> of_route;
  for (const Lane& lane : arm.lanes) {
    ++of_route[lane.route];
    LaneCells cells = paint(lane, scale_s, count);
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const LaneGroup& each) {
      if (each.route != lane.route || each.answered != lane.answered) return false;
      const bool together = std::abs(each.first_end - lane.end_s) < cell / 2;
      return each.cells == cells || (together && alike(each.cells, cells));
    });
    if (same == groups.end()) {
      groups.push_back({{lane.request}, lane.route, std::move(cells), lane.end_s, lane.end_s, lane.answered});
      continue;
    }
    same->requests.push_back(lane.request);
    same->first_end = std::min(same->first_end, lane.end_s);
    same->last_end = std::max(same->last_end, lane.end_s);
  }
  for (LaneGroup& each : groups) each.of = of_route[each.route];
  const auto order = [cell](const LaneGroup& each) {
    return std::tuple(!each.answered, std::llround(each.last_end / cell), each.requests.front());
  };
  std::stable_sort(groups.begin(), groups.end(),
                   [&](const LaneGroup& a, const LaneGroup& b) { return order(a) < order(b); });
  return groups;
}

std::string request_numbers(const LaneGroup& lanes) {
  if (lanes.requests.size() == 1) return fmt::format("{}", lanes.requests.front());
  const auto [first, last] = std::minmax_element(lanes.requests.begin(), lanes.requests.end());
  const bool gapless = *last - *first + 1 == lanes.requests.size();
  if (gapless) return fmt::format("{}–{}", *first, *last);
  return fmt::format("{} of {}", lanes.requests.size(), lanes.of);
}

}  // namespace lab
