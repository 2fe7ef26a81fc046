#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lab/core/plan.hpp"
#include "lab/servers/http/request_reader.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/server_setup.hpp"

namespace lab {

/// One route as a worker serves it.
struct ServedRoute {
  /// Builtin routes take the length of their one step from the query.
  enum class Argument : std::uint8_t { none, wait_ms, cpu_ms };

  Route route;
  const Mode* mode = nullptr;
  Argument argument = Argument::none;
  std::int64_t plan_position = 0;  ///< of the plan's first step, behind those of the dependencies
  std::string message;             ///< of the reply
  std::string fixed_body;          ///< the whole reply of a handler without steps; empty where it varies
  std::string page;                ///< instead of that, for a browser; only `/` has one
  std::string too_big;             ///< why a body is refused that is above the route's limit
};

/// The routes of a server: those of its setup, and the builtin ones. Made in the worker, whose pid is in its
/// replies. Immutable once made, so any thread may read it.
class RouteTable {
 public:
  explicit RouteTable(const ServerSetup& setup);

  struct Match {
    const ServedRoute* route = nullptr;  ///< null: `status` says why
    int status = 200;
    std::string_view reason = {};
    std::string allow = {};          ///< of 405
    Plan argument_plan = {};         ///< of a builtin route with an argument
    std::string_view argument = {};  ///< what stands for `{…}` in the path; lives as long as the request
    /// What the handler does.
    const Plan& plan() const {
      return route->argument == ServedRoute::Argument::none ? route->route.plan : argument_plan;
    }
  };
  Match find(const Request& request) const;
  /// Of a request that no route answers: the server's own.
  BodyRule body_rule(const Request& request) const;

  const std::vector<ServedRoute>& routes() const { return routes_; }

 private:
  /// Where there is no such route yet.
  void add(std::string method, std::string path, const Mode* mode, ServedRoute::Argument argument,
           std::string message);

  Match find_route(const Request& request) const;

  std::vector<ServedRoute> routes_;
  WorkRates rates_;
};

/// Whether a request's path is the route's, where `{…}` in it stands for any one part; gives that part.
bool matches_path(std::string_view route_path, std::string_view path, std::string_view& argument);

}  // namespace lab
