#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>

#include "lab/core/clock.hpp"
#include "scenarios/loader/loader.hpp"
#include "scenarios/loader/testing/test_modes.hpp"

using namespace lab;
namespace fs = std::filesystem;

namespace {

std::vector<Scenario> shipped_scenarios() {
  std::vector<Scenario> scenarios;
  for (const auto& entry : fs::directory_iterator(fs::path(__FILE__).parent_path().parent_path())) {
    if (entry.path().extension() != ".toml") continue;
    const Result<Scenario> scenario = load_scenario(entry.path().string(), kTestModes);
    INFO((scenario ? "" : scenario.error().message));
    REQUIRE(scenario.has_value());
    scenarios.push_back(*scenario);
  }
  return scenarios;
}

}  // namespace

TEST_CASE("every scenario that is shipped loads, has its story and leads on") {
  const std::set<std::string> groups{"Where waiting time goes", "Where CPU time goes",
                                     "What it costs and how it is run"};
  const std::vector<Scenario> scenarios = shipped_scenarios();
  CHECK(scenarios.size() >= 47);
  std::set<std::string> names;
  for (const Scenario& scenario : scenarios) names.insert(scenario.name);
  std::set<int> places;
  for (const Scenario& scenario : scenarios) {
    INFO(scenario.name);
    CHECK(fs::path(scenario.file).stem() == scenario.name);
    CHECK(groups.count(scenario.group) == 1);
    CHECK(places.insert(scenario.order).second);
    CHECK_FALSE(scenario.sources.empty());
    CHECK_FALSE(scenario.checks.empty());
    CHECK_FALSE(scenario.asks.empty());
    for (const Ask& ask : scenario.asks) CHECK(ask.wrong.size() >= 2);
    CHECK(scenario.show.size() <= 3);
    CHECK_FALSE(scenario.explain.text.empty());
    CHECK(names.count(scenario.explain.next) == 1);
    CHECK_FALSE(scenario.explain.next_reason.empty());
    for (const Arm& arm : scenario.arms) CHECK(arm.label.size() <= 24);
  }
}

TEST_CASE("whoever goes on from scenario to scenario sees all of them") {
  std::map<std::string, std::string> next;
  for (const Scenario& scenario : shipped_scenarios()) next[scenario.name] = scenario.explain.next;
  std::set<std::string> seen;
  for (std::string at = "blocking-async"; seen.insert(at).second;) at = next[at];
  for (const auto& [name, unused] : next) {
    INFO(name);
    CHECK(seen.count(name) == 1);
  }
}

TEST_CASE("a scaled scenario still loads, and keeps its checks and what the wrong answers say") {
  Overrides overrides;
  overrides.scale = 0.1;
  for (const Scenario& scenario : shipped_scenarios()) {
    INFO(scenario.name);
    const Result<Scenario> scaled = load_scenario(scenario.file, kTestModes, overrides);
    REQUIRE(scaled.has_value());
    CHECK(scaled->checks.size() == scenario.checks.size());
    CHECK(scaled->asks.front().wrong.size() == scenario.asks.front().wrong.size());
  }
}

TEST_CASE("no shipped question carries a number that a parameter can change") {
  const std::regex duration(R"(([0-9][0-9.,]*) ?(ns|us|ms|s|min|h)\b)");
  for (const Scenario& scenario : shipped_scenarios()) {
    Overrides others;
    for (const auto& [name, value] : scenario.params) others.params[name] = value + value / 7 + 7;
    const Result<Scenario> changed = load_scenario(scenario.file, kTestModes, others);
    REQUIRE(changed.has_value());
    std::string texts = changed->question + " " + changed->explain.text + " " + changed->explain.next_reason;
    for (const Ask& ask : changed->asks) texts += " " + ask.text;
    INFO(scenario.name << ": " << texts);
    for (std::sregex_iterator at(texts.begin(), texts.end(), duration), end; at != end; ++at) {
      const Result<Nanos> span = parse_duration((*at)[1].str() + (*at)[2].str());
      REQUIRE(span.has_value());
      for (const auto& [name, value] : scenario.params) CHECK(*span != value);
    }
  }
}

TEST_CASE("every shipped scenario ends with a sentence that answers its question") {
  for (const Scenario& scenario : shipped_scenarios()) {
    INFO(scenario.name);
    const Conclusion& answer = scenario.explain.answer;
    REQUIRE_FALSE(answer.words.empty());
    CHECK_FALSE(answer.figures.empty());
    for (const Conclusion::Figure& figure : answer.figures) {
      const auto& show = scenario.show;
      INFO(to_string(figure.stat));
      CHECK((figure.stat == Stat{} || std::find(show.begin(), show.end(), figure.stat) != show.end()));
    }
  }
}

TEST_CASE("one repetition of what is measured fits the budget of every shipped scenario") {
  for (const Scenario& scenario : shipped_scenarios()) {
    INFO(scenario.name);
    Nanos longest = 0;
    for (const Arm& arm : scenario.arms) {
      if (arm.predict_only) continue;
      for (const Case& load_case : scenario.cases) {
        for (const Load& load : load_case.loads) {
          const Nanos each = unhindered_time(scenario.routes[load.route].plan);
          const bool in_line = arm.modes[load.route].waiting == Resource::loop;
          longest += load.every * load.requests + each * (in_line ? load.requests : 1) / arm.workers;
        }
      }
    }
    CHECK(longest < scenario.budget);
  }
}

TEST_CASE("the full example of the README loads") {
  std::ifstream file(fs::path(__FILE__).parent_path().parent_path() / "README.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::string fence = "```toml\n";
  const std::size_t begin = text.find(fence);
  REQUIRE(begin != std::string::npos);
  const std::size_t start = begin + fence.size();
  const Result<Scenario> s =
      parse_scenario(text.substr(start, text.find("```", start) - start), "README.toml", kTestModes);
  INFO((s ? "" : s.error().message));
  REQUIRE(s.has_value());
  CHECK(s->arms.size() == 2);
}

TEST_CASE("blocking-async has the arms and figures that the documents give") {
  const Result<Scenario> s = load_scenario(
      (fs::path(__FILE__).parent_path().parent_path() / "blocking-async.toml").string(), kTestModes);
  REQUIRE(s.has_value());
  std::vector<std::string> arms;
  for (const Arm& arm : s->arms) arms.push_back(arm.id + ": " + arm.label);
  CHECK(arms == std::vector<std::string>{"blocking-loop: async, time.sleep", "async-loop: await sleep",
                                         "thread-pool: def, time.sleep", "offload: run_in_threadpool",
                                         "workers-4: blocking-loop × 4"});
  CHECK(s->arms[0].documented.at(0).value == Approx(1.1));
  CHECK(s->arms[1].documented.at(0).value == Approx(0.03));
  CHECK(s->arms[2].documented.at(0).value == Approx(0.12));
  CHECK(s->routes.at(0).method == "POST");
  CHECK(s->routes.at(0).path == "/delay");
}
