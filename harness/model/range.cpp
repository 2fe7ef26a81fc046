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
  range.median_s = simulate(input).makespan_s;
  ModelInput other = input;
  Arm arm = *input.arm;
  other.arm = &arm;
  arm.accept = Accept::handoff;
  range.low_s = std::min(range.median_s, simulate(other).makespan_s);
  arm.workers = 1;
  range.high_s = std::max(range.median_s, simulate(other).makespan_s);
  return range;
}

}  // namespace

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
