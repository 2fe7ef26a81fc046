#include <fmt/format.h>

#include <algorithm>

#include "scenarios/loader/load_spec.hpp"

namespace lab {

namespace {

constexpr std::size_t kLongestKey = 60;

bool brings_body(const std::string& method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

void read_body(Draft& draft, const TableReader& table, const Route& route, Load& load) {
  if (const toml::node* body = table.find("body")) {
    load.body_bytes = read_size(draft, *body, "body of load");
    if (!brings_body(route.method)) {
      table.problem("body", fmt::format("a {} request has no body; send it to a POST, PUT or PATCH route",
                                        route.method));
    }
  }
  load.body_over = read_duration(draft, table, "body_over", Scaling::scaled, 0);
  if (table.has("body_over") && !table.has("body"))
    table.problem("body_over", "body_over says how long the body takes; add body = \"20MB\"");
}

/// A word that JSON and a path can carry without escapes.
void read_keep(const TableReader& table, Load& load) {
  load.keep = table.text("keep");
  const bool plain = std::all_of(load.keep.begin(), load.keep.end(), [](char c) {
    return c == '_' || c == '-' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
  if (table.has("keep") && (load.keep.empty() || !plain || load.keep.size() > kLongestKey))
    table.problem("keep", "keep names a key of the reply, such as \"task_id\"");
}

void read_then(Draft& draft, const TableReader& table, const toml::node& node, Load& load) {
  const toml::table* inner = node.as_table();
  if (inner == nullptr) {
    table.problem("then",
                  fmt::format("then must be a table such as {{ route = \"result\", every = \"20ms\", until = "
                              "\"done\", at_most = \"5s\" }}, not {}",
                              kind_of(node)));
    return;
  }
  const TableReader reader(draft.problems, *inner, "then of load", {"route", "every", "until", "at_most"});
  const toml::node* route = reader.need("route", "route = \"result\"");
  reader.need("every", "every = \"20ms\"");
  reader.need("until", "until = \"done\"");
  reader.need("at_most", "at_most = \"5s\"");
  if (draft.problems.any()) return;
  Then then;
  then.route = read_known(draft, *route, "route", ids_of(draft.scenario.routes));
  then.every = read_duration(draft, reader, "every", Scaling::scaled, 0);
  then.until = reader.text("until");
  then.at_most = read_duration(draft, reader, "at_most", Scaling::fixed, 0);  // a deadline
  if (draft.problems.any()) return;
  if (then.every == 0) reader.problem("every", "every must be longer than 0ms");
  if (then.until.empty())
    reader.problem("until", "until is empty; it is the status that ends it, such as \"done\"");
  if (then.at_most == 0) reader.problem("at_most", "at_most must be longer than 0ms");
  const Route& asked = draft.scenario.routes[then.route];
  if (asked.method == "WS") reader.problem("route", "then asks by HTTP; a WebSocket route cannot be asked");
  if (load.keep.empty()) {
    table.problem("then",
                  "then needs to know what to ask for: add keep = \"task_id\" (a key of the first reply)");
  } else if (asked.path.find('{') == std::string::npos) {
    reader.problem("route",
                   fmt::format("route '{}' has no part in braces for what keep keeps; write its path as "
                               "{}/{{{}}}",
                               asked.name, asked.path == "/" ? "" : asked.path, load.keep));
  }
  load.then = then;
}

}  // namespace

void read_behaviour(Draft& draft, const TableReader& table, Load& load) {
  const Route& route = draft.scenario.routes[load.route];
  if (route.path.find('{') != std::string::npos) {
    table.problem("route",
                  fmt::format("route '{}' has {} in its path, which only `then` of another load fills in",
                              route.name, route.path.substr(route.path.find('{'))));
  }
  if (route.method == "WS" && table.has("connections") && load.fresh_connections) {
    table.problem("connections", "a WebSocket is opened before the load; leave connections out");
  }
  read_body(draft, table, route, load);
  load.hang_up = read_duration(draft, table, "hang_up", Scaling::scaled, 0);
  if (table.has("hang_up") && load.hang_up == 0) table.problem("hang_up", "hang_up must be longer than 0ms");
  read_keep(table, load);
  const toml::node* then = table.find("then");
  if (then == nullptr || draft.problems.any()) return;
  if (load.hang_up > 0)
    table.problem("then", "a client that hangs up asks nothing more; leave out then or hang_up");
  read_then(draft, table, *then, load);
}

}  // namespace lab
