#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

/// A load as the file says it: until the options have had their say, it is open which of `until` and
/// `requests` gives the other.
struct LoadSpec {
  Load load;
  std::optional<std::int64_t> requests;
  std::optional<Nanos> until;
  toml::source_region where;  ///< for what turns out wrong only when it is put together
};

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
  const toml::table* inner =
      read_table(draft.problems, node,
                 "then must be a table such as { route = \"result\", every = \"20ms\", until = \"done\", "
                 "at_most = \"5s\" }");
  if (inner == nullptr) return;
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

/// What a client does besides asking: the body it sends, when it hangs up, what it keeps and asks then.
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

constexpr std::array<Arrivals, 5> kArrivals{Arrivals::burst, Arrivals::closed, Arrivals::constant,
                                            Arrivals::poisson, Arrivals::staggered};
constexpr double kHighestRate = 1e6;
constexpr double kLowestRate = 1e-3;

/// A key that has a meaning only for some arrivals.
struct SpecialKey {
  std::string_view key;
  std::vector<Arrivals> arrivals;
};

const std::array<SpecialKey, 6>& special_keys() {
  static const std::array<SpecialKey, 6> kKeys{{
      {"requests", {Arrivals::burst, Arrivals::closed, Arrivals::constant, Arrivals::poisson}},
      {"clients", {Arrivals::closed}},
      {"every", {Arrivals::constant, Arrivals::poisson}},
      {"rate", {Arrivals::constant, Arrivals::poisson}},
      {"until", {Arrivals::constant, Arrivals::poisson}},
      {"at", {Arrivals::staggered}},
  }};
  return kKeys;
}

void check_keys(const TableReader& table, Arrivals arrivals) {
  for (const SpecialKey& special : special_keys()) {
    const auto& known = special.arrivals;
    if (!table.has(special.key) || std::find(known.begin(), known.end(), arrivals) != known.end()) continue;
    std::vector<std::string> names;
    for (const Arrivals one : known) names.emplace_back(to_string(one));
    table.problem(special.key, fmt::format("{} means nothing to arrivals = \"{}\"; it belongs to {}",
                                           special.key, to_string(arrivals), join(names, ", ")));
  }
}

Arrivals read_arrivals(Draft& draft, const TableReader& table) {
  std::vector<std::string> names;
  for (const Arrivals one : kArrivals) names.emplace_back(to_string(one));
  const toml::node* node = table.need("arrivals", "arrivals = \"burst\"");
  return node == nullptr ? Arrivals::burst : kArrivals.at(read_known(draft, *node, "arrivals", names));
}

void read_rate(const TableReader& table, const toml::node& node, Load& load) {
  const std::optional<double> rate = node.is_number() ? node.value<double>() : std::nullopt;
  if (!rate || !(*rate >= kLowestRate && *rate <= kHighestRate)) {
    table.problem("rate", "rate must be a number of requests per second from 0.001 to 1,000,000");
    return;
  }
  load.every = to_nanos(1 / *rate);
}

void read_period(Draft& draft, const TableReader& table, LoadSpec& spec) {
  const toml::node* rate = table.find("rate");
  if (rate != nullptr && table.has("every")) {
    table.problem("rate", "both every and rate are given; write one of them");
  } else if (rate != nullptr) {
    read_rate(table, *rate, spec.load);
  } else if (table.need("every", "every = \"100ms\" (or rate = 10)") != nullptr) {
    spec.load.every = read_duration(draft, table, "every", Scaling::scaled, 0);
    if (spec.load.every == 0) table.problem("every", "every must be longer than 0ms");
  }
  if (table.has("requests") == table.has("until")) {
    table.problem("until",
                  fmt::format("{} needs either requests or until, for example until = \"5s\"", table.what()));
  }
  if (table.has("until")) spec.until = read_duration(draft, table, "until", Scaling::scaled, 0);
}

void read_offsets(Draft& draft, const TableReader& table, LoadSpec& spec) {
  const toml::node* node = table.need("at", "at = [\"0ms\", \"1ms\", \"2ms\"]");
  if (node == nullptr) return;
  const toml::array* offsets = node->as_array();
  if (offsets == nullptr || offsets->empty() || offsets->size() > kMaxOffsets) {
    table.problem("at", fmt::format("at must be an array of 1 to {} durations, such as [\"0ms\", \"1ms\"]",
                                    grouped(kMaxOffsets)));
    return;
  }
  for (const toml::node& offset : *offsets) {
    // Offsets stay when a scenario is scaled: they are the order of arrival, not the work.
    spec.load.at.push_back(read_duration(draft, offset, "each of at", Scaling::fixed));
  }
  spec.requests = static_cast<std::int64_t>(offsets->size());
}

void read_connections(Draft& draft, const TableReader& table, Load& load) {
  const toml::node* node = table.find("connections");
  if (node == nullptr) return;
  const std::size_t kind = read_known(draft, *node, "connections", {"opened", "fresh", "process"});
  load.fresh_connections = kind != 0;
  load.client_process = kind == 2;
}

/// A client process asks once and prints the reply; it brings no body and goes nowhere else.
void check_client_process(const TableReader& table, const Route& route, const Load& load) {
  if (!load.client_process) return;
  for (const char* key : {"body", "hang_up", "keep", "then"}) {
    if (table.has(key))
      table.problem(key, fmt::format("{} cannot stand beside connections = \"process\"", key));
  }
  if (route.method == "WS")
    table.problem("connections", "a client process opens no WebSocket; leave connections out");
}

LoadSpec read_spec(Draft& draft, const TableReader& table) {
  LoadSpec spec;
  spec.where = table.table().source();
  Load& load = spec.load;
  if (const toml::node* route = table.need("route", "route = \"slow\"")) {
    load.route = read_known(draft, *route, "route", ids_of(draft.scenario.routes));
  }
  load.arrivals = read_arrivals(draft, table);

  if (draft.problems.any()) return spec;
  check_keys(table, load.arrivals);
  load.from = read_duration(draft, table, "from", Scaling::scaled, 0);
  read_connections(draft, table, load);
  read_behaviour(draft, table, load);
  check_client_process(table, draft.scenario.routes[load.route], load);
  if (table.has("requests")) spec.requests = table.integer("requests", 1, kMostRequests, 1);
  switch (load.arrivals) {
    case Arrivals::closed:
      table.need("clients", "clients = 10");
      load.clients = table.integer("clients", 1, kMostRequests, 1);
      if (spec.requests && load.clients > *spec.requests) {
        table.problem("clients", fmt::format("{} clients cannot share {} requests", grouped(load.clients),
                                             grouped(*spec.requests)));
      }
      table.need("requests", "requests = 100");
      break;
    case Arrivals::burst: table.need("requests", "requests = 10"); break;
    case Arrivals::constant:
    case Arrivals::poisson: read_period(draft, table, spec); break;
    case Arrivals::staggered: read_offsets(draft, table, spec); break;
  }
  return spec;
}

void check_end(Draft& draft, const LoadSpec& spec) {
  const Load& load = spec.load;
  const double last =
      static_cast<double>(load.from) + static_cast<double>(load.every) * static_cast<double>(load.requests);
  if (last > static_cast<double>(kLongestSpan)) {
    draft.problems.at(spec.where, "this load lasts more than ten years; send fewer requests or more often");
  }
}

/// How many requests this load sends; a load that sends none or too many is a problem.
std::int64_t count_requests(Draft& draft, const LoadSpec& spec) {
  if (!spec.until) return spec.requests.value_or(1);
  const Load& load = spec.load;
  if (load.every <= 0) return 1;  // reported where it was read
  if (*spec.until <= load.from) {
    draft.problems.at(spec.where, fmt::format("until ({}) is not after from ({}), so this load sends nothing",
                                              format_duration(*spec.until), format_duration(load.from)));
    return 1;
  }
  const std::int64_t count = (*spec.until - load.from - 1) / load.every + 1;
  if (count > kMostRequests) {
    draft.problems.at(spec.where, fmt::format("until ({}) and every ({}) make {} requests; at most {}",
                                              format_duration(*spec.until), format_duration(load.every),
                                              grouped(count), grouped(kMostRequests)));
    return 1;
  }
  return count;
}

constexpr std::int64_t kMaxMadeOffsets = 1'000'000;

bool is_timed(Arrivals arrivals) {
  return arrivals == Arrivals::constant || arrivals == Arrivals::poisson;
}

void change_requests(Draft& draft, LoadSpec& spec) {
  const bool countable = spec.load.arrivals == Arrivals::burst || spec.load.arrivals == Arrivals::closed;
  if (!draft.overrides.requests || !countable) return;
  draft.options_used.insert("--requests");
  draft.figures_changed |= spec.requests != draft.overrides.requests;
  spec.requests = draft.overrides.requests;
}

/// Times of arrival as far apart as the rate says; the model and the harness want them listed.
void list_offsets(Draft& draft, LoadSpec& spec) {
  if (*spec.requests > kMaxMadeOffsets) {
    draft.problems.option(fmt::format("--arrivals staggered lists at most {} arrivals, not {}; use constant",
                                      grouped(kMaxMadeOffsets), grouped(*spec.requests)));
    return;
  }
  for (std::int64_t i = 0; i < *spec.requests; ++i) spec.load.at.push_back(i * spec.load.every);
}

void change_arrivals(Draft& draft, LoadSpec& spec) {
  const Arrivals wanted = *draft.overrides.arrivals;
  draft.options_used.insert("--arrivals");
  if (wanted == spec.load.arrivals) return;
  draft.figures_changed = true;
  const bool paced = is_timed(wanted) || wanted == Arrivals::staggered;
  if (draft.overrides.rate && paced) {
    draft.options_used.insert("--rate");
    spec.load.every = to_nanos(1 / *draft.overrides.rate);
  }
  if (paced && spec.load.every == 0) {
    draft.problems.option(
        fmt::format("--arrivals {0} needs to know how often: add --rate, as in --arrivals {0} --rate 50",
                    to_string(wanted)));
    return;
  }
  const bool stays_timed = is_timed(wanted) && is_timed(spec.load.arrivals);
  if (!stays_timed) {
    spec.requests = count_requests(draft, spec);
    spec.until.reset();
  }
  spec.load.arrivals = wanted;
  spec.load.at.clear();
  if (wanted == Arrivals::staggered) list_offsets(draft, spec);
  if (!is_timed(wanted)) spec.load.every = 0;
}

void change_pace(Draft& draft, LoadSpec& spec) {
  if (!is_timed(spec.load.arrivals)) return;
  if (draft.overrides.rate) {
    const Nanos every = to_nanos(1 / *draft.overrides.rate);
    draft.options_used.insert("--rate");
    draft.figures_changed |= every != spec.load.every;
    spec.load.every = every;
  }
  if (draft.overrides.duration) {
    const Nanos until = spec.load.from + *draft.overrides.duration;
    draft.options_used.insert("--duration");
    draft.figures_changed |= spec.until != until;
    spec.until = until;
  }
}

/// --requests, --arrivals, --rate, --duration and --connections.
void apply_overrides(Draft& draft, LoadSpec& spec, bool first) {
  change_requests(draft, spec);
  if (draft.overrides.arrivals && first) {
    change_arrivals(draft, spec);
    change_requests(draft, spec);  // a load that has just become a burst counts as one
  }
  change_pace(draft, spec);
  if (draft.overrides.fresh_connections) {
    spec.load.fresh_connections = *draft.overrides.fresh_connections;
    spec.load.client_process = false;
  }
}

}  // namespace

Load read_load(Draft& draft, const toml::table& table, bool first) {
  const TableReader reader(draft.problems, table, "load",
                           {"route", "arrivals", "requests", "clients", "every", "rate", "from", "until",
                            "at", "connections", "body", "body_over", "hang_up", "keep", "then"});
  if (draft.problems.any()) return {};
  LoadSpec spec = read_spec(draft, reader);
  if (draft.problems.any()) return {};
  apply_overrides(draft, spec, first);
  spec.load.requests = count_requests(draft, spec);
  spec.load.clients = std::min(spec.load.clients, spec.load.requests);
  check_end(draft, spec);
  return spec.load;
}

}  // namespace lab
