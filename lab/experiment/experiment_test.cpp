#include "lab/experiment/experiment.hpp"

#include <catch2/catch.hpp>

#include "lab/experiment/foreign_servers.hpp"
#include "lab/servers/mode.hpp"
#include "scenarios/loader/loader.hpp"

using namespace lab;

TEST_CASE("an experiment longer than virtual time is estimated at its end, and run once") {
  // 240 years for each of the arms, where 292 are counted.
  const Scenario scenario = parse_scenario(R"(
question = "?"
routes.nap = { request = "GET /nap", steps = [{ wait = "87600h" }] }
load = [{ route = "nap", arrivals = "burst", requests = 24 }]
arms = [{ id = "a", mode = "blocking-loop" }, { id = "b", mode = "blocking-loop" }]
)",
                                           "nap.toml", known_modes())
                                .value();
  PreparedExperiment prepared;
  prepared.arms = engine_arms(scenario, kNative);
  const ExperimentPlan plan = plan_experiment(scenario, ExperimentOptions{}, prepared);
  CHECK(plan.repetitions == 1);
  CHECK(plan.estimate == kNever);
}
