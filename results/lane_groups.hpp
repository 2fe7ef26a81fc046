#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "results/report.hpp"

namespace lab {

using LaneCells = std::vector<LaneState>;

/// Lanes that look alike.
struct LaneGroup {
  std::vector<std::uint32_t> requests;
  std::string route;
  LaneCells cells;
  double first_end = 0, last_end = 0;  ///< seconds
  bool answered = true;
  std::size_t of = 0;  ///< lanes of this route
};

/// An arm's lanes on a scale of `count` cells, those that look alike together: in the order in which they
/// end, as far as that can be seen; then by request.
std::vector<LaneGroup> group_lanes(const ArmReport& arm, double scale_s, std::size_t count);

/// `7`, `1–10`, or `40 of 41` where others lie between.
std::string request_numbers(const LaneGroup& lanes);

}  // namespace lab
