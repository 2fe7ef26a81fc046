#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

void check_steps(Draft& draft, const Arm& arm, std::size_t route) {
  const Traits& mode = arm.modes[route];
  if (mode.handler == Resource::loop) return;
  const Route& what = draft.scenario.routes[route];
  std::size_t at = 0;
  const auto look = [&](const Step& step) {
    const std::string_view word = loop_only_word(step);
    const toml::source_region& where = draft.step_places[route][at++];
    if (word.empty()) return;
    draft.problems.at(
        where, fmt::format("'{}' needs a handler on the loop, but arm '{}' runs route '{}' in {}; give the "
                           "route another mode there, such as async-loop, or leave the arm out",
                           word, arm.id, what.name, mode.name));
  };
  for (const Dependency& dependency : what.depends) for_each_step(dependency.steps, look);
  for_each_step(what.plan, look);
}

void check_routes(Draft& draft, const TableReader& file) {
  const Scenario& scenario = draft.scenario;
  for (const Arm& arm : scenario.arms) {
    for (std::size_t r = 0; r < scenario.routes.size(); ++r) {
      check_steps(draft, arm, r);
      if (scenario.routes[r].method != "WS" || !arm.modes[r].uses(Resource::thread)) continue;
      const toml::node* routes = file.find("routes");
      const toml::node* route = routes->as_table()->get(scenario.routes[r].name);
      draft.problems.at(
          route->source(),
          fmt::format("route '{}' is a WebSocket, which arm '{}' cannot serve: WSGI ({}) has none; "
                      "leave the arm out",
                      scenario.routes[r].name, arm.id, arm.modes[r].name));
    }
  }
}

template <class Says>
bool any_load(const Scenario& scenario, const std::string& route, const Says& says) {
  for (const Case& load_case : scenario.cases) {
    for (const Load& load : load_case.loads) {
      const bool meant = route.empty() || scenario.routes[load.route].name == route;
      if (meant && says(load)) return true;
    }
  }
  return false;
}

bool has_switch(const Scenario& scenario) {
  bool found = false;
  for (const Route& route : scenario.routes) {
    for_each_step(route.plan, [&](const Step& step) {
      const auto* compute = std::get_if<Compute>(&step.action);
      found |= compute != nullptr && compute->work >= Work::coroutine_switch;
    });
  }
  return found;
}

/// A stat that would never have a value.
void check_stat(Draft& draft, const Stat& stat, const toml::source_region& where) {
  const Scenario& scenario = draft.scenario;
  const std::string of = stat.route.empty() ? "any load" : fmt::format("the load of route '{}'", stat.route);
  if (stat.quantity == Stat::Quantity::value &&
      !any_load(scenario, stat.route, [](const Load& load) { return !load.keep.empty(); })) {
    draft.problems.at(
        where, fmt::format("{} has nothing to look at: add keep = \"count\" (a key of the reply) to {}",
                           to_string(stat), of));
  }
  if (stat.quantity == Stat::Quantity::turnaround &&
      !any_load(scenario, stat.route, [](const Load& load) { return load.then.has_value(); })) {
    draft.problems.at(
        where, fmt::format("{} has nothing to look at: add then = {{ … }} to {}", to_string(stat), of));
  }
  if (stat.quantity == Stat::Quantity::switch_time && !has_switch(scenario)) {
    draft.problems.at(where, "switch.time has nothing to look at: no step is a switch");
  }
}

/// The stats' places are read again from the file: a stat carries none.
void check_stats(Draft& draft, const TableReader& file) {
  const auto place = [&](std::string_view list, std::size_t index, std::string_view key) -> const auto& {
    const toml::array* array = file.find(list) == nullptr ? nullptr : file.find(list)->as_array();
    const toml::node* entry = array == nullptr ? nullptr : array->get(index);
    const toml::table* table = entry == nullptr ? nullptr : entry->as_table();
    const toml::node* value = table == nullptr ? entry : table->get(key);
    return value == nullptr ? file.where(list) : value->source();
  };
  const Scenario& scenario = draft.scenario;
  for (std::size_t i = 0; i < scenario.show.size(); ++i)
    check_stat(draft, scenario.show[i], place("show", i, ""));
  for (std::size_t i = 0; i < scenario.checks.size(); ++i)
    check_stat(draft, scenario.checks[i].stat, place("checks", i, "stat"));
  for (std::size_t i = 0; i < scenario.asks.size(); ++i)
    check_stat(draft, scenario.asks[i].answer, place("ask", i, "answer"));
  for (std::size_t i = 0; i < scenario.arms.size(); ++i) {
    for (const Documented& figure : scenario.arms[i].documented)
      check_stat(draft, figure.stat, place("arms", i, "documented"));
  }
}

}  // namespace

void check_sense(Draft& draft, const TableReader& file) {
  check_routes(draft, file);
  if (!draft.problems.any()) check_queues(draft);
  if (!draft.problems.any()) check_stats(draft, file);
}

void check_changed(Draft& draft) {
  const Scenario& scenario = draft.scenario;
  for (std::size_t c = 0; c < scenario.cases.size(); ++c) {
    const std::vector<Kill>& kills = scenario.cases[c].kills;
    for (std::size_t k = 0; k < kills.size(); ++k) {
      for (const Arm& arm : scenario.arms) {
        if (arm.predict_only || kills[k].worker < arm.workers) continue;
        draft.problems.at(
            draft.kill_places[c][k],
            fmt::format("kill: there is no worker {} in arm '{}', which has {} (the first is 0)",
                        kills[k].worker, arm.id, arm.workers == 1 ? "one" : fmt::format("{}", arm.workers)));
      }
    }
    for (const Load& load : scenario.cases[c].loads) {
      if (!load.fresh_connections || scenario.routes[load.route].method != "WS") continue;
      draft.problems.option(
          fmt::format("--connections fresh: route '{}' is a WebSocket, which is opened before "
                      "the load",
                      scenario.routes[load.route].name));
    }
  }
}

}  // namespace lab
