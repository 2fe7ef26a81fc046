#include "lab/experiment/describe.hpp"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

std::string arrivals_of(const Load& load) {
  switch (load.arrivals) {
    case Arrivals::burst: return load.requests == 1 ? "one" : fmt::format("{} at once", load.requests);
    case Arrivals::closed: return fmt::format("{} clients, {} requests in all", load.clients, load.requests);
    case Arrivals::constant:
      return fmt::format("{}, one every {}", load.requests, format_duration(load.every));
    case Arrivals::poisson:
      return fmt::format("{}, Poisson, {} apart on average", load.requests, format_duration(load.every));
    case Arrivals::staggered: {
      std::vector<std::string> times;
      for (const Nanos at : load.at) times.push_back(format_duration(at));
      return "at " + join(times, ", ");
    }
  }
  return "";
}

std::string bytes(std::int64_t count) {
  const auto number = static_cast<double>(count);
  if (count >= 1'000'000) return fmt::format("{:g} MB", number / 1e6);
  if (count >= 1'000) return fmt::format("{:g} kB", number / 1e3);
  return fmt::format("{} B", count);
}

/// In the order of Resource.
constexpr std::array<const char*, kResources> kHeld{
    "nothing", "the loop", "a pool member", "its thread",
    "a core",  "the GIL",  "a connection",  "a worker of the queue"};

std::string held(Resource resource) {
  return kHeld.at(static_cast<std::size_t>(resource));
}

}  // namespace

std::string describe_route(const Route& route) {
  std::string text = fmt::format("{} {}: ", route.method, route.path);
  for (const Dependency& dependency : route.depends) {
    text += fmt::format("first {} ({}); ", dependency.asynchronous ? "on the loop" : "in the pool",
                        describe(dependency.steps));
  }
  text += describe(route.plan);
  if (route.body_limit != Route{}.body_limit)
    text += fmt::format("; bodies up to {}", bytes(route.body_limit));
  return text;
}

std::string describe_load(const Load& load, const Scenario& scenario) {
  const Route& route = scenario.routes[load.route];
  std::string text = (scenario.routes.size() > 1 ? route.name + ": " : "") + arrivals_of(load);
  if (load.from > 0) text += fmt::format(", from {}", format_duration(load.from));
  text += route.method == "WS"     ? ", on open WebSockets"
          : load.client_process    ? ", each from a curl process of its own"
          : load.fresh_connections ? ", fresh connections"
                                   : ", connections open";
  if (load.body_bytes > 0) text += fmt::format(", each brings {}", bytes(load.body_bytes));
  if (load.body_over > 0) text += fmt::format(" over {}", format_duration(load.body_over));
  if (load.hang_up > 0) text += fmt::format(", hangs up after {}", format_duration(load.hang_up));
  if (load.then) {
    text += fmt::format(", then asks {} every {} until {}", scenario.routes[load.then->route].name,
                        format_duration(load.then->every), load.then->until);
  }
  return text;
}

std::string describe_kill(const Kill& kill) {
  return fmt::format("worker {} is killed at {}", kill.worker, format_duration(kill.at));
}

std::string describe_holding(const Traits& mode) {
  std::string text =
      mode.waiting == mode.computing
          ? held(mode.waiting) + ", while it waits and while it computes"
          : held(mode.waiting) + " while it waits, " + held(mode.computing) + " while it computes";
  if (mode.idle != Resource::nothing) text += "; " + held(mode.idle) + " while its client is idle";
  return text;
}

}  // namespace lab
