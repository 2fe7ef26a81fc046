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
  }
  return "?";
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
  }
  return "?";
}

bool Arm::uses(Resource resource) const {
  return std::any_of(modes.begin(), modes.end(), [&](const Traits& mode) { return mode.uses(resource); });
}

std::string Arm::mode_name() const {
  std::vector<std::string> names;
  for (const Traits& mode : modes) {
    if (std::find(names.begin(), names.end(), mode.name) == names.end()) names.emplace_back(mode.name);
  }
  return join(names, " + ");
}

}  // namespace lab
