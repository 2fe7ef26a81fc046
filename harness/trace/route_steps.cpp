#include "harness/trace/route_steps.hpp"

namespace lab {

RouteSteps::RouteSteps(const Route& route) {
  for (const Dependency& dependency : route.depends) add(dependency.steps);
  add(route.plan);
}

void RouteSteps::add(const Plan& plan) {
  for_each_step(plan, [this](const Step& step) {
    steps_.push_back(&step);
    unhindered_.push_back(unhindered_time({step}));
  });
}

const Step* RouteSteps::step(std::int64_t index) const {
  const bool there = index >= 0 && static_cast<std::size_t>(index) < steps_.size();
  return there ? steps_[static_cast<std::size_t>(index)] : nullptr;
}

Nanos RouteSteps::unhindered(std::int64_t index) const {
  return step(index) == nullptr ? 0 : unhindered_[static_cast<std::size_t>(index)];
}

bool RouteSteps::waits(std::int64_t index) const {
  const Step* found = step(index);
  return found != nullptr && (std::holds_alternative<Wait>(found->action) ||
                              std::holds_alternative<CallUpstream>(found->action) ||
                              std::holds_alternative<Query>(found->action));
}

std::vector<RouteSteps> steps_of_routes(const std::vector<Route>& routes) {
  return {routes.begin(), routes.end()};
}

}  // namespace lab
