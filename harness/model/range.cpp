#include <algorithm>
#include <vector>

#include "harness/model/model.hpp"

namespace lab {

namespace {

constexpr std::size_t kLots = 200;

Range of_lots(ModelInput input) {
  std::vector<double> makespans;
  for (input.lot = 0; input.lot < kLots; ++input.lot) makespans.push_back(simulate(input).makespan_s);
  std::sort(makespans.begin(), makespans.end());
  return {makespans[kLots / 20], (makespans[kLots / 2 - 1] + makespans[kLots / 2]) / 2,
          makespans[kLots - 1 - kLots / 20]};
}

Range of_rule(const ModelInput& input) {
  Range range;
  range.median_s = range.low_s = range.high_s = simulate(input).makespan_s;
  for (const Dealing& dealing : other_dealings(*input.arm)) {
    ModelInput other = input;
    other.arm = &dealing.arm;
    const double makespan = simulate(other).makespan_s;
    range.low_s = std::min(range.low_s, makespan);
    range.high_s = std::max(range.high_s, makespan);
  }
  return range;
}

}  // namespace

std::vector<Dealing> other_dealings(const Arm& arm) {
  constexpr std::uint64_t kSomeLots = 40;
  std::vector<Dealing> dealings;
  if (arm.workers <= 1) return dealings;
  if (arm.accept == Accept::greedy) {
    dealings.resize(2, {arm, 0});
    for (Dealing& dealing : dealings) dealing.arm.accept = Accept::handoff;
    dealings.back().arm.workers = 1;
  } else if (arm.accept == Accept::reuseport) {
    for (std::uint64_t lot = 1; lot <= kSomeLots; ++lot) dealings.push_back({arm, lot});
  }
  return dealings;
}

std::optional<Range> makespan_range(const ModelInput& input) {
  if (input.arm->workers <= 1) return std::nullopt;
  switch (input.arm->accept) {
    case Accept::reuseport: return of_lots(input);
    case Accept::greedy: return of_rule(input);
    case Accept::handoff:
    case Accept::one: break;
  }
  return std::nullopt;
}

}  // namespace lab
