#include <algorithm>

#include "harness/analysis/loop_cycle.hpp"
#include "lab/core/clock.hpp"
#include "lab/experiment/report.hpp"
#include "lab/page/page.hpp"
#include "lab/servers/mode.hpp"
#include "results/render/as_json.hpp"
#include "results/report/lanes.hpp"
#include "scenarios/loader/code_line.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

namespace json = boost::json;

constexpr std::size_t kLongestCode = 100;

json::object arm_json(const Scenario& scenario, const Arm& arm) {
  Texts holds;
  Texts code;
  for (std::size_t route = 0; route < arm.modes.size(); ++route) {
    const std::string held = describe_holding(arm.modes[route]);
    if (!contains(holds, held)) holds.push_back(held);
    code.push_back(fastapi_line(scenario.routes[route], arm.modes[route], arm, kLongestCode));
  }
  const bool threaded = needs_pool(scenario.routes, arm) || arm.uses(Resource::thread);
  const auto makespan = std::ranges::find(arm.documented, Stat{}, &Documented::stat);
  return {{"id", as_json(arm.id)},
          {"label", as_json(arm.label)},
          {"mode", as_json(arm.mode_name())},
          {"workers", arm.workers},
          {"threads", threaded ? json::value(arm.threads) : nullptr},
          {"settings", as_json(unusual_settings(arm))},
          {"holds", as_json(holds)},
          {"code", as_json(code)},
          {"measured", !arm.predict_only},
          {"documented", makespan == arm.documented.end() ? nullptr : as_json(makespan->text)}};
}

json::object case_json(const Scenario& scenario, const Case& load_case) {
  Texts loads;
  for (const Load& load : load_case.loads) loads.push_back(describe_load(load, scenario));
  for (const Kill& kill : load_case.kills) loads.push_back(describe_kill(kill));
  return {{"id", as_json(load_case.id)}, {"requests", load_case.requests()}, {"loads", as_json(loads)}};
}

/// Those that change the scenario: any other one is refused, because it has no effect.
Texts options_taken_by(const Scenario& scenario) {
  Overrides requests;
  Overrides delay;
  Overrides workers;
  Overrides threads;
  requests.requests = 7;
  delay.params["d"] = kSecond;
  workers.workers = 3;
  threads.threads = 5;
  Texts takes;
  const auto tries = {
      std::pair("requests", &requests), {"delay", &delay}, {"workers", &workers}, {"threads", &threads}};
  for (const auto& [name, overrides] : tries) {
    if (parse_scenario(scenario.source, scenario.file, known_modes(), *overrides)) takes.emplace_back(name);
  }
  return takes;
}

json::object scenario_json(const Scenario& scenario) {
  json::object params;
  for (const auto& [name, value] : scenario.params) params[json_text(name)] = format_duration_literal(value);
  Texts routes;
  for (const Route& route : scenario.routes) routes.push_back(describe_route(route));
  json::array cases;
  for (const Case& load_case : scenario.cases) cases.push_back(case_json(scenario, load_case));
  json::array arms;
  for (const Arm& arm : scenario.arms) arms.push_back(arm_json(scenario, arm));
  Texts checks;
  for (const Check& check : scenario.checks) checks.push_back(check.text);
  return {{"id", as_json(scenario.name)},
          {"group", as_json(scenario.group)},
          {"order", scenario.order},
          {"question", as_json(scenario.question)},
          {"sources", as_json(scenario.sources)},
          {"params", std::move(params)},
          {"options", as_json(options_taken_by(scenario))},
          {"routes", as_json(routes)},
          {"cases", std::move(cases)},
          {"arms", std::move(arms)},
          {"checks", as_json(checks)},
          {"next", json_text_or_null(scenario.explain.next)}};
}

}  // namespace

std::string catalogue_json() {
  std::vector<Scenario> scenarios;
  for (const std::string& name : scenario_names()) {
    if (auto scenario = load_scenario(name, known_modes())) scenarios.push_back(std::move(*scenario));
  }
  std::ranges::stable_sort(scenarios, {}, &Scenario::order);
  return catalogue_json(scenarios);
}

std::string catalogue_json(const std::vector<Scenario>& scenarios) {
  json::array rows;
  for (const Scenario& scenario : scenarios) rows.push_back(scenario_json(scenario));
  json::array states;
  json::array meanings;
  for (std::size_t state = 0; state < std::size(kLaneLooks); ++state) {
    states.push_back(as_json(to_string(static_cast<LaneState>(state))));
    meanings.push_back(as_json(kLaneLooks[state].meaning));
  }
  json::array steps;
  for (auto what = CycleEvent::arrives; what <= CycleEvent::ends;
       what = static_cast<CycleEvent>(static_cast<int>(what) + 1))
    steps.push_back(as_json(to_string(what)));
  return json_line({{"schema", "lab.catalogue/1"},
                    {"states", std::move(states)},
                    {"meanings", std::move(meanings)},
                    {"steps", std::move(steps)},
                    {"scenarios", std::move(rows)}});
}

}  // namespace lab
