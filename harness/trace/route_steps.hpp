#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "harness/trace/occupancy.hpp"
#include "lab/core/plan.hpp"

namespace lab {

/// The steps of a route by the number that their events bear: in the order of the text, the dependencies'
/// first. Points into the route, which must outlive it.
class RouteSteps {
 public:
  explicit RouteSteps(const Route& route);

  /// None where the route has no such step.
  const Step* step(std::int64_t index) const;
  /// Of one that the route has.
  std::int64_t index_of(const Step& step) const { return std::ranges::find(steps_, &step) - steps_.begin(); }
  /// Its time when nothing is in its way, in nanoseconds; 0 where there is no such step.
  Nanos unhindered(std::int64_t index) const;
  /// Whether it is something outside that the step waits for, rather than computing.
  bool waits(std::int64_t index) const;
  std::size_t size() const { return steps_.size(); }

 private:
  std::vector<const Step*> steps_;
  std::vector<Nanos> unhindered_;
};

std::vector<RouteSteps> steps_of_routes(const std::vector<Route>& routes);

/// When the steps of a plan were executed, as far as it follows from when the handler ran (`from` to `to`)
/// and what it held meanwhile (loop, pool member, thread). For servers that report no more than that. Where
/// it held something for as long as the whole plan takes, or nothing is known of that, the steps lie in those
/// times: one in each, or all in the only one, in the order of the plan, each as long as it takes unhindered
/// and the last one as long as there is time. Otherwise the waits are the longest times in which it held
/// nothing, and the rest is between them. None where neither fits, or steps run at once.
std::vector<StepSpan> infer_steps(const Route& route, Nanos from, Nanos to, std::span<const Hold> holds);

}  // namespace lab
