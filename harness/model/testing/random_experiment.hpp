// Random experiments for properties that hold of all of them. The same seed makes the same one on every
// machine.
#pragma once

#include "harness/model/testing/model_testing.hpp"

namespace lab::testing {

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 0xD1B54A32D192ED03ULL) {}
  /// low … high
  std::int64_t number(std::int64_t low, std::int64_t high) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return low + static_cast<std::int64_t>((state_ >> 33) % static_cast<std::uint64_t>(high - low + 1));
  }
  bool one_in(std::int64_t n) { return number(1, n) == 1; }

 private:
  std::uint64_t state_;
};

inline Plan random_plan(Draw& draw) {
  Plan plan;
  const std::int64_t steps = draw.number(0, 3);
  for (std::int64_t i = 0; i < steps; ++i) {
    const Nanos span = draw.one_in(8) ? 0 : draw.number(1, 20) * kMillisecond + draw.number(0, 1) * 333'333;
    Step step = draw.one_in(3) ? cpu(span) : wait(span);
    step.blocking = draw.one_in(4);
    plan.push_back(step);
  }
  return plan;
}

inline Load random_load(Draw& draw, std::size_t routes) {
  const auto route = static_cast<std::size_t>(draw.number(0, static_cast<std::int64_t>(routes) - 1));
  const std::int64_t n = draw.number(1, 12);
  Load load;
  switch (draw.number(0, 4)) {
    case 0: load = burst(n, route); break;
    case 1: load = closed(draw.number(1, 5), n, route); break;
    case 2: load = constant(n, draw.number(1, 15) * kMillisecond, 0, route); break;
    case 3: load = poisson(n, draw.number(1, 15) * kMillisecond, route); break;
    default: {
      std::vector<Nanos> at;
      for (std::int64_t i = 0; i < n; ++i) at.push_back(draw.number(0, 60) * kMillisecond);
      load = staggered(std::move(at), route);
    }
  }
  load.from = draw.one_in(2) ? 0 : draw.number(0, 50) * kMillisecond;
  load.fresh_connections = draw.one_in(4);
  return load;
}

inline Experiment random_experiment(std::uint64_t seed) {
  Draw draw(seed);
  std::vector<std::pair<Traits, Plan>> handlers;
  // A server with a thread for each connection has no loop beside it.
  const bool threads = draw.one_in(4);
  const std::int64_t routes = draw.number(1, 3);
  for (std::int64_t i = 0; i < routes; ++i) {
    const Traits loops[] = {kBlockingLoop, kAsyncLoop, kThreadPool, kOffload};
    handlers.emplace_back(threads ? kThreads : loops[draw.number(0, 3)], random_plan(draw));
  }
  std::vector<Load> loads;
  const std::int64_t streams = draw.number(1, 3);
  for (std::int64_t i = 0; i < streams; ++i) loads.push_back(random_load(draw, handlers.size()));
  Experiment experiment(std::move(handlers), std::move(loads));
  experiment.workers(static_cast<int>(draw.number(1, 4))).threads(static_cast<int>(draw.number(1, 5)));
  experiment.on_cores(static_cast<int>(draw.number(1, 4)));
  experiment.arm.gil = draw.one_in(3);
  experiment.seed = static_cast<std::uint64_t>(draw.number(0, 1000));
  return experiment;
}

/// Every kind of step, nested up to `depth`.
inline Plan random_rich_plan(Draw& draw, int depth) {
  Plan plan;
  const auto inner = [&] { return depth > 0 ? random_rich_plan(draw, depth - 1) : random_plan(draw); };
  const std::int64_t steps = draw.number(0, 3);
  for (std::int64_t i = 0; i < steps; ++i) {
    const Nanos span = draw.number(0, 12) * kMillisecond;
    Step step = wait(span);
    switch (draw.number(0, 12)) {
      case 0: step = cpu(span); break;
      case 1: step = on_connection(span); break;
      case 2: step = compute(Work::file_read, span); break;
      case 3: step = {Query{span, ""}, false}; break;
      case 4: step = {Yield{}, false}; break;
      case 5: step = {Increment{}, false}; break;
      case 6: step = repeat(draw.number(0, 4), inner()); break;
      case 7: step = gather({inner(), inner()}); break;
      case 8: step = pooled(inner()); break;
      case 9: step = background(inner()); break;
      case 10: step = forget(inner()); break;
      case 11: step = {CallUpstream{span, true}, false}; break;
      default: break;
    }
    step.blocking = draw.one_in(5) && nested_plans(step).empty();
    plan.push_back(std::move(step));
  }
  return plan;
}

/// Everything that leaves all requests answered with 200, if the queues are large enough.
inline Experiment random_rich_experiment(std::uint64_t seed) {
  Draw draw(seed + 77);
  Experiment experiment = random_experiment(seed);
  const bool threads = experiment.arm.modes.front().handler == Resource::thread;
  for (std::size_t i = 0; i < experiment.routes.size(); ++i) {
    Route& route = experiment.routes[i];
    if (!threads && draw.one_in(6)) experiment.arm.modes[i] = kTaskQueue;
    route.plan = random_rich_plan(draw, 2);
    if (experiment.arm.modes[i].handler == Resource::loop && draw.one_in(5)) {
      route.plan.push_back(enqueue(random_rich_plan(draw, 1)));
    }
    while (draw.one_in(3)) route.depends.push_back({random_rich_plan(draw, 1), draw.one_in(2)});
  }
  for (Load& load : experiment.load_case.loads) {
    if (!draw.one_in(4)) continue;
    load.body_bytes = 1000;
    load.body_over = draw.number(0, 20) * kMillisecond;
  }
  const Accept policies[] = {Accept::handoff, Accept::one, Accept::greedy, Accept::reuseport};
  experiment.accept(policies[draw.number(0, 3)], static_cast<int>(draw.number(0, 3)));
  experiment.connections(static_cast<int>(draw.number(0, 3)));
  experiment.arm.pool_processes = draw.one_in(4);
  experiment.arm.shared_counters = draw.one_in(2);
  experiment.arm.queues["jobs"] = {static_cast<int>(draw.number(1, 3)), 1000, draw.one_in(2)};
  return experiment;
}

/// The same with clients that go, workers that die and queues that are full.
inline Experiment random_faulty_experiment(std::uint64_t seed) {
  Draw draw(seed + 99);
  Experiment experiment = random_rich_experiment(seed);
  for (Load& load : experiment.load_case.loads) {
    if (draw.one_in(2)) load.hang_up = draw.number(1, 40) * kMillisecond;
  }
  while (draw.one_in(2)) {
    experiment.load_case.kills.push_back(
        {static_cast<int>(draw.number(0, 3)), draw.number(0, 100) * kMillisecond});
  }
  experiment.arm.queues["jobs"].capacity = draw.number(0, 2);
  experiment.arm.cancel = draw.one_in(2);
  return experiment;
}

}  // namespace lab::testing
