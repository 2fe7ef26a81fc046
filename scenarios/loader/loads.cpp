// What is sent, and when: the loads of each case, and the workers that are killed meanwhile.

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

/// Virtual time is counted in nanoseconds and ends after 292 years.
constexpr double kMaxWork = 250.0 * 365 * 86'400 * 1e9;
constexpr std::size_t kLongestKey = 60;
constexpr std::size_t kMaxOffsets = 10'000;
constexpr std::int64_t kMaxMadeOffsets = 1'000'000;
constexpr double kLowestRate = 1e-3, kHighestRate = 1e6;

/// A load as the file says it: until the options have had their say, it is open which of `until` and
/// `requests` gives the other.
struct LoadSpec {
  Load load;
  std::optional<std::int64_t> requests;
  std::optional<Nanos> until;
  toml::source_region where;  ///< for what turns out wrong only when it is put together
};

/// A word that JSON and a path can carry without escapes.
void read_keep(const Value& value, Load& load) {
  load.keep = value.text();
  if (load.keep.empty() || load.keep.size() > kLongestKey || !has_only_letters(load.keep, "_-"))
    value.problem("keep names a key of the reply, such as \"task_id\"");
}

void read_then(const Value& value, Load& load) {
  const std::vector<Route>& routes = value.draft().scenario.routes;
  const toml::table& table = value.table(
      "then must be a table such as { route = \"result\", every = \"20ms\", until = \"done\", "
      "at_most = \"5s\" }");
  const TableReader reader(value.draft(), table, "then of load");
  Then& then = load.then.emplace();
  reader.read({{"route", into(then.route, ids_of(routes)), "route = \"result\""},
               {"every", into_positive(then.every, Scaling::scaled), "every = \"20ms\""},
               {"until", into(then.until), "until = \"done\""},
               {"at_most", into_positive(then.at_most, Scaling::fixed), "at_most = \"5s\""}});  // a deadline
  if (then.until.empty())
    reader.problem("until", "until is empty; it is the status that ends it, such as \"done\"");
  const Route& asked = routes[then.route];
  if (asked.method == "WS")
    reader.problem("route", "then sends HTTP requests, which a WebSocket route does not take");
  if (load.keep.empty()) {
    value.problem("then needs to know what to ask for: add keep = \"task_id\" (a key of the first reply)");
  } else if (asked.path.find('{') == std::string::npos) {
    reader.problem("route",
                   "route '{}' has no part in braces for what keep keeps; write its path as {}/{{{}}}",
                   asked.name, asked.path == "/" ? "" : asked.path, load.keep);
  }
}

/// A key that has a meaning only for some arrivals.
struct SpecialKey {
  std::string_view key;
  std::vector<Arrivals> arrivals;
};

void check_keys(const TableReader& table, Arrivals arrivals) {
  static const std::array<SpecialKey, 6> kKeys{{
      {"requests", {Arrivals::burst, Arrivals::closed, Arrivals::constant, Arrivals::poisson}},
      {"clients", {Arrivals::closed}},
      {"every", {Arrivals::constant, Arrivals::poisson}},
      {"rate", {Arrivals::constant, Arrivals::poisson}},
      {"until", {Arrivals::constant, Arrivals::poisson}},
      {"at", {Arrivals::staggered}},
  }};
  for (const auto& [key, known] : kKeys) {
    if (!table.has(key) || std::ranges::find(known, arrivals) != known.end()) continue;
    const auto names = mapped(known, [](Arrivals one) { return std::string(to_string(one)); });
    table.problem(key, "{} means nothing to arrivals = \"{}\"; it belongs to {}", key, to_string(arrivals),
                  join(names, ", "));
  }
}

void read_rate(const TableReader& table, const Value& value, Load& load) {
  if (table.has("every")) value.problem("both every and rate are given; write one of them");
  const std::optional<double> rate = value.number(kLowestRate, kHighestRate);
  if (!rate) value.problem("rate must be a number of requests per second from 0.001 to 1,000,000");
  load.every = to_nanos(1 / *rate);
}

void read_offsets(const Value& value, LoadSpec& spec) {
  const toml::array* offsets = value->as_array();
  if (offsets == nullptr || offsets->empty() || offsets->size() > kMaxOffsets) {
    value.problem("at must be an array of 1 to {} durations, such as [\"0ms\", \"1ms\"]",
                  grouped(kMaxOffsets));
  }
  for (const toml::node& offset : *offsets) {
    // Offsets stay when a scenario is scaled: they are the order of arrival, not the work.
    spec.load.at.push_back(Value(value.draft(), &offset, offset.source(), "each of at").span(Scaling::fixed));
  }
  spec.requests = static_cast<std::int64_t>(offsets->size());
}

/// What these arrivals cannot be without.
void check_amount(const TableReader& table, const LoadSpec& spec) {
  const Load& load = spec.load;
  if (load.arrivals == Arrivals::closed) {
    table.need("clients", "clients = 10");
    if (spec.requests && load.clients > *spec.requests) {
      table.problem("clients", "{} clients cannot share {} requests", grouped(load.clients),
                    grouped(*spec.requests));
    }
    table.need("requests", "requests = 100");
  } else if (load.arrivals == Arrivals::burst) {
    table.need("requests", "requests = 10");
  } else if (load.arrivals == Arrivals::staggered) {
    table.need("at", "at = [\"0ms\", \"1ms\", \"2ms\"]");
  } else {
    if (!table.has("rate")) table.need("every", "every = \"100ms\" (or rate = 10)");
    if (table.has("requests") == table.has("until"))
      table.problem("until", "{} needs either requests or until, for example until = \"5s\"", table.what());
  }
}

/// What a client does besides asking: the body it sends, when it hangs up, what it keeps and asks then.
void check_behaviour(const TableReader& table, const Load& load) {
  const Route& route = table.draft().scenario.routes[load.route];
  if (const std::size_t open = route.path.find('{'); open != std::string::npos) {
    table.problem("route", "route '{}' has {} in its path, which only `then` of another load fills in",
                  route.name, route.path.substr(open));
  }
  const bool socket = route.method == "WS";
  if (socket && load.fresh_connections)
    table.problem("connections", "a WebSocket is opened before the load; leave connections out");
  const bool takes_body = route.method == "POST" || route.method == "PUT" || route.method == "PATCH";
  if (table.has("body") && !takes_body)
    table.problem("body", "a {} request has no body; send it to a POST, PUT or PATCH route", route.method);
  if (table.has("body") && !route.body.empty())
    table.problem("body", "requests on route '{}' bring the JSON that the route says; leave one of them out",
                  route.name);
  if (table.has("body_over") && !table.has("body"))
    table.problem("body_over", "body_over says how long the body takes; add body = \"20MB\"");
  if (!load.client_process) return;
  // It asks once and prints the reply; it brings no body and goes nowhere else.
  for (const char* key : {"body", "hang_up", "keep", "then"}) {
    if (table.has(key)) table.problem(key, "{} cannot be used with connections = \"process\"", key);
  }
  if (!route.body.empty())
    table.problem("connections", "requests on route '{}' bring JSON, which connections = \"process\" cannot",
                  route.name);
}

LoadSpec read_spec(const TableReader& table) {
  LoadSpec spec;
  spec.where = table.where();
  Load& load = spec.load;
  table.read({
      {"route", into(load.route, ids_of(table.draft().scenario.routes)), "route = \"slow\""},
      {"arrivals",
       [&](const Value& value) {
         load.arrivals = static_cast<Arrivals>(value.word(words_of<Arrivals>()));
         check_keys(table, load.arrivals);
       },
       "arrivals = \"burst\""},
      {"requests", [&](const Value& value) { spec.requests = value.whole(1, kMostRequests); }},
      {"clients", into(load.clients, 1, kMostRequests)},
      {"every", into_positive(load.every, Scaling::scaled)},
      {"rate", [&](const Value& value) { read_rate(table, value, load); }},
      {"from", into(load.from, Scaling::scaled)},
      {"until", [&](const Value& value) { spec.until = value.span(Scaling::scaled); }},
      {"at", [&](const Value& value) { read_offsets(value, spec); }},
      {"connections",
       [&](const Value& value) {
         const std::size_t kind = value.word({"opened", "fresh", "process"});
         load.fresh_connections = kind != 0;
         load.client_process = kind == 2;
       }},
      {"body", [&](const Value& value) { load.body_bytes = value.size(); }},
      {"body_over", into(load.body_over, Scaling::scaled)},
      {"hang_up", into_positive(load.hang_up, Scaling::scaled)},
      {"keep", [&](const Value& value) { read_keep(value, load); }},
      {"then",
       [&](const Value& value) {
         if (load.hang_up > 0)
           value.problem("a client that hangs up sends nothing more; leave out then or hang_up");
         read_then(value, load);
       }},
  });
  check_behaviour(table, load);
  check_amount(table, spec);
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
  if (*spec.until <= load.from) {
    draft.problems.at(spec.where, "until ({}) is not after from ({}), so this load sends nothing",
                      format_duration(*spec.until), format_duration(load.from));
  }
  const std::int64_t count = (*spec.until - load.from - 1) / load.every + 1;
  if (count > kMostRequests) {
    draft.problems.at(spec.where, "until ({}) and every ({}) make {} requests; at most {}",
                      format_duration(*spec.until), format_duration(load.every), grouped(count),
                      grouped(kMostRequests));
  }
  return count;
}

void change_requests(Draft& draft, LoadSpec& spec) {
  const bool countable = spec.load.arrivals == Arrivals::burst || spec.load.arrivals == Arrivals::closed;
  if (draft.overrides.requests && countable)
    draft.figures_changed |= draft.replace("--requests", spec.requests, *draft.overrides.requests);
}

/// Times of arrival as far apart as the rate says; the model and the harness want them listed.
void list_offsets(Draft& draft, LoadSpec& spec) {
  if (*spec.requests > kMaxMadeOffsets) {
    draft.problems.option("--arrivals staggered lists at most {} arrivals, not {}; use constant",
                          grouped(kMaxMadeOffsets), grouped(*spec.requests));
  }
  for (std::int64_t i = 0; i < *spec.requests; ++i) spec.load.at.push_back(i * spec.load.every);
}

void change_arrivals(Draft& draft, LoadSpec& spec) {
  const Arrivals wanted = *draft.overrides.arrivals;
  draft.options_used.insert("--arrivals");
  if (wanted == spec.load.arrivals) return;
  draft.figures_changed = true;
  const bool paced = is_timed(wanted) || wanted == Arrivals::staggered;
  if (draft.overrides.rate && paced)
    draft.replace("--rate", spec.load.every, to_nanos(1 / *draft.overrides.rate));
  if (paced && spec.load.every == 0) {
    draft.problems.option(
        "--arrivals {0} needs to know how often: add --rate, as in --arrivals {0} --rate 50",
        to_string(wanted));
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
  const Overrides& given = draft.overrides;
  if (given.rate)
    draft.figures_changed |= draft.replace("--rate", spec.load.every, to_nanos(1 / *given.rate));
  if (given.duration)
    draft.figures_changed |= draft.replace("--duration", spec.until, spec.load.from + *given.duration);
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

/// One load of a case, after the options have changed it. `first`: it is the first of its case.
Load read_load(Draft& draft, const toml::table& table, bool first) {
  LoadSpec spec = read_spec(TableReader(draft, table, "load"));
  apply_overrides(draft, spec, first);
  spec.load.requests = count_requests(draft, spec);
  spec.load.clients = std::min(spec.load.clients, spec.load.requests);
  check_end(draft, spec);
  return spec.load;
}

void read_kill(Draft& draft, const toml::table& table, std::string what, Case& load_case) {
  Kill kill;
  TableReader(draft, table, std::move(what))
      .read({{"worker", into(kill.worker, 0, kMaxWorkers - 1), "worker = 0"},
             {"at", into(kill.at, Scaling::scaled), "at = \"150ms\""}});
  draft.kill_places.back().push_back(table.source());
  load_case.kills.push_back(kill);
}

/// The loads and kills of a case, and what no single load can know; `of` names the case in messages.
void read_case_parts(const TableReader& table, Case load_case, const std::string& of,
                     const toml::source_region& where) {
  Draft& draft = table.draft();
  draft.kill_places.emplace_back();
  table["load"].named("load" + of).each_table(kMaxEntries, [&](const toml::table& load) {
    load_case.loads.push_back(read_load(draft, load, load_case.loads.empty()));
  });
  if (const Value kills = table["kill"]) {
    kills.named("kill" + of).each_table(kMaxEntries, [&](const toml::table& kill) {
      read_kill(draft, kill, "kill" + of, load_case);
    });
  }
  if (load_case.requests() > kMostRequests) {
    draft.problems.at(where, "the loads of case '{}' send {} requests; at most {} together", load_case.id,
                      grouped(load_case.requests()), grouped(kMostRequests));
  }
  double work = 0;
  for (const Load& load : load_case.loads) {
    const Route& route = draft.scenario.routes.at(load.route);
    double each = static_cast<double>(unhindered_time(route.plan));
    for (const Dependency& dependency : route.depends)
      each += static_cast<double>(unhindered_time(dependency.steps));
    work += each * static_cast<double>(load.requests);
  }
  if (work > kMaxWork) {
    draft.problems.at(where, "the requests of case '{}' take more than 250 years one after another",
                      load_case.id);
  }
  draft.scenario.cases.push_back(std::move(load_case));
}

void read_case(Draft& draft, const toml::table& table) {
  const TableReader reader(draft, table, "case");
  Case load_case;
  reader.read({{"id",
                [&](const Value& value) {
                  load_case.id = value.id("case");
                  if (contains(ids_of(draft.scenario.cases), load_case.id))
                    value.problem("there is already a case '{}'", load_case.id);
                },
                "id = \"main\""},
               {"load", {}, "load = [{ route = \"slow\", arrivals = \"burst\", requests = 1 }]"},
               {"kill"}});
  const std::string of = fmt::format(" of case '{}'", load_case.id);
  read_case_parts(reader, std::move(load_case), of, table.source());
}

}  // namespace

void read_cases(const TableReader& file) {
  const Value cases = file["cases"];
  if (!cases) {
    const Value load = file.need("load", "[[load]], or several load sets as [[cases]]");
    read_case_parts(file, {"main", {}, {}}, "", load.where());
  } else if (file.has("load")) {
    cases.problem("both [[load]] and [[cases]] are given; put the loads into the cases");
  } else if (file.has("kill")) {
    file.problem("kill",
                 "[[kill]] belongs to [[load]]; in a case write kill = [{{ worker = 0, at = \"150ms\" }}]");
  } else {
    file.each("cases", kMaxEntries, read_case);
  }
}

}  // namespace lab
