#include "lab/servers/http/body_rules.hpp"

#include <fmt/format.h>

#include <cstddef>

#include "lab/servers/http/route_table.hpp"

namespace lab {

namespace {

std::string reason_for(std::int64_t limit) {
  constexpr std::int64_t kMegabyte = 1'000'000;
  if (limit > 0 && limit % kMegabyte == 0) return fmt::format("body above {} MB", limit / kMegabyte);
  return fmt::format("body above {} bytes", limit);
}

}  // namespace

BodyRules::BodyRules(const RouteTable& routes) : routes_(routes) {
  for (const ServedRoute& served : routes.routes()) too_big_.push_back(reason_for(served.route.body_limit));
}

BodyRule BodyRules::of(const Request& request) const {
  const RouteTable::Match match = routes_.find(request);
  if (match.route == nullptr) return {};
  const auto index = static_cast<std::size_t>(match.route - routes_.routes().data());
  const Route& route = match.route->route;
  return {static_cast<std::uint64_t>(route.body_limit), too_big_[index], route.body_deadline};
}

}  // namespace lab
