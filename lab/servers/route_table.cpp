#include "lab/servers/route_table.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "lab/servers/reply.hpp"

namespace lab {

namespace {

constexpr std::int64_t kMostMilliseconds = 3'600'000;
constexpr std::int64_t kDefaultMilliseconds = 100;

struct Totals {
  Nanos wait = 0;
  Nanos cpu = 0;
  void operator()(const Wait& step) { wait += step.duration; }
  void operator()(const Cpu& step) { cpu += step.duration; }
};

/// The value of `ms` in `a=b&ms=100`; the default where there is none, nothing where it is no number in
/// range.
std::optional<std::int64_t> milliseconds(std::string_view query) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (!pair.starts_with("ms=")) continue;
    const std::string_view text = pair.substr(3);
    std::int64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool number = problem == std::errc() && end == text.data() + text.size() && text.front() != '-';
    if (!number || value > kMostMilliseconds) return std::nullopt;
    return value;
  }
  return kDefaultMilliseconds;
}

bool answers(const Route& route, std::string_view method) {
  return route.method == method || (method == "HEAD" && route.method == "GET");
}

bool is_loopback(const std::string& host) {
  return host == "::1" || host == "localhost" || host.starts_with("127.");
}

}  // namespace

std::string reply_message(const Plan& plan) {
  if (plan.empty()) return "Response at once";
  Totals totals;
  for (const Step& step : plan) std::visit(totals, step.action);
  if (totals.cpu == 0) return fmt::format("Response after {:g} seconds delay", seconds(totals.wait));
  if (totals.wait == 0) return fmt::format("Response after {:g} seconds of computing", seconds(totals.cpu));
  return fmt::format("Response after {:g} seconds delay and {:g} seconds of computing", seconds(totals.wait),
                     seconds(totals.cpu));
}

RouteTable::RouteTable(const ServerSetup& setup) {
  const std::string greeting = fmt::format("Hello from {}", setup.arm.mode_name());
  for (std::size_t i = 0; i < setup.routes.size(); ++i) {
    const Route& route = setup.routes[i];
    const bool greets = route.method == "GET" && route.path == "/" && route.plan.empty();
    routes_.push_back({route, find_mode(setup.arm.modes[i].name), ServedRoute::Argument::none,
                       greets ? greeting : reply_message(route.plan), ""});
  }
  const Mode* mode = find_mode(setup.arm.modes.front().name);
  if (!has("GET", "/")) add("GET", "/", mode, ServedRoute::Argument::none, greeting);
  if (setup.builtin_routes) add_builtin(mode);
  for (ServedRoute& served : routes_) {
    if (served.route.plan.empty() && served.argument == ServedRoute::Argument::none)
      served.fixed_body =
          fmt::format("{{\"message\":{},\"worker_id\":{}}}", json_string(served.message), getpid());
  }
}

void RouteTable::add_builtin(const Mode* mode) {
  for (const char* method : {"GET", "POST"}) {
    add(method, "/delay", mode, ServedRoute::Argument::wait_ms, "");
    add(method, "/cpu", mode, ServedRoute::Argument::cpu_ms, "");
  }
  add("GET", "/ping", mode, ServedRoute::Argument::none, "pong");
}

void RouteTable::add(std::string method, std::string path, const Mode* mode, ServedRoute::Argument argument,
                     std::string message) {
  if (has(method, path)) return;
  Route route{.name = path, .method = std::move(method), .path = path, .plan = {}};
  routes_.push_back({std::move(route), mode, argument, std::move(message), ""});
}

bool RouteTable::has(std::string_view method, std::string_view path) const {
  return std::any_of(routes_.begin(), routes_.end(), [&](const ServedRoute& served) {
    return served.route.method == method && served.route.path == path;
  });
}

RouteTable::Match RouteTable::find(const Request& request) const {
  const std::string_view path = request.path();
  Match match;
  for (const ServedRoute& served : routes_) {
    if (served.route.path != path) continue;
    if (answers(served.route, request.method)) {
      match.route = &served;
      match.status = 200;
      break;
    }
    match.status = 405;
    match.reason = "method not allowed";
    match.allow += (match.allow.empty() ? "" : ", ") + served.route.method;
    if (served.route.method == "GET") match.allow += ", HEAD";
  }
  if (match.route == nullptr) {
    if (match.status == 200) {
      match.status = 404;
      match.reason = "no such path";
    }
    return match;
  }
  if (match.route->argument == ServedRoute::Argument::none) return match;
  const std::optional<std::int64_t> length = milliseconds(request.query());
  if (!length) {
    match.route = nullptr;
    match.status = 400;
    match.reason = "ms must be a whole number from 0 to 3600000, as in ?ms=100";
    return match;
  }
  const Nanos duration = *length * kMillisecond;
  if (match.route->argument == ServedRoute::Argument::wait_ms) {
    match.argument_plan = {{.action = Wait{duration}}};
  } else {
    match.argument_plan = {{.action = Cpu{duration}}};
  }
  return match;
}

std::optional<Error> find_fault(const ServerSetup& setup) {
  const Arm& arm = setup.arm;
  if (arm.modes.empty() || (!setup.routes.empty() && arm.modes.size() != setup.routes.size()))
    return usage_error("arm '{}' has {} modes for {} routes", arm.id, arm.modes.size(), setup.routes.size());
  bool own_server = false;
  bool loop_server = false;
  for (const Traits& traits : arm.modes) {
    const Mode* mode = find_mode(traits.name);
    if (mode == nullptr) return usage_error("no execution model is called '{}'; see lab list", traits.name);
    (mode->loop != nullptr ? loop_server : own_server) = true;
  }
  if (own_server && loop_server)
    return usage_error("{} cannot share a server: thread-per-request has no loop", arm.mode_name());
  if (own_server && !is_loopback(setup.host))
    return usage_error("thread-per-request (cpp-httplib) serves on loopback only; use --host 127.0.0.1");
  if (arm.workers < 1 || arm.workers > 1024)
    return usage_error("workers must be 1 to 1024, not {}", arm.workers);
  if (arm.threads < 1 || arm.threads > 4096)
    return usage_error("threads must be 1 to 4096, not {}", arm.threads);
  if (arm.gil)
    return usage_error("arm '{}' has a GIL, which C++ servers have not; lab predict models it", arm.id);
  return std::nullopt;
}

}  // namespace lab
