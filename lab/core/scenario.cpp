#include "lab/core/scenario.hpp"

#include <algorithm>

#include "lab/core/event.hpp"
#include "lab/core/text.hpp"

namespace lab {

bool Arm::uses(Resource resource) const {
  return std::any_of(modes.begin(), modes.end(), [&](const Traits& mode) { return mode.uses(resource); });
}

bool needs_pool(const std::vector<Route>& routes, const Arm& arm) {
  if (arm.uses(Resource::pool)) return true;
  if (arm.uses(Resource::thread)) return false;
  return std::any_of(routes.begin(), routes.end(), [](const Route& route) {
    bool pooled = std::any_of(route.depends.begin(), route.depends.end(),
                              [](const Dependency& dependency) { return !dependency.asynchronous; });
    for_each_step(route.plan,
                  [&](const Step& step) { pooled |= std::holds_alternative<Pooled>(step.action); });
    return pooled;
  });
}

std::string Arm::mode_name() const {
  std::vector<std::string> names;
  for (const Traits& mode : modes) {
    if (std::find(names.begin(), names.end(), mode.name) == names.end()) names.emplace_back(mode.name);
  }
  return join(names, " + ");
}

bool has_rate(Arrivals arrivals) {
  return arrivals == Arrivals::constant || arrivals == Arrivals::poisson || arrivals == Arrivals::staggered;
}

}  // namespace lab
