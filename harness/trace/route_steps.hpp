#pragma once

#include <cstdint>
#include <vector>

#include "lab/core/plan.hpp"

namespace lab {

/// The steps of a route by the number that their events bear: in the order of the text, the dependencies'
/// first. Points into the route, which must outlive it.
class RouteSteps {
 public:
  explicit RouteSteps(const Route& route);

  /// None where the route has no such step.
  const Step* step(std::int64_t index) const;
  /// Its time when nothing is in its way, in nanoseconds; 0 where there is no such step.
  Nanos unhindered(std::int64_t index) const;
  /// Whether it is something outside that the step waits for, rather than computing.
  bool waits(std::int64_t index) const;
  std::size_t size() const { return steps_.size(); }

 private:
  void add(const Plan& plan);

  std::vector<const Step*> steps_;
  std::vector<Nanos> unhindered_;
};

std::vector<RouteSteps> steps_of_routes(const std::vector<Route>& routes);

}  // namespace lab
