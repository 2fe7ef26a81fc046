// Random experiments for properties that hold of all of them. The same seed makes the same one on every
// machine.
#pragma once

#include "harness/model/model_testing.hpp"

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

}  // namespace lab::testing
