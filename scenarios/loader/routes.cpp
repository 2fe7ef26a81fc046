#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "scenarios/loader/steps.hpp"

namespace lab {

namespace {

constexpr std::size_t kLongestPath = 200;
constexpr std::string_view kRequestRule = "write a method and a path, such as \"GET /slow\"";

bool are_path_letters(std::string_view text) {
  constexpr std::string_view kAllowed = "/-_.~";
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kAllowed.find(c) != std::string_view::npos;
  });
}

/// Letters, digits and a few signs; one whole segment may be a name in braces: `/result/{task_id}`.
bool is_path(std::string_view path) {
  if (!path.starts_with('/') || path.size() > kLongestPath) return false;
  const std::size_t open = path.find('{');
  if (open == std::string_view::npos) return are_path_letters(path);
  const std::size_t close = path.find('}', open);
  if (close == std::string_view::npos || close == open + 1 || path[open - 1] != '/') return false;
  const std::string_view name = path.substr(open + 1, close - open - 1);
  const std::string_view rest = path.substr(close + 1);
  return are_path_letters(path.substr(0, open)) && are_path_letters(name) &&
         name.find_first_of("/-.~") == std::string_view::npos && are_path_letters(rest) &&
         (rest.empty() || rest.starts_with('/'));
}

void read_request(Draft& draft, const TableReader& table, Route& route) {
  const toml::node* node = table.need("request", "request = \"GET /slow\"");
  const std::string text = table.text("request");
  if (draft.problems.any()) return;
  const std::vector<std::string> words = split(text, ' ');
  if (words.size() != 2) {
    draft.problems.at(node->source(), fmt::format("request {}: {}", in_quotes(text), kRequestRule));
    return;
  }
  const std::vector<std::string> methods{"GET", "POST", "PUT", "PATCH", "DELETE", "WS"};
  if (!contains(methods, words[0])) {
    draft.problems.at(node->source(),
                      fmt::format("unknown method {}{}", in_quotes(words[0]), suggestion(words[0], methods)));
  }
  if (!is_path(words[1])) {
    draft.problems.at(
        node->source(),
        fmt::format("path {} must begin with '/' and hold only letters, digits and /-_.~, and at "
                    "most one part in braces such as /result/{{task_id}}; {}",
                    in_quotes(words[1]), kRequestRule));
  }
  for (const Route& other : draft.scenario.routes) {
    if (other.method == words[0] && other.path == words[1]) {
      draft.problems.at(node->source(), fmt::format("{} is already route '{}'", in_quotes(text), other.name));
    }
  }
  route.method = words[0];
  route.path = words[1];
}

std::vector<Dependency> read_depends(PlanReader& plans, const TableReader& table) {
  std::vector<Dependency> depends;
  Draft& draft = plans.draft();
  const toml::node* node = table.find("depends");
  if (node == nullptr) return depends;
  const std::string what = "depends of " + table.what();
  for (const toml::table* entry : read_tables(draft.problems, *node, what, kMaxEntries)) {
    const TableReader reader(draft.problems, *entry,
                             fmt::format("dependency {} of {}", depends.size() + 1, table.what()),
                             {"steps", "async"});
    const toml::node* steps = reader.need("steps", "steps = [{ wait = \"10ms\" }]");
    if (draft.problems.any()) break;
    Dependency dependency;
    dependency.asynchronous = reader.flag("async", false);
    dependency.steps = plans.read(*steps, fmt::format("d{}", depends.size() + 1),
                                  dependency.asynchronous ? Inside::loop : Inside::thread, 1);
    depends.push_back(std::move(dependency));
    if (draft.problems.any()) break;
  }
  return depends;
}

/// What one request does in all must stay what a machine can do and a reader can follow.
void check_executed(Draft& draft, const Route& route, const toml::node& steps) {
  std::int64_t executed = executed_steps(route.plan);
  for (const Dependency& dependency : route.depends)
    executed = std::min(executed, kMaxExecuted) + std::min(executed_steps(dependency.steps), kMaxExecuted);
  if (executed <= kMaxExecuted) return;
  draft.problems.at(steps.source(),
                    fmt::format("one request on route '{}' executes more than {} steps; repeat "
                                "less often, with more in each step",
                                route.name, grouped(kMaxExecuted)));
}

void read_body_limits(Draft& draft, const TableReader& table, Route& route) {
  if (const toml::node* limit = table.find("body_limit"))
    route.body_limit = read_size(draft, *limit, "body_limit");
  // A deadline is the server's patience, not the experiment's pace: --scale leaves it.
  route.body_deadline = read_duration(draft, table, "deadline", Scaling::fixed, 0);
  if (table.has("deadline") && route.body_deadline == 0)
    table.problem("deadline", "deadline must be longer than 0ms; leave it out for the server's own");
}

Route read_route(Draft& draft, const toml::key& key, const toml::node& node) {
  Route route;
  route.name = std::string(key.str());
  check_id(draft, key, "route");
  const std::string what = fmt::format("route {}", in_quotes(key.str()));
  const toml::table* table =
      read_table(draft.problems, node, fmt::format("{} must be a table with request and steps", what));
  if (table == nullptr) return route;
  const TableReader reader(draft.problems, *table, what,
                           {"request", "steps", "depends", "body_limit", "deadline"});
  read_request(draft, reader, route);
  const toml::node* steps = reader.need("steps", "steps = [{ wait = \"100ms\" }], or [] for none");
  if (steps == nullptr || draft.problems.any()) return route;
  std::vector<toml::source_region>& places = draft.step_places.emplace_back();
  PlanReader plans(draft, what, places);
  route.depends = read_depends(plans, reader);
  if (!draft.problems.any()) route.plan = plans.read(*steps, "", Inside::handler, 1);
  if (!draft.problems.any()) check_executed(draft, route, *steps);
  read_body_limits(draft, reader, route);
  return route;
}

}  // namespace

void read_routes(Draft& draft, const TableReader& file) {
  const toml::node* node = file.need("routes", "[routes.slow]");
  if (node == nullptr) return;
  const toml::table* table = read_table(draft.problems, *node, "routes must be tables such as [routes.slow]");
  if (table == nullptr) return;
  if (table->empty()) file.problem("routes", "routes is empty; write for example [routes.slow]");
  if (table->size() > kMaxEntries) {
    file.problem("routes", fmt::format("there are {} routes; at most {}", table->size(), kMaxEntries));
    return;
  }
  for (const auto& [key, value] : in_file_order(*table)) {
    draft.scenario.routes.push_back(read_route(draft, *key, *value));
    if (draft.problems.any()) return;
  }
}

}  // namespace lab
