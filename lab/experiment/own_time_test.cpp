#include "results/report/arm_report.hpp"

#include <catch2/catch.hpp>

#include "lab/experiment/experiment.hpp"
#include "lab/servers/mode.hpp"
#include "scenarios/loader/loader.hpp"

using namespace lab;

namespace {

constexpr const char* kFile = R"(
question = "How full may it run?"
routes.work = { request = "GET /work", steps = [{ wait = "20ms" }] }
[[cases]]
id = "idle"
load = [{ route = "work", arrivals = "constant", every = "50ms", requests = 40 }]
[[cases]]
id = "full"
load = [{ route = "work", arrivals = "burst", requests = 200 }]
[[arms]]
id = "pool"
mode = "thread-pool"
threads = 4
gil = true
[[arms]]
id = "await"
mode = "async-loop"
)";

const std::vector<std::uint64_t> kSeeds{1, 2, 3};

/// What a framework that computes so long for each request would have left.
std::vector<RunRepetition> run_with(const Scenario& scenario, const Arm& arm, Nanos each) {
  std::vector<RunRepetition> repetitions;
  const Scenario slower = with_own_time(scenario, each);
  for (const Case& load_case : scenario.cases) {
    for (std::size_t i = 0; i < kSeeds.size(); ++i) {
      repetitions.push_back(
          simulate_repetition(slower, arm, load_case, 2, static_cast<int>(i) + 1, kSeeds[i], false));
    }
  }
  return repetitions;
}

OwnTime found(const Scenario& scenario, const Arm& arm, const std::vector<RunRepetition>& repetitions) {
  std::map<std::string, std::vector<const RunRepetition*>> measured;
  for (const RunRepetition& repetition : repetitions) measured[repetition.case_id].push_back(&repetition);
  return find_own_time(scenario, arm, 2, kSeeds, measured);
}

}  // namespace

TEST_CASE("a framework's own time per request is found in the case that leaves it no time to spare") {
  const Scenario scenario = parse_scenario(kFile, "full.toml", known_modes()).value();
  for (const Nanos each : {400 * kMicrosecond, 1300 * kMicrosecond}) {
    const OwnTime own = found(scenario, scenario.arms[0], run_with(scenario, scenario.arms[0], each));
    CHECK(own.case_id == "full");
    CHECK(seconds(own.each) == Approx(seconds(each)).epsilon(0.05));
  }
  CHECK(found(scenario, scenario.arms[0], run_with(scenario, scenario.arms[0], 0)).each == 0);
}

TEST_CASE("a request that failed reports nothing of a framework's own time") {
  const Scenario scenario = parse_scenario(kFile, "full.toml", known_modes()).value();
  std::vector<RunRepetition> repetitions = run_with(scenario, scenario.arms[0], kMillisecond);
  for (RunRepetition& repetition : repetitions) repetition.records.back().outcome = Outcome::reset;
  CHECK(found(scenario, scenario.arms[0], repetitions).each == 0);
}

TEST_CASE("what clients that are processes take is not taken for a framework's own time") {
  std::string file = kFile;
  const std::string quick = "every = \"50ms\", requests = 40";
  const std::string curls = "connections = \"process\", requests = 400";
  file.replace(file.find("arrivals = \"constant\", " + quick), ("arrivals = \"constant\", " + quick).size(),
               "arrivals = \"burst\", " + curls);
  const Scenario scenario = parse_scenario(file, "full.toml", known_modes()).value();
  const OwnTime own = found(scenario, scenario.arms[0], run_with(scenario, scenario.arms[0], kMillisecond));
  CHECK(own.case_id == "full");
}

TEST_CASE("what opening connections to a database takes is not taken for a framework's own time") {
  std::string file = kFile;
  const std::string wait = "{ wait = \"20ms\" }";
  file.replace(file.find(wait), wait.size(), "{ query = \"20ms\" }");
  const Scenario scenario = parse_scenario(file, "queries.toml", known_modes()).value();
  Arm arm = scenario.arms[0];
  const std::vector<RunRepetition> repetitions = run_with(scenario, arm, kMillisecond);
  CHECK(found(scenario, arm, repetitions).each == 0);
  arm.connections = 200;
  CHECK(found(scenario, arm, repetitions).each > 0);
}
