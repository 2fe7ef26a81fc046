#include <fmt/format.h>

#include <algorithm>

#include "harness/findings/trace_index.hpp"
#include "harness/findings/words.hpp"

namespace lab {

namespace {

// A load that is too short to have a rate, and a backlog that chance alone makes.
constexpr std::int64_t kFewestRequests = 50;
constexpr double kBacklog = 0.05;  // of the requests
constexpr std::int64_t kLeastBacklog = 10;
constexpr double kFull = 0.9;  // of the time that the members have

struct LoadDemand {
  std::int64_t requests = 0;
  Nanos first = 0, last = 0;          ///< of the planned arrivals
  std::int64_t waiting = 0;           ///< sent, and not begun when the last one came
  std::int64_t waiting_half_way = 0;  ///< the same at half of the time
  std::map<Resource, Nanos> held;     ///< by its requests, in all
};

LoadDemand demand_of(const TraceIndex& clues, std::uint32_t load) {
  LoadDemand demand;
  const auto ours = [&](const RequestRecord& record) {
    return record.load == load && record.parent == 0 && record.sent != 0;
  };
  for (const RequestRecord& record : clues.scene.records) {
    if (!ours(record)) continue;
    demand.first = demand.requests == 0 ? record.intended : std::min(demand.first, record.intended);
    demand.last = std::max(demand.last, record.intended);
    ++demand.requests;
    for (const Hold& hold : clues.occupancy.holds_of(record.id))
      demand.held[hold.resource] += hold.to - hold.from;
  }
  const Nanos half_way = (demand.first + demand.last) / 2;
  const auto waits_at = [&](const RequestRecord& record, Nanos moment) {
    return record.intended <= moment && (record.started == 0 || record.started > moment);
  };
  for (const RequestRecord& record : clues.scene.records) {
    if (!ours(record)) continue;
    demand.waiting += waits_at(record, demand.last) ? 1 : 0;
    demand.waiting_half_way += waits_at(record, half_way) ? 1 : 0;
  }
  return demand;
}

int members_of(const RunContext& scene, Resource resource) {
  switch (resource) {
    case Resource::loop: return 1;
    case Resource::pool:
    case Resource::thread: return scene.members.pool;
    case Resource::connection: return scene.members.connections;
    default: return 0;
  }
}

}  // namespace

void find_overload(const TraceIndex& clues, std::vector<Finding>& findings) {
  const RunContext& scene = clues.scene;
  for (std::uint32_t load = 0; load < scene.load_case.loads.size(); ++load) {
    const Arrivals arrivals = scene.load_case.loads[load].arrivals;
    if (arrivals != Arrivals::constant && arrivals != Arrivals::poisson) continue;
    const LoadDemand demand = demand_of(clues, load);
    const double least =
        std::max(static_cast<double>(kLeastBacklog), kBacklog * static_cast<double>(demand.requests));
    if (demand.requests < kFewestRequests || static_cast<double>(demand.waiting) < least ||
        demand.waiting <= demand.waiting_half_way)
      continue;
    for (const auto& [resource, held] : demand.held) {
      const std::int64_t members = std::int64_t{members_of(scene, resource)} * scene.workers;
      if (members == 0) continue;
      const double share =
          seconds(held) / (static_cast<double>(members) * seconds(demand.last - demand.first));
      if (share < kFull) continue;
      findings.push_back(
          {"LAB121",
           fmt::format("overloaded: more requests come than can be served. When the last of {} came, {} were "
                       "waiting (half "
                       "way {}), and their work fills {:.0f} % of the time of {}.",
                       count(demand.requests, "request"), demand.waiting, demand.waiting_half_way,
                       100 * share,
                       members == 1 ? fmt::format("the {}", to_string(resource))
                                    : fmt::format("the {} of {}", to_string(resource), members)),
           0,
           {{"requests", static_cast<double>(demand.requests)},
            {"waiting", static_cast<double>(demand.waiting)},
            {"load", share}}});
      break;
    }
  }
}

}  // namespace lab
