#include <algorithm>
#include <vector>

#include "harness/model/model.hpp"

namespace lab {

namespace {

constexpr std::size_t kLots = 200;

Range of_lots(ModelInput input) {
  std::vector<double> makespans;
  for (input.lot = 0; input.lot < kLots; ++input.lot) makespans.push_back(simulate(input).makespan_s);
  std::ranges::sort(makespans);
  return {makespans[kLots / 20], (makespans[kLots / 2 - 1] + makespans[kLots / 2]) / 2,
          makespans[kLots - 1 - kLots / 20]};
}

Range of_others(const ModelInput& input) {
  Range range;
  range.median_s = range.low_s = range.high_s = simulate(input).makespan_s;
  for (const Dealing& dealing : other_dealings(input)) {
    ModelInput other = input;
    other.arm = &dealing.arm;
    other.slice = dealing.slice;
    const double makespan = simulate(other).makespan_s;
    range.low_s = std::min(range.low_s, makespan);
    range.high_s = std::max(range.high_s, makespan);
  }
  return range;
}

Nanos longest_compute(const std::vector<Route>& routes) {
  Nanos longest = 0;
  for (const Route& route : routes) {
    for_each_step(route.plan, [&](const Step& step) {
      if (const auto* compute = step.as<Compute>()) longest = std::max(longest, compute->duration);
    });
  }
  return longest;
}

/// Linux takes a core away between 1.4 ms (EEVDF on two cores) and two ticks of 4 ms after it gave it.
void add_slices(const ModelInput& input, std::vector<Dealing>& dealings) {
  const Nanos longest = longest_compute(*input.routes);
  if (longest == 0) return;
  constexpr std::int64_t kMaxSlices = 1'000'000;
  const auto work = static_cast<double>(longest) * static_cast<double>(input.load_case->requests());
  const Nanos least = to_nanos(work / 1e9 / kMaxSlices);
  for (const Nanos slice : {1'400 * kMicrosecond, 3 * kMillisecond, 8 * kMillisecond})
    dealings.push_back({*input.arm, input.lot, std::max(slice, least)});
}

}  // namespace

bool dealt_by_chance(const Arm& arm) {
  return arm.workers > 1 && (arm.accept == Accept::greedy || arm.accept == Accept::reuseport);
}

std::vector<Dealing> other_dealings(const ModelInput& input) {
  constexpr std::uint64_t kSomeLots = 40;
  const Arm& arm = *input.arm;
  std::vector<Dealing> dealings;
  if (!dealt_by_chance(arm)) {
    add_slices(input, dealings);
  } else if (arm.accept == Accept::greedy) {
    dealings.resize(2, {arm});
    for (Dealing& dealing : dealings) dealing.arm.accept = Accept::handoff;
    dealings.back().arm.workers = 1;
    add_slices(input, dealings);
  } else {
    for (std::uint64_t lot = 1; lot <= kSomeLots; ++lot) dealings.push_back({arm, lot});
  }
  return dealings;
}

std::optional<Range> makespan_range(const ModelInput& input) {
  if (dealt_by_chance(*input.arm))
    return input.arm->accept == Accept::reuseport ? of_lots(input) : of_others(input);
  constexpr double kSame = 1.01;  // less is the length of a slice, not the order of the threads
  const Range range = of_others(input);
  if (range.high_s <= kSame * range.low_s) return std::nullopt;
  return range;
}

}  // namespace lab
