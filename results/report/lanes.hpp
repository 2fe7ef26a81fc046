#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "results/render/formatting.hpp"
#include "results/render/page.hpp"
#include "results/report/report.hpp"

namespace lab {

using LaneCells = std::vector<LaneState>;

/// Lanes that look alike.
struct LaneGroup {
  std::vector<std::uint32_t> requests{};
  std::string route;
  LaneCells cells;
  double first_end = 0, last_end = 0;  ///< seconds after the first request was sent
  double shortest = 0, longest = 0;    ///< seconds from a request's sending to its reply
  bool answered = true;
  const Lane* first = nullptr;
  std::vector<double> served{};  ///< the end of each
  bool one_by_one = false;       ///< sent at many moments beside requests of another route
};

/// How a state is drawn, and what it is called beside the lanes.
struct LaneLook {
  const char* unicode;
  const char* ascii;
  const char* colour;  ///< of the 256-colour palette, near Okabe and Ito's set for colour blindness
  std::string_view meaning;
  std::string_view brief;  ///< where the meanings do not fit one line
  std::string_view fill;   ///< in a picture: their palette, with patterns for those who see no colours
};

/// By LaneState.
inline constexpr LaneLook kLaneLooks[] = {
    {" ", " ", "", "", "", "fill=\"none\""},
    {"·", ".", "245", "unread", "unread", "fill=\"url(#unread)\" stroke=\"#999\""},
    {"▒", "+", "178", "runnable", "runnable", "fill=\"#f0e442\" stroke=\"#999\""},
    {"█", "#", "166", "holds the loop", "loop", "fill=\"#d55e00\""},
    {"▓", "P", "32", "holds a pool member or thread", "pool or thread", "fill=\"#0072b2\""},
    {"░", "~", "74", "waits, loop free", "waits", "fill=\"url(#waiting)\" stroke=\"#009e73\""},
    {"╳", "x", "136", "waits for the GIL", "waits for the GIL", "fill=\"url(#lock)\" stroke=\"#e69f00\""},
    {"─", "-", "245", "reply on its way", "reply", "fill=\"#cc79a7\""},
    {"•", "o", "36", "served", "served", "fill=\"#009e73\""},
};
constexpr const LaneLook& look_of(LaneState state) {
  return kLaneLooks[static_cast<std::size_t>(state)];
}

/// The two arms whose lanes answer the question: the one that took longest, and the fastest of those whose
/// requests wait while their loop is free. Of several cases the first in which the former's requests queue
/// longer than in its first one, else that which took longest. A server of one's own is one of the two. Empty
/// where no arm has lanes.
std::vector<const ArmReport*> telling_arms(const Report& report);

/// The lanes of some arms on one time scale, as a terminal and every picture show them.
struct LaneView {
  std::vector<const ArmReport*> arms;
  std::vector<std::vector<LaneGroup>> groups;  ///< by arm, in the order in which they end
  double scale_s = 1;
  bool routes = false, cases = false;  ///< there are several, so they are named
};
LaneView fold_lanes(const Report& report, std::vector<const ArmReport*> arms, std::size_t count);

/// The `count` groups that say most: the one of each route that lasted longest, the first one, the last one,
/// then those behind the first.
std::vector<bool> chosen_groups(const std::vector<LaneGroup>& groups, std::size_t count);
/// Which groups are drawn: all of them, or where they are more than `most` one less, for the mark of those
/// that are left out.
std::vector<bool> drawn_groups(const std::vector<LaneGroup>& groups, std::size_t most);

/// `7`, `1–10`, `1–2, 5`, or `40 requests` where too many others lie between; behind the route's name where
/// there are several.
std::string group_label(const LaneGroup& lanes, bool with_route);

/// `the first 2000 of 100000 requests` where only these have lanes, otherwise nothing.
std::string cut_words(const ArmReport& arm);

/// Deaths that are drawn with the lanes: those of their repetition.
std::vector<ReportedDeath> drawn_deaths(const ArmReport& arm);
/// `worker 0, back after 3 ms`; the worker where it is to be named.
std::string death_words(const ReportedDeath& death, bool named);

/// One unit that separates what the requests of all lanes on that scale took.
Unit lane_unit(double scale_s);
/// `0.10 s`, `16.1–24.9 ms`, `0.4 ms` on a scale of seconds, `no reply`. Without `named` the unit's name is
/// left out where it is the scale's.
std::string lane_time(const LaneGroup& lanes, const Unit& unit, bool named);

/// The lanes of the telling arms. A few lines an arm, and one more for each arm of which only the first
/// requests are known; fewer where there is only room for `most_rows`.
std::vector<std::string> draw_lanes(const Report& report, const TextStyle& style,
                                    std::size_t most_rows = std::string::npos);

}  // namespace lab
