#include "results/report/lanes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::size_t kStates = static_cast<std::size_t>(LaneState::served) + 1;
constexpr std::size_t kJitter = 2;    ///< cells in which lanes of one group may differ
constexpr std::size_t kAllApart = 4;  ///< more groups of a route that come one by one are one lane
constexpr std::size_t kMoments = 3;   ///< cells, at least, in which they are sent
constexpr double kQueues = 0.05;      ///< of the makespan: a shorter wait is hardly seen

std::size_t index_of(LaneState state) {
  return static_cast<std::size_t>(state);
}

/// Threads that take turns under a lock or on a core do so within a cell: the cells show its share, one sign
/// after another.
class Turns {
 public:
  LaneState choose(LaneState longest, const std::array<double, kStates>& lasted) {
    const bool locks = lasted[index_of(LaneState::lock)] > 0;
    const LaneState without = locks ? LaneState::lock : LaneState::runnable;
    const double lacked = lasted[index_of(without)];
    const double runs = lasted[index_of(LaneState::loop)] + lasted[index_of(LaneState::pool)];
    const bool turns = longest == without || longest == LaneState::loop || longest == LaneState::pool;
    if (!turns || lacked <= 0 || runs <= 0) return longest;
    owed_ += lacked / (lacked + runs);
    if (owed_ >= 0.5) {
      owed_ -= 1;
      return without;
    }
    return lasted[index_of(LaneState::loop)] > lasted[index_of(LaneState::pool)] ? LaneState::loop
                                                                                 : LaneState::pool;
  }

 private:
  double owed_ = 0;
};

/// One lane on `count` cells: in each cell what lasted longest in it. Every lane is seen, however short.
LaneCells paint(const Lane& lane, double scale_s, std::size_t count) {
  const double cell = scale_s / static_cast<double>(count);
  LaneCells cells(count, LaneState::unsent);
  Turns turns;
  for (std::size_t i = 0; i < count; ++i) {
    const double from = static_cast<double>(i) * cell;
    std::array<double, kStates> lasted{};
    for (const LaneSegment& segment : lane.segments) {
      const double overlap = std::min(segment.to_s, from + cell) - std::max(segment.from_s, from);
      if (overlap > 0) lasted[index_of(segment.state)] += overlap;
    }
    lasted[index_of(LaneState::unsent)] += cell - std::accumulate(lasted.begin(), lasted.end(), 0.0);
    const auto longest = std::ranges::max_element(lasted);
    cells[i] = turns.choose(static_cast<LaneState>(longest - lasted.begin()), lasted);
  }
  const bool blank = std::ranges::all_of(cells, [](LaneState s) { return s == LaneState::unsent; });
  if (!blank) return cells;
  double from = lane.end_s;
  LaneState state = LaneState::reply;
  if (!lane.segments.empty()) {
    const auto longest = std::ranges::max_element(
        lane.segments, {}, [](const LaneSegment& part) { return part.to_s - part.from_s; });
    from = longest->from_s;
    state = longest->state;
  }
  const auto at = static_cast<std::size_t>(std::max(0.0, from / cell));
  cells[std::min(at, count - 1)] = state;
  return cells;
}

/// The state that fills most of a lane.
LaneState main_state(const LaneCells& cells) {
  std::array<std::size_t, kStates> counts{};
  for (const LaneState state : cells) ++counts[index_of(state)];
  counts[index_of(LaneState::unsent)] = 0;
  return static_cast<LaneState>(std::ranges::max_element(counts) - counts.begin());
}

/// Whether two lanes look the same but for the jitter of their starts and ends.
bool alike(const LaneCells& a, const LaneCells& b) {
  std::size_t different = 0;
  for (std::size_t i = 0; i < a.size(); ++i) different += a[i] == b[i] ? 0 : 1;
  return different <= kJitter && main_state(a) == main_state(b);
}

/// `7`, `1–10`, `1–2, 5`, or `40 requests` where too many others lie between.
std::string request_numbers(const LaneGroup& lanes) {
  constexpr std::size_t kMaxParts = 3;
  std::vector<std::uint32_t> sorted = lanes.requests;
  std::ranges::sort(sorted);
  std::vector<std::string> parts;
  for (auto first = sorted.begin(); first != sorted.end() && parts.size() <= kMaxParts;) {
    auto last = first;
    while (last + 1 != sorted.end() && *(last + 1) == *last + 1) ++last;
    parts.push_back(first == last ? fmt::format("{}", *first) : fmt::format("{}–{}", *first, *last));
    first = last + 1;
  }
  return parts.size() <= kMaxParts ? join(parts, ", ") : fmt::format("{} requests", sorted.size());
}

double took(const Lane& lane) {
  return lane.end_s - (lane.segments.empty() ? 0 : lane.segments.front().from_s);
}

double began(const Lane& lane) {
  return lane.segments.empty() ? lane.end_s : lane.segments.front().from_s;
}

/// Lanes of one route that were sent one by one, as one: what most of them do in each cell, and when each was
/// served.
LaneGroup one_lane(const std::vector<LaneGroup>& groups, double cell) {
  LaneGroup merged = groups.front();
  merged.one_by_one = true;
  merged.requests.clear();
  merged.served.clear();
  std::vector<std::array<std::size_t, kStates>> counts(merged.cells.size());
  for (const LaneGroup& each : groups) {
    merged.requests.insert(merged.requests.end(), each.requests.begin(), each.requests.end());
    merged.served.insert(merged.served.end(), each.served.begin(), each.served.end());
    merged.first_end = std::min(merged.first_end, each.first_end);
    merged.last_end = std::max(merged.last_end, each.last_end);
    merged.shortest = std::min(merged.shortest, each.shortest);
    merged.longest = std::max(merged.longest, each.longest);
    for (std::size_t i = 0; i < counts.size() && each.longest >= cell; ++i)
      ++counts[i][index_of(each.cells[i])];
  }
  std::ranges::sort(merged.requests);
  std::ranges::sort(merged.served);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counts[i][index_of(LaneState::unsent)] = 0;
    const auto most = std::ranges::max_element(counts[i]);
    merged.cells[i] = *most == 0 ? LaneState::unsent : static_cast<LaneState>(most - counts[i].begin());
  }
  for (const double at : merged.served)
    merged.cells[std::min(static_cast<std::size_t>(at / cell), counts.size() - 1)] = LaneState::served;
  return merged;
}

/// Where there are several routes, the answered groups of each that has many, sent at many moments, become
/// one lane.
void merge_one_by_one(std::vector<LaneGroup>& groups, const std::map<std::string, std::size_t>& routes,
                      double cell) {
  if (routes.size() < 2) return;
  for (const auto& one : routes) {
    const std::string& route = one.first;
    const auto others = std::stable_partition(groups.begin(), groups.end(), [&](const LaneGroup& each) {
      return each.route != route || !each.answered;
    });
    std::set<long long> moments;
    for (auto each = others; each != groups.end(); ++each)
      moments.insert(std::llround(began(*each->first) / cell));
    if (std::cmp_less_equal(groups.end() - others, kAllApart) || moments.size() < kMoments) continue;
    LaneGroup merged = one_lane({others, groups.end()}, cell);
    groups.erase(others, groups.end());
    groups.push_back(std::move(merged));
  }
}

/// An arm's lanes on a scale of `count` cells, those that look alike together: in the order in which they
/// end, as far as that can be seen; then by request. Requests that come one by one beside those of another
/// route are one lane.
std::vector<LaneGroup> group_lanes(const ArmReport& arm, double scale_s, std::size_t count) {
  const double cell = scale_s / static_cast<double>(count);
  std::vector<LaneGroup> groups;
  std::map<std::string, std::size_t> of_route;
  for (const Lane& lane : arm.lanes) {
    ++of_route[lane.route];
    LaneCells cells = paint(lane, scale_s, count);
    auto same = std::ranges::find_if(groups, [&](const LaneGroup& each) {
      if (each.route != lane.route || each.answered != lane.answered) return false;
      const bool together = std::abs(each.first_end - lane.end_s) < cell / 2;
      return each.cells == cells || (together && alike(each.cells, cells));
    });
    if (same == groups.end()) {
      same = groups.insert(same, {.route = lane.route,
                                  .cells = std::move(cells),
                                  .first_end = lane.end_s,
                                  .last_end = lane.end_s,
                                  .shortest = took(lane),
                                  .longest = took(lane),
                                  .answered = lane.answered,
                                  .first = &lane});
    }
    same->requests.push_back(lane.request);
    same->served.push_back(lane.end_s);
    same->first_end = std::min(same->first_end, lane.end_s);
    same->last_end = std::max(same->last_end, lane.end_s);
    same->shortest = std::min(same->shortest, took(lane));
    same->longest = std::max(same->longest, took(lane));
  }
  merge_one_by_one(groups, of_route, cell);
  const auto order = [cell](const LaneGroup& each) {
    return std::tuple(!each.answered, std::llround(each.last_end / cell), each.requests.front());
  };
  std::ranges::stable_sort(groups, {}, order);
  return groups;
}

/// The end of an arm's last lane, in seconds.
double last_end(const ArmReport& arm) {
  double end = 0;
  for (const Lane& lane : arm.lanes) {
    end = std::max(end, lane.end_s);
    if (!lane.segments.empty()) end = std::max(end, lane.segments.back().to_s);
  }
  return end;
}

double makespan(const ArmReport& arm) {
  return arm.makespan_s ? arm.makespan_s->median : last_end(arm);
}

double seconds_in(const Lane& lane, const std::set<LaneState>& states) {
  double sum = 0;
  for (const LaneSegment& segment : lane.segments) {
    if (states.count(segment.state) > 0) sum += segment.to_s - segment.from_s;
  }
  return sum;
}

/// Seconds that the unluckiest request waited for somebody to have time for it.
double longest_queueing(const ArmReport& arm) {
  double longest = 0;
  for (const Lane& lane : arm.lanes)
    longest = std::max(longest, seconds_in(lane, {LaneState::unread, LaneState::runnable, LaneState::lock}));
  return longest;
}

/// Whether any request waited while it held nothing.
bool waits_freely(const ArmReport& arm) {
  return std::ranges::any_of(arm.lanes,
                             [](const Lane& lane) { return seconds_in(lane, {LaneState::waiting}) > 0; });
}

/// Noise must not decide which arm is shown: of equals the file's first one.
bool clearly_faster(const ArmReport& a, const ArmReport& b) {
  return makespan(a) < 0.9 * makespan(b);
}

/// The arm's first case in which a request queues longer than in its first one: where the change begins.
const ArmReport* first_that_queues(const Report& report, const ArmReport* longest) {
  const ArmReport* first = nullptr;
  for (const ArmReport& arm : report.arms) {
    if (arm.arm != longest->arm || arm.engine.kind != longest->engine.kind || arm.lanes.empty()) continue;
    if (first == nullptr) first = &arm;
    if (longest_queueing(arm) > longest_queueing(*first) + kQueues * makespan(arm)) return &arm;
  }
  return longest;
}

}  // namespace

std::vector<const ArmReport*> telling_arms(const Report& report) {
  const ArmReport* longest = nullptr;
  for (const ArmReport& arm : report.arms) {
    if (arm.lanes.empty()) continue;
    if (longest == nullptr || makespan(arm) > makespan(*longest)) longest = &arm;
  }
  if (longest == nullptr) return {};
  const auto equal = std::ranges::find_if(report.arms, [&](const ArmReport& arm) {
    const bool can = !arm.lanes.empty() && arm.case_id == longest->case_id;
    return can && (&arm == longest || !clearly_faster(arm, *longest));
  });
  longest = first_that_queues(report, &*equal);
  const ArmReport* other = nullptr;
  // A server of one's own is what the reader came for: it stands beside the longest arm, or is it.
  const auto own = std::ranges::find_if(report.arms, [&](const ArmReport& arm) {
    return arm.engine.is(kServer) && !arm.lanes.empty() && arm.case_id == longest->case_id;
  });
  if (own != report.arms.end() && !longest->engine.is(kServer)) other = &*own;
  for (const bool free : {true, false}) {
    if (other != nullptr) break;
    for (const ArmReport& arm : report.arms) {
      const bool alike = arm.engine.kind == longest->engine.kind || longest->engine.is(kServer);
      const bool fits = &arm != longest && !arm.lanes.empty() && arm.case_id == longest->case_id && alike &&
                        (!free || waits_freely(arm));
      if (fits && (other == nullptr || clearly_faster(arm, *other))) other = &arm;
    }
  }
  if (other == nullptr) return {longest};
  return {longest, other};
}

LaneView fold_lanes(const Report& report, std::vector<const ArmReport*> arms, std::size_t count) {
  double scale = 0;
  std::set<std::string> routes;
  for (const ArmReport* arm : arms) {
    scale = std::max({scale, last_end(*arm), arm->bound_s.value_or(0)});
    if (!cut_words(*arm).empty()) scale = std::max(scale, makespan(*arm));
    for (const Lane& lane : arm->lanes) routes.insert(lane.route);
  }
  if (scale <= 0) return {};
  auto groups = mapped(arms, [&](const ArmReport* arm) { return group_lanes(*arm, scale, count); });
  return {std::move(arms), std::move(groups), scale, routes.size() > 1, several_cases(report.arms)};
}

constexpr double kAlike = 0.98;  ///< of the longest: as long, but for jitter

static double lasted(const LaneGroup& lanes) {
  return lanes.answered ? lanes.longest : std::numeric_limits<double>::infinity();
}

std::vector<bool> chosen_groups(const std::vector<LaneGroup>& groups, std::size_t count) {
  std::vector<bool> drawn(groups.size(), false);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto known = std::ranges::find_if(
        order, [&](std::size_t other) { return groups[other].route == groups[i].route; });
    if (known == order.end()) {
      order.push_back(i);
    } else if (lasted(groups[i]) > lasted(groups[*known])) {
      *known = i;
    }
  }
  // Jitter must not choose one in the middle.
  for (std::size_t& longest : order) {
    for (const std::size_t end : {groups.size() - 1, std::size_t{0}}) {
      if (groups[end].route == groups[longest].route &&
          lasted(groups[end]) > kAlike * lasted(groups[longest]))
        longest = end;
    }
  }
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return lasted(groups[i]); });
  for (std::size_t i = 0; i < groups.size(); ++i) order.insert(order.end(), {i, groups.size() - 1});
  for (const std::size_t i : order) {
    if (count == 0) break;
    count -= drawn[i] ? 0 : 1;
    drawn[i] = true;
  }
  return drawn;
}

std::vector<bool> drawn_groups(const std::vector<LaneGroup>& groups, std::size_t most) {
  return chosen_groups(groups, groups.size() <= most ? groups.size() : most - 1);
}

std::string group_label(const LaneGroup& lanes, bool with_route) {
  return with_route ? lanes.route + " " + request_numbers(lanes) : request_numbers(lanes);
}

std::string cut_words(const ArmReport& arm) {
  std::int64_t untried = std::max<std::int64_t>(0, arm.books.planned - arm.books.sent);
  for (const auto& [kind, count] : arm.books.not_sent) untried -= count;  // these have lanes
  if (static_cast<std::int64_t>(arm.lanes.size()) + untried >= arm.requests) return "";
  return fmt::format("the first {} of {} requests", arm.lanes.size(), arm.requests);
}

std::vector<ReportedDeath> drawn_deaths(const ArmReport& arm) {
  std::vector<ReportedDeath> drawn = arm.deaths;
  if (arm.lanes.empty()) return {};
  std::erase_if(drawn, [&](const auto& death) { return death.repetition != arm.lanes_of; });
  return drawn;
}

std::string death_words(const ReportedDeath& death, bool named) {
  const bool is_modelled = !death.status && !death.back_after;  // the next one is there at once
  std::string who = named ? fmt::format("{}worker {}{}", death.of_queue ? "queue " : "", death.worker,
                                        is_modelled ? "" : ", ")
                          : "";
  if (is_modelled) return who;
  if (death.gave_up) return who + "given up";
  return who + (death.back_after ? "back after " + format_estimate(*death.back_after) : "not back");
}

Unit lane_unit(double scale_s) {
  Unit unit = time_unit(scale_s);
  if (unit.decimals == 3 && unit.name == "s") unit.decimals = 2;
  return unit;
}

std::string lane_time(const LaneGroup& lanes, const Unit& unit, bool named) {
  if (!lanes.answered) return "no reply";
  // What a scale of seconds would round to 0 is written in milliseconds.
  const auto is_short = [&](double seconds) { return unit.name == "s" && seconds < 0.01; };
  const auto one = [&](double seconds, bool name) {
    if (is_short(seconds)) return fmt::format("{:.1f}", seconds * 1e3) + (name ? " ms" : "");
    return name ? quantity(seconds, unit) : number(seconds, unit);
  };
  const bool of_scale = !is_short(lanes.longest);
  std::string last = one(lanes.longest, named || !of_scale);
  if (one(lanes.shortest, true) == one(lanes.longest, true)) return last;
  return one(lanes.shortest, of_scale && is_short(lanes.shortest)) + "–" + last;
}

}  // namespace lab
