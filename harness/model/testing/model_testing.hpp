// For the tests of this folder: execution models as rows of the table, experiments in a line, sinks that keep
// all.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "harness/model/model.hpp"

namespace lab::testing {

inline constexpr Traits kBlockingLoop{
    "blocking-loop", "", "", Resource::loop, Resource::loop, Resource::loop, Resource::nothing};
inline constexpr Traits kAsyncLoop{
    "async-loop", "", "", Resource::loop, Resource::nothing, Resource::loop, Resource::nothing};
inline constexpr Traits kThreadPool{"thread-pool",    "", "", Resource::pool, Resource::pool, Resource::pool,
                                    Resource::nothing};
inline constexpr Traits kOffload{"offload",        "", "", Resource::loop, Resource::pool, Resource::pool,
                                 Resource::nothing};
inline constexpr Traits kThreads{
    "thread-per-request", "", "", Resource::thread, Resource::thread, Resource::thread, Resource::thread};

inline constexpr Traits kTaskQueue{
    "task-queue", "", "", Resource::loop, Resource::nothing, Resource::queue, Resource::nothing};

inline constexpr Nanos ms(std::int64_t count) {
  return count * kMillisecond;
}

inline Step wait(Nanos duration) {
  return {Wait{duration}, false};
}
inline Step cpu(Nanos duration) {
  Compute compute;
  compute.duration = duration;
  return {compute, false};
}
inline Step blocking(Step step) {
  step.blocking = true;
  return step;
}

inline Step on_connection(Nanos duration) {
  return {Wait{duration, true}, false};
}
inline Step compute(Work work, Nanos duration) {
  Compute compute;
  compute.work = work;
  compute.duration = duration;
  return {compute, false};
}
inline Step repeat(std::int64_t times, Plan steps) {
  return {Repeat{times, std::move(steps)}, false};
}
inline Step gather(std::vector<Plan> branches) {
  return {Gather{std::move(branches)}, false};
}
inline Step pooled(Plan steps) {
  return {Pooled{std::move(steps)}, false};
}
inline Step forget(Plan steps) {
  return {Forget{std::move(steps)}, false};
}
inline Step background(Plan steps) {
  return {Background{std::move(steps)}, false};
}
inline Step enqueue(Plan steps) {
  return {Enqueue{"jobs", std::move(steps)}, false};
}
inline Step fetch() {
  return {FetchResult{"jobs"}, false};
}

inline Load burst(std::int64_t requests, std::size_t route = 0, Nanos from = 0) {
  Load load;
  load.route = route;
  load.requests = requests;
  load.from = from;
  return load;
}
inline Load closed(std::int64_t clients, std::int64_t requests, std::size_t route = 0) {
  Load load = burst(requests, route);
  load.arrivals = Arrivals::closed;
  load.clients = clients;
  return load;
}
inline Load constant(std::int64_t requests, Nanos every, Nanos from = 0, std::size_t route = 0) {
  Load load = burst(requests, route, from);
  load.arrivals = Arrivals::constant;
  load.every = every;
  return load;
}
inline Load poisson(std::int64_t requests, Nanos every, std::size_t route = 0) {
  Load load = constant(requests, every, 0, route);
  load.arrivals = Arrivals::poisson;
  return load;
}
inline Load fresh(Load load) {
  load.fresh_connections = true;
  return load;
}
inline Load staggered(std::vector<Nanos> at, std::size_t route = 0) {
  Load load = burst(static_cast<std::int64_t>(at.size()), route);
  load.arrivals = Arrivals::staggered;
  load.at = std::move(at);
  return load;
}

struct Keep {
  std::vector<RequestRecord> records;  // in order of the replies
  Events events;
  std::int64_t count(EventKind kind) const {
    return std::count_if(events.begin(), events.end(),
                         [&](const Event& event) { return event.kind == kind; });
  }
  const RequestRecord& of(std::uint32_t id) const {
    return *std::find_if(records.begin(), records.end(),
                         [&](const RequestRecord& record) { return record.id == id; });
  }
  /// Ids in order of the replies.
  std::vector<std::uint32_t> order() const {
    std::vector<std::uint32_t> ids;
    for (const RequestRecord& record : records) ids.push_back(record.id);
    return ids;
  }
  /// When each request was answered, by id, after the start of the load.
  std::vector<Nanos> received() const {
    std::vector<std::pair<std::uint32_t, Nanos>> by_id;
    for (const RequestRecord& record : records) by_id.emplace_back(record.id, record.received - kModelStart);
    std::sort(by_id.begin(), by_id.end());
    std::vector<Nanos> times;
    for (const auto& [id, at] : by_id) times.push_back(at);
    return times;
  }
  Nanos worst_latency(std::uint32_t route) const {
    Nanos worst = 0;
    for (const RequestRecord& record : records) {
      if (record.route == route) worst = std::max(worst, record.latency());
    }
    return worst;
  }
};

/// Owns what a ModelInput points to.
struct Experiment {
  std::vector<Route> routes;
  Case load_case;
  Arm arm;
  int cores = 2;
  std::uint64_t seed = 0;

  Experiment(Traits mode, Plan plan, Load load) : Experiment({{mode, std::move(plan)}}, {std::move(load)}) {}
  Experiment(std::vector<std::pair<Traits, Plan>> handlers, std::vector<Load> loads) {
    for (auto& [mode, plan] : handlers) {
      const std::string name = "r" + std::to_string(routes.size());
      Route route;
      route.name = name;
      route.method = "GET";
      route.path = "/" + name;
      route.plan = std::move(plan);
      routes.push_back(std::move(route));
      arm.modes.push_back(mode);
    }
    load_case.loads = std::move(loads);
  }

  Experiment& workers(int count) {
    arm.workers = count;
    return *this;
  }
  Experiment& threads(int count) {
    arm.threads = count;
    return *this;
  }
  Experiment& on_cores(int count) {
    arm.cores = count;
    return *this;
  }
  Experiment& gil() {
    arm.gil = true;
    return *this;
  }
  Experiment& accept(Accept policy, int limit = 1) {
    arm.accept = policy;
    arm.accept_limit = limit;
    return *this;
  }
  Experiment& connections(int count) {
    arm.connections = count;
    return *this;
  }
  ModelInput input() const { return {&routes, &arm, &load_case, cores, seed}; }
  double makespan() const { return simulate(input()).makespan_s; }
  Keep observed() const {
    Keep keep;
    simulate(input(), &keep.records, &keep.events);
    return keep;
  }
};

}  // namespace lab::testing
