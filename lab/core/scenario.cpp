#include "lab/core/scenario.hpp"

#include <algorithm>

#include "lab/core/text.hpp"

namespace lab {

bool needs_pool(const std::vector<Route>& routes, const Arm& arm) {
  if (arm.uses(Resource::pool)) return true;
  if (arm.uses(Resource::thread)) return false;
  return std::ranges::any_of(routes, [](const Route& route) {
    return has_step<Pooled>(route.plan) ||
           std::ranges::any_of(route.depends,
                               [](const Dependency& dependency) { return !dependency.asynchronous; });
  });
}

bool is_job(const Traits& mode, const Plan& plan) {
  return mode.computing == Resource::queue && !plan.empty() && !has_step<Enqueue, FetchResult>(plan);
}

Plan executed_plan(const Route& route, const Traits& mode) {
  return is_job(mode, route.plan) ? Plan{{Enqueue{std::string(kDefaultQueue), route.plan}}} : route.plan;
}

std::string Arm::mode_name() const {
  std::vector<std::string> names;
  for (const Traits& mode : modes) {
    if (std::ranges::find(names, mode.name) == names.end()) names.emplace_back(mode.name);
  }
  return join(names, " + ");
}

}  // namespace lab
