#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "scenarios/loader/load_spec.hpp"

namespace lab {

namespace {

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
  if (offsets == nullptr || offsets->empty() || offsets->size() > kMostOffsets) {
    table.problem("at", fmt::format("at must be an array of 1 to {} durations, such as [\"0ms\", \"1ms\"]",
                                    grouped(kMostOffsets)));
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

}  // namespace

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
