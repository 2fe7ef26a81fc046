#include "lab/servers/http/route_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "lab/core/text.hpp"
#include "lab/servers/http/reply.hpp"

namespace lab {

namespace {

constexpr std::int64_t kMaxMilliseconds = 3'600'000;
constexpr std::int64_t kDefaultMilliseconds = 100;

struct BuiltinRoute {
  const char* method;
  const char* path;
  ServedRoute::Argument argument;
  const char* message;
};
constexpr BuiltinRoute kBuiltin[] = {{"GET", "/delay", ServedRoute::Argument::wait_ms, ""},
                                     {"GET", "/cpu", ServedRoute::Argument::cpu_ms, ""},
                                     {"POST", "/delay", ServedRoute::Argument::wait_ms, ""},
                                     {"POST", "/cpu", ServedRoute::Argument::cpu_ms, ""},
                                     {"GET", "/ping", ServedRoute::Argument::none, "pong"}};

/// The value of `ms` in `a=b&ms=12.5` as a span; the default where there is none, nothing where it is no
/// plain number in range.
std::optional<Nanos> milliseconds(std::string_view query) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (!pair.starts_with("ms=")) continue;
    const std::string_view text = pair.substr(3);
    const bool plain = text.find_first_not_of("0123456789.") == std::string_view::npos;
    const auto value = plain ? number_in<double>(text) : std::nullopt;
    if (!value || *value > static_cast<double>(kMaxMilliseconds)) return std::nullopt;
    return std::llround(*value * static_cast<double>(kMillisecond));
  }
  return kDefaultMilliseconds * kMillisecond;
}

/// A WebSocket begins as a GET.
std::string_view method_of(const Route& route) {
  return route.method == "WS" ? std::string_view("GET") : std::string_view(route.method);
}

std::string reason_for(std::int64_t limit) {
  constexpr std::int64_t kMegabyte = 1'000'000;
  if (limit > 0 && limit % kMegabyte == 0) return fmt::format("body above {} MB", limit / kMegabyte);
  return fmt::format("body above {} bytes", limit);
}

ServedRoute serve_route(const Route& route, const Mode* mode, ServedRoute::Argument argument,
                        std::string message) {
  ServedRoute served{.route = route,
                     .mode = mode,
                     .argument = argument,
                     .message = std::move(message),
                     .fixed_body = "",
                     .page = "",
                     .too_big = reason_for(route.body_limit)};
  for (const Dependency& dependency : route.depends) served.plan_position += text_size(dependency.steps);
  std::vector<ReplyField>& reply = served.route.reply;
  const bool at_once = route.plan.empty() && route.depends.empty();
  if (reply.empty() && at_once && served.argument == ServedRoute::Argument::none) {
    reply = {ReplyField::message, ReplyField::worker_id};
  } else if (reply.empty()) {
    reply = {ReplyField::message, ReplyField::start_time, ReplyField::end_time, ReplyField::worker_id};
  }
  served.route.plan = executed_plan(route, mode->traits);
  // The step that puts a whole handler into a queue is not in the text.
  served.plan_position -= text_size(served.route.plan) - text_size(route.plan);
  return served;
}

}  // namespace

RouteTable::RouteTable(const ServerSetup& setup) : rates_(setup.rates) {
  const std::string greeting = fmt::format("Hello from {}", setup.arm.mode_name());
  for (std::size_t i = 0; i < setup.routes.size(); ++i) {
    const Route& route = setup.routes[i];
    const bool greets = route.method == "GET" && route.path == "/" && route.plan.empty();
    routes_.push_back(serve_route(route, find_mode(setup.arm.modes[i].name), ServedRoute::Argument::none,
                                  greets ? "Hello World" : reply_message(route.plan)));  // as exported
  }
  const Mode* mode = find_mode(setup.arm.modes.front().name);
  add("GET", "/", mode, ServedRoute::Argument::none, greeting);
  for (const auto& [method, path, argument, message] : kBuiltin) {
    if (setup.builtin_routes) add(method, path, mode, argument, message);
  }
  for (ServedRoute& served : routes_) {
    if (served.route.plan.empty() && served.route.depends.empty() &&
        served.argument == ServedRoute::Argument::none)
      served.fixed_body = reply_body(served.route.reply, {.message = served.message});
  }
  for (ServedRoute& served : routes_) {
    const bool greets =
        served.route.method == "GET" && served.route.path == "/" && !served.fixed_body.empty();
    if (greets) served.page = front_page(setup.arm.mode_name(), routes_);
  }
}

void RouteTable::add(std::string method, std::string path, const Mode* mode, ServedRoute::Argument argument,
                     std::string message) {
  const auto is_same = [&](const ServedRoute& served) {
    return served.route.method == method && served.route.path == path;
  };
  if (std::ranges::any_of(routes_, is_same)) return;
  Route route{.name = path, .method = std::move(method), .path = path, .plan = {}};
  routes_.push_back(serve_route(route, mode, argument, std::move(message)));
}

bool matches_path(std::string_view route_path, std::string_view path, std::string_view& argument) {
  const std::size_t opens = route_path.find('{');
  if (opens == std::string_view::npos) return route_path == path;
  const std::string_view before = route_path.substr(0, opens);
  const std::string_view behind =
      route_path.substr(std::min(route_path.find('}', opens), route_path.size() - 1) + 1);
  if (path.size() <= before.size() + behind.size() || !path.starts_with(before) || !path.ends_with(behind))
    return false;
  const std::string_view part = path.substr(opens, path.size() - before.size() - behind.size());
  if (part.find('/') != std::string_view::npos) return false;
  argument = part;
  return true;
}

RouteTable::Match RouteTable::find_route(const Request& request) const {
  const std::string_view path = request.path();
  Match match;
  for (const ServedRoute& served : routes_) {
    if (!matches_path(served.route.path, path, match.argument)) continue;
    const std::string& own = served.route.method;
    if (method_of(served.route) == request.method || (own == "GET" && request.head())) {
      match.route = &served;
      match.status = 200;
      return match;
    }
    match.status = 405;
    match.reason = "method not allowed";
    match.allow.append(match.allow.empty() ? "" : ", ").append(method_of(served.route));
    if (own == "GET") match.allow += ", HEAD";
  }
  if (path == "*" &&
      request.method == "OPTIONS") {  // RFC 9110, 9.3.7: OPTIONS asks about the server as a whole
    match.allow = "GET, HEAD, POST, OPTIONS";
    match.reason = "what some route here takes";
  } else if (match.status == 200) {
    match.status = 404;
    match.reason = "no such path";
  }
  return match;
}

BodyRule RouteTable::body_rule(const Request& request) const {
  const Match match = find(request);
  if (match.route == nullptr) return {};
  const Route& route = match.route->route;
  return {static_cast<std::uint64_t>(route.body_limit), match.route->too_big.c_str(), route.body_deadline};
}

RouteTable::Match RouteTable::find(const Request& request) const {
  Match match = find_route(request);
  if (match.route == nullptr || match.route->argument == ServedRoute::Argument::none) return match;
  const std::optional<Nanos> length = milliseconds(request.query());
  if (!length) {
    match.route = nullptr;
    match.status = 400;
    match.reason = "ms must be a number from 0 to 3600000, as in ?ms=100 or ?ms=12.5";
    return match;
  }
  if (match.route->argument == ServedRoute::Argument::wait_ms) {
    match.argument_plan = {{.action = Wait{*length}}};
  } else {
    match.argument_plan = {{.action = Compute{*length}}};
    apply_rates(match.argument_plan, rates_);
  }
  return match;
}

}  // namespace lab
