#include "harness/client/connection_plan.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

namespace lab {

namespace {
// Standard streams, event ring, epoll, the servers' pipes, files of results.
constexpr std::uint64_t kSpare = 64;
}  // namespace

bool is_pooled(const Load& load) {
  return load.arrivals == Arrivals::constant || load.arrivals == Arrivals::poisson;
}

ConnectionPlan plan_connections(const Case& load_case, const std::vector<Arrival>& arrivals) {
  ConnectionPlan plan;
  plan.of_arrival.reserve(arrivals.size());
  std::vector<std::int64_t> pooled(load_case.loads.size(), 0);
  for (const Arrival& arrival : arrivals) {
    const Load& load = load_case.loads[arrival.load];
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

DescriptorNeed descriptor_need(const Case& load_case) {
  DescriptorNeed need{kSpare, kSpare};
  for (const Load& load : load_case.loads) {
    const auto requests = static_cast<std::uint64_t>(std::max<std::int64_t>(0, load.requests));
    std::uint64_t at_once = requests;
    if (load.arrivals == Arrivals::closed) {
      at_once = std::min(requests, static_cast<std::uint64_t>(std::max<std::int64_t>(0, load.clients)));
    }
    need.wished += at_once;
    need.least += is_pooled(load) ? std::min<std::uint64_t>(at_once, kPoolStart) : at_once;
  }
  return need;
}

Result<std::uint64_t> choose_limit(const DescriptorNeed& need, std::uint64_t soft, std::uint64_t hard) {
  if (hard < need.least) {
    return environment_error(
        "too few file descriptors: this load needs {}, the hard limit is {}; raise it (as root: `ulimit -n "
        "{}`) or "
        "send fewer requests at once",
        need.least, hard, need.least);
  }
  return std::max(soft, std::min(need.wished, hard));
}

Result<std::uint64_t> raise_descriptor_limit(const DescriptorNeed& need) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return system_error("getrlimit", "RLIMIT_NOFILE", errno);
  auto chosen = choose_limit(need, limit.rlim_cur, limit.rlim_max);
  if (!chosen || *chosen == limit.rlim_cur) return chosen;
  limit.rlim_cur = *chosen;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return system_error("setrlimit", "RLIMIT_NOFILE", errno);
  return chosen;
}

}  // namespace lab
