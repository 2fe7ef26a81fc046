#include "lab/servers/supervisor/server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "lab/servers/mode.hpp"
#include "lab/servers/steps/process_pool.hpp"
#include "lab/servers/steps/services.hpp"
#include "lab/servers/steps/work.hpp"

namespace lab {

namespace {

// What a request may at most execute, and how deep its steps may lie in each other: the stack is finite.
constexpr std::int64_t kMaxSteps = 100'000'000;
constexpr int kMaxDepth = 64;
constexpr std::int64_t kMaxQueueWorkers = 256;
constexpr std::int64_t kMaxQueued = 50'000;

/// A number that somebody gave, and what it may be.
struct Range {
  std::string name;
  std::int64_t value, least, most;
};

int depth_of(const Plan& plan) {
  int depth = 0;
  for (const Step& step : plan) {
    for (const Plan* inner : nested_plans(step)) depth = std::max(depth, 1 + depth_of(*inner));
  }
  return depth;
}

/// Throws Failure where something is wrong with the steps of one route in its mode.
class StepCheck {
 public:
  StepCheck(const ServerSetup& setup, const Route& route, const Traits& mode)
      : setup_(setup), route_(route), mode_(mode) {}

  void run() const {
    refuse_if(route_.method == "WS" && mode_.handler == Resource::thread,
              "thread-per-request (cpp-httplib) has no WebSocket; use a mode with a loop");
    refuse_if(route_.body_limit < 0 || route_.body_deadline < 0,
              "body_limit and body_deadline must not be negative");
    for (const Dependency& dependency : route_.depends) check(dependency.steps, dependency.asynchronous);
    check(route_.plan, mode_.handler == Resource::loop);
  }

 private:
  void check(const Plan& plan, bool on_loop) const {
    refuse_if(depth_of(plan) > kMaxDepth, "its steps are nested more than {} levels deep", kMaxDepth);
    refuse_if(executed_steps(plan) > kMaxSteps, "a request would execute more than {} steps", kMaxSteps);
    check_steps(plan, on_loop);
  }

  void check_steps(const Plan& plan, bool on_loop) const {
    for (const Step& step : plan) {
      std::visit([&](const auto& action) { check_step(action); }, step.action);
      const std::string_view word = loop_only_word(step);
      refuse_if(!word.empty() && !on_loop,
                "{} needs a handler on the loop, and {} runs this one elsewhere; use async-loop or offload",
                word, mode_.name);
      const bool stays = !step.is<Pooled, Enqueue>();
      for (const Plan* inner : nested_plans(step)) check_steps(*inner, on_loop && stays);
    }
  }

  void check_step(const CallUpstream& /*call*/) const {
    refuse_if(setup_.upstream_port == 0, "call needs an upstream server, and there is none");
  }
  void check_step(const Query& query) const {
    refuse_if(setup_.postgres.empty(),
              "query needs PostgreSQL, and none was given; use --postgres URL or --postgres local");
    refuse_if(query.sql.size() >= kMaxMessageBytes / 2, "the text of a query has {} bytes; {} are the most",
              query.sql.size(), kMaxMessageBytes / 2);
  }
  void check_step(const Increment& /*step*/) const {
    refuse_if(setup_.arm.shared_counters && setup_.store.empty(),
              "shared counters need a file to count in, and there is none");
  }
  void check_step(const Compute& compute) const {
    refuse_if(compute.units < 0 || compute.duration < 0, "{} needs an amount that is not negative",
              to_string(compute.work));
  }
  template <class Other>
  void check_step(const Other& /*step*/) const {}

  template <class... Args>
  void refuse_if(bool wrong, fmt::format_string<Args...> text, Args&&... args) const {
    lab::refuse_if(wrong, "arm '{}', route '{}': {}", setup_.arm.id, route_.name,
                   fmt::format(text, std::forward<Args>(args)...));
  }

  const ServerSetup& setup_;
  const Route& route_;
  const Traits& mode_;
};

/// Reads a byte of every file that the routes read.
Result<void> check_files(const std::vector<Route>& routes) {
  Result<void> outcome;
  const auto look = [&outcome](const Step& step) {
    const auto* compute = step.as<Compute>();
    if (compute == nullptr || compute->file.empty() || !outcome) return;
    Compute one_byte = *compute;
    one_byte.units = 1;
    outcome = run_work(one_byte, {});
  };
  for (const Route& route : routes) for_each_step(route, look);
  return outcome;
}

void check_modes(const ServerSetup& setup) {
  const Arm& arm = setup.arm;
  bool own_server = false;
  bool loop_server = false;
  bool offloads = false;
  for (const Traits& traits : arm.modes) {
    const Mode* mode = find_mode(traits.name);
    refuse_if(mode == nullptr, "no execution model is called '{}'; see lab list", traits.name);
    if (!mode->is_built())
      throw Failure(environment_error(
          "this statically linked lab has no {}; use the Debian package or ./labw", traits.name));
    (mode->loop != nullptr ? loop_server : own_server) = true;
    offloads |= traits.handler == Resource::loop && traits.waiting == Resource::pool;
  }
  refuse_if(own_server && loop_server, "{} cannot share a server: thread-per-request has no loop",
            arm.mode_name());
  refuse_if(own_server && !is_loopback(setup.host),
            "thread-per-request (cpp-httplib) serves on loopback only; use --host 127.0.0.1");
  const bool only_offload = offloads && std::ranges::all_of(arm.modes, [](const Traits& mode) {
                              return mode.handler == Resource::loop;
                            });
  refuse_if(arm.pool_processes && !only_offload,
            "arm '{}': a pool of processes runs single steps, so its mode must be offload, not {}", arm.id,
            arm.mode_name());
}

void check_setup(const ServerSetup& setup) {
  const Arm& arm = setup.arm;
  refuse_if(arm.modes.empty() || (!setup.routes.empty() && arm.modes.size() != setup.routes.size()),
            "arm '{}' has {} modes for {} routes", arm.id, arm.modes.size(), setup.routes.size());
  check_modes(setup);
  std::vector<Range> ranges{{"workers", arm.workers, 1, 1024},
                            {"threads", arm.threads, 1, 4096},
                            {"connections", arm.connections, 0, 1000}};
  for (const auto& [name, queue] : arm.queues) {
    ranges.push_back({fmt::format("queue '{}': workers", name), queue.workers, 1, kMaxQueueWorkers});
    ranges.push_back({fmt::format("queue '{}': capacity", name), queue.capacity, 1, kMaxQueued});
  }
  for (const auto& [name, value, least, most] : ranges)
    refuse_if(value < least || value > most, "{} must be {} to {}, not {}", name, least, most, value);
  for (std::size_t i = 0; i < setup.routes.size(); ++i) StepCheck(setup, setup.routes[i], arm.modes[i]).run();
}

}  // namespace

std::optional<Error> find_fault(const ServerSetup& setup) {
  const auto checked = caught([&setup] { check_setup(setup); });
  return checked ? std::nullopt : std::optional(checked.error());
}

Result<ServerSetup> complete(ServerSetup setup) {
  if (const auto fault = find_fault(setup)) return *fault;
  // A builtin route's step comes with its request.
  const Route builtin{.name = "cpu", .method = "GET", .path = "/cpu", .plan = {{.action = Compute{}}}};
  std::vector<Route> unknown;
  const auto lacks = [&](const Step& step) {
    const auto* compute = step.as<Compute>();
    return compute != nullptr && compute->units == 0 &&
           setup.rates[static_cast<std::size_t>(compute->work)] <= 0;
  };
  for (const Route& route : setup.routes) {
    if (any_step(route, lacks)) unknown.push_back(route);
  }
  LAB_CHECK(check_files(setup.routes));
  LAB_TRY(WorkRates measured, calibrate(unknown));
  // `/cpu` beside other routes is a convenience: nobody waits 60 ms for a server because of it.
  if (setup.builtin_routes && lacks(builtin.plan.front())) {
    constexpr Tries kFew{.count = 3, .length = 2 * kMillisecond};
    constexpr auto kSpin = static_cast<std::size_t>(Work::spin);
    LAB_TRY(const WorkRates quick, calibrate({&builtin, 1}, kFew));
    measured[kSpin] = quick[kSpin];
  }
  for (std::size_t kind = 0; kind < kWorkKinds; ++kind) {
    if (setup.rates[kind] <= 0) setup.rates[kind] = measured[kind];
  }
  for (Route& route : setup.routes) apply_rates(route, setup.rates);
  return setup;
}

}  // namespace lab
