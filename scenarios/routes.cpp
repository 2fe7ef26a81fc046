#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "scenarios/draft.hpp"

namespace lab {

namespace {

constexpr std::size_t kLongestPath = 200;
constexpr std::string_view kRequestRule = "write a method and a path, such as \"GET /slow\"";

bool is_path(std::string_view path) {
  constexpr std::string_view kAllowed = "/-_.~";
  return path.starts_with('/') && path.size() <= kLongestPath &&
         std::all_of(path.begin(), path.end(), [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  kAllowed.find(c) != std::string_view::npos;
         });
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
  const std::vector<std::string> methods{"GET", "POST"};
  if (std::find(methods.begin(), methods.end(), words[0]) == methods.end()) {
    draft.problems.at(node->source(),
                      fmt::format("unknown method {}{}", in_quotes(words[0]), suggestion(words[0], methods)));
  }
  if (!is_path(words[1])) {
    draft.problems.at(node->source(),
                      fmt::format("path {} must begin with '/' and hold only letters, digits and /-_.~; {}",
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

Route read_route(Draft& draft, const toml::key& key, const toml::node& node) {
  Route route;
  route.name = std::string(key.str());
  check_id(draft, key, "route");
  const std::string what = fmt::format("route {}", in_quotes(key.str()));
  const toml::table* table = node.as_table();
  if (table == nullptr) {
    draft.problems.at(node.source(),
                      fmt::format("{} must be a table with request and steps, not {}", what, kind_of(node)));
    return route;
  }
  const TableReader reader(draft.problems, *table, what, {"request", "steps"});
  read_request(draft, reader, route);
  const toml::node* steps = reader.need("steps", "steps = [{ wait = \"100ms\" }], or [] for none");
  if (steps != nullptr && !draft.problems.any()) route.plan = read_plan(draft, *steps, what);
  return route;
}

}  // namespace

void read_routes(Draft& draft, const TableReader& file) {
  const toml::node* node = file.need("routes", "[routes.slow]");
  if (node == nullptr) return;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    file.problem("routes",
                 fmt::format("routes must be tables such as [routes.slow], not {}", kind_of(*node)));
    return;
  }
  if (table->empty()) file.problem("routes", "routes is empty; write for example [routes.slow]");
  if (table->size() > kMostEntries) {
    file.problem("routes", fmt::format("there are {} routes; at most {}", table->size(), kMostEntries));
    return;
  }
  for (const auto& [key, value] : in_file_order(*table)) {
    draft.scenario.routes.push_back(read_route(draft, *key, *value));
    if (draft.problems.any()) return;
  }
}

}  // namespace lab
