#include "lab/core/scenario.hpp"

#include <algorithm>

#include "lab/core/event.hpp"
#include "lab/core/text.hpp"

namespace lab {

bool Arm::uses(Resource resource) const {
  return std::ranges::any_of(modes, [&](const Traits& mode) { return mode.uses(resource); });
}

bool needs_pool(const std::vector<Route>& routes, const Arm& arm) {
  if (arm.uses(Resource::pool)) return true;
  if (arm.uses(Resource::thread)) return false;
  return std::ranges::any_of(routes, [](const Route& route) {
    bool pooled = std::ranges::any_of(route.depends,
                                      [](const Dependency& dependency) { return !dependency.asynchronous; });
    for_each_step(route.plan, [&](const Step& step) { pooled |= step.is<Pooled>(); });
    return pooled;
  });
}

std::string Arm::mode_name() const {
  std::vector<std::string> names;
  for (const Traits& mode : modes) {
    if (std::ranges::find(names, mode.name) == names.end()) names.emplace_back(mode.name);
  }
  return join(names, " + ");
}

bool has_rate(Arrivals arrivals) {
  return arrivals == Arrivals::constant || arrivals == Arrivals::poisson || arrivals == Arrivals::staggered;
}

}  // namespace lab
