#include "harness/client/connection_plan.hpp"

namespace lab {

bool is_pooled(const Load& load) {
  return load.arrivals == Arrivals::constant || load.arrivals == Arrivals::poisson;
}

ConnectionPlan plan_connections(const Case& load_set, const std::vector<Arrival>& arrivals) {
  ConnectionPlan plan;
  plan.of_arrival.reserve(arrivals.size());
  std::vector<std::int64_t> pooled(load_set.loads.size(), 0);
  for (const Arrival& arrival : arrivals) {
    const Load& load = load_set.loads[arrival.load];
    const auto next = static_cast<std::uint32_t>(plan.connections.size());
    if (!is_pooled(load)) {
      plan.connections.push_back({arrival.load, !load.fresh_connections});
      plan.of_arrival.push_back(next);
      continue;
    }
    if (!load.fresh_connections && pooled[arrival.load] < kPoolStart) {
      ++pooled[arrival.load];
      plan.connections.push_back({arrival.load, true});
    }
    plan.of_arrival.push_back(kNoConnection);
  }
  return plan;
}

}  // namespace lab
