// What no part of a scenario can know by itself: whether every arm can do every step, whether queues and
// stats have what they speak of.

#include <algorithm>

#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

/// The queues into which something can be put.
std::vector<std::string> fed_queues(const Scenario& scenario) {
  std::vector<std::string> names;
  for (const Route& route : scenario.routes) {
    for_each_step(route.plan, [&](const Step& step) {
      if (const auto* job = step.as<Enqueue>()) names.push_back(job->queue);
    });
  }
  if (std::ranges::any_of(scenario.arms, [](const Arm& arm) { return arm.uses(Resource::queue); }))
    names.emplace_back(kDefaultQueue);
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

/// Calls `look` with every step of a route and its place in the file.
template <class Look>
void for_each_place(const Draft& draft, std::size_t route, const Look& look) {
  std::size_t at = 0;
  const auto visit = [&](const Step& step) { look(step, draft.step_places[route][at++]); };
  for_each_step(draft.scenario.routes[route], visit);
}

void check_route(const TableReader& file, const Arm& arm, std::size_t index) {
  Draft& draft = file.draft();
  const Traits& mode = arm.modes[index];
  const Route& route = draft.scenario.routes[index];
  for_each_place(draft, index, [&](const Step& step, const toml::source_region& where) {
    const std::string_view word = loop_only_word(step);
    if (word.empty() || mode.handler == Resource::loop) return;
    draft.problems.at(
        where,
        "'{}' needs a handler on the loop, but arm '{}' runs route '{}' in {}; give the route another "
        "mode there, such as async-loop, or leave the arm out",
        word, arm.id, route.name, mode.name);
  });
  if (route.method != "WS" || !mode.uses(Resource::thread)) return;
  TableReader(draft, *file["routes"]->as_table(), "")
      .problem(
          route.name,
          "route '{}' is a WebSocket, which arm '{}' cannot serve: WSGI ({}) has none; leave the arm out",
          route.name, arm.id, mode.name);
}

/// Queues that nothing is put into, results of queues that there are not.
void check_queues(Draft& draft) {
  const std::vector<std::string> fed = fed_queues(draft.scenario);
  for (const auto& [name, where] : draft.queue_places) {
    if (contains(fed, name)) continue;
    draft.problems.at(
        where, "nothing is put into queue {}{}", in_quotes(name),
        fed.empty() ? "; a step { enqueue = … } or mode = \"task-queue\" does it" : suggestion(name, fed));
  }
  for (std::size_t index = 0; index < draft.scenario.routes.size(); ++index) {
    const Route& route = draft.scenario.routes[index];
    for_each_place(draft, index, [&](const Step& step, const toml::source_region& where) {
      const auto* fetch = step.as<FetchResult>();
      if (fetch == nullptr) return;
      if (!contains(fed, fetch->queue)) {
        draft.problems.at(
            where, "result: unknown queue {}{}", in_quotes(fetch->queue),
            fed.empty() ? "; no step puts anything into a queue" : suggestion(fetch->queue, fed));
      } else if (route.path.find('{') == std::string::npos) {
        draft.problems.at(where,
                          "result: the job's id comes from the path; write request = \"GET "
                          "{}/{{task_id}}\"",
                          route.path == "/" ? "/result" : route.path);
      }
    });
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

bool switches(const Step& step) {
  return step.is<Compute>() && is_switch(step.as<Compute>()->work);
}

}  // namespace

void check_stat(const Value& value, const Stat& stat) {
  const Scenario& scenario = value.draft().scenario;
  const std::string of = stat.route.empty() ? "any load" : fmt::format("the load of route '{}'", stat.route);
  if (stat.quantity == Stat::Quantity::value &&
      !any_load(scenario, stat.route, [](const Load& load) { return !load.keep.empty(); })) {
    value.problem("{} has nothing to look at: add keep = \"count\" (a key of the reply) to {}",
                  to_string(stat), of);
  }
  if (stat.quantity == Stat::Quantity::turnaround &&
      !any_load(scenario, stat.route, [](const Load& load) { return load.then.has_value(); })) {
    value.problem("{} has nothing to look at: add then = {{ … }} to {}", to_string(stat), of);
  }
  if (stat.quantity == Stat::Quantity::switch_time && !any_step(scenario, switches))
    value.problem("switch.time has nothing to look at: no step is a switch");
}

void check_sense(const TableReader& file) {
  Draft& draft = file.draft();
  for (const Arm& arm : draft.scenario.arms) {
    for (std::size_t route = 0; route < draft.scenario.routes.size(); ++route) check_route(file, arm, route);
  }
  check_queues(draft);
}

void check_changed(Draft& draft) {
  const Scenario& scenario = draft.scenario;
  for (std::size_t c = 0; c < scenario.cases.size(); ++c) {
    const std::vector<Kill>& kills = scenario.cases[c].kills;
    for (std::size_t k = 0; k < kills.size(); ++k) {
      for (const Arm& arm : scenario.arms) {
        if (arm.predict_only || kills[k].worker < arm.workers) continue;
        draft.problems.at(draft.kill_places[c][k],
                          "kill: there is no worker {} in arm '{}', which has {} (the first is 0)",
                          kills[k].worker, arm.id, arm.workers == 1 ? "one" : std::to_string(arm.workers));
      }
    }
    for (const Load& load : scenario.cases[c].loads) {
      const Route& route = scenario.routes[load.route];
      if (load.fresh_connections && route.method == "WS") {
        draft.problems.option(
            "--connections fresh: route '{}' is a WebSocket, which is opened before the load", route.name);
      }
    }
  }
}

}  // namespace lab
