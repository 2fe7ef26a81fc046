#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "results/render/formatting.hpp"
#include "results/report/report.hpp"

namespace lab {

using LaneCells = std::vector<LaneState>;

/// Lanes that look alike.
struct LaneGroup {
  std::vector<std::uint32_t> requests;
  std::string route;
  LaneCells cells;
  double first_end = 0, last_end = 0;  ///< seconds after the first request was sent
  double shortest = 0, longest = 0;    ///< seconds from a request's sending to its reply
  bool answered = true;
  const Lane* first = nullptr;
  std::size_t of = 0;  ///< lanes of this route
};

/// What a state is called beside the lanes, on a terminal and in a picture.
std::string_view meaning_of(LaneState state);

/// The end of an arm's last lane, in seconds.
double last_end(const ArmReport& arm);

/// An arm's lanes on a scale of `count` cells, those that look alike together: in the order in which they
/// end, as far as that can be seen; then by request.
std::vector<LaneGroup> group_lanes(const ArmReport& arm, double scale_s, std::size_t count);

/// Which groups are drawn: all of them, or where they are more than `most` the first ones, the first of each
/// other route and the last one, and one row less than `most` for the mark of those that are left out.
std::vector<bool> drawn_groups(const std::vector<LaneGroup>& groups, std::size_t most);

/// `7`, `1–10`, or `40 of 41` where others lie between; behind the route's name where there are several.
std::string group_label(const LaneGroup& lanes, bool with_route);

/// `the first 2000 of 100000 requests` where only these have lanes, otherwise nothing.
std::string cut_words(const ArmReport& arm);

/// What the requests of an arm's lanes took, in one unit that tells them apart.
class LaneTimes {
 public:
  explicit LaneTimes(double scale_s);
  /// `0.10 s`, `16.1–24.9 ms`, `0.4 ms` on a scale of seconds, `no reply`. Without `unit` its name is left
  /// out where it is the scale's.
  std::string of(const LaneGroup& lanes, bool unit) const;
  const std::string& unit() const { return unit_.name; }

 private:
  bool is_short(double seconds) const;
  std::string one(double seconds, bool unit) const;
  Unit unit_;
};

}  // namespace lab
