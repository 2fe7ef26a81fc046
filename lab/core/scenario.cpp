#include "lab/core/scenario.hpp"

#include <algorithm>

#include "lab/core/event.hpp"
#include "lab/core/text.hpp"

namespace lab {

std::string_view to_string(Resource resource) {
  switch (resource) {
    case Resource::nothing: return "nothing";
    case Resource::loop: return "loop";
    case Resource::pool: return "pool";
    case Resource::thread: return "thread";
    case Resource::core: return "core";
    case Resource::gil: return "gil";
    case Resource::connection: return "connection";
    case Resource::queue: return "queue";
  }
  return "?";
}

std::string_view to_string(Arrivals arrivals) {
  switch (arrivals) {
    case Arrivals::burst: return "burst";
    case Arrivals::closed: return "closed";
    case Arrivals::constant: return "constant";
    case Arrivals::poisson: return "poisson";
    case Arrivals::staggered: return "staggered";
  }
  return "?";
}

std::string_view to_string(Accept accept) {
  switch (accept) {
    case Accept::handoff: return "handoff";
    case Accept::one: return "one";
    case Accept::greedy: return "greedy";
    case Accept::reuseport: return "reuseport";
  }
  return "?";
}

std::string_view to_string(Backend backend) {
  return backend == Backend::epoll ? "epoll" : "io_uring";
}

std::string_view to_string(EventKind kind) {
  switch (kind) {
    case EventKind::none: return "none";
    case EventKind::accepted: return "accepted";
    case EventKind::read: return "read";
    case EventKind::started: return "started";
    case EventKind::finished: return "finished";
    case EventKind::replied: return "replied";
    case EventKind::acquire: return "acquire";
    case EventKind::release: return "release";
    case EventKind::step_begin: return "step_begin";
    case EventKind::step_end: return "step_end";
    case EventKind::turn: return "turn";
    case EventKind::forgotten: return "forgotten";
    case EventKind::cancelled: return "cancelled";
    case EventKind::enqueued: return "enqueued";
    case EventKind::computed: return "computed";
    case EventKind::lost: return "lost";
  }
  return "?";
}

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
