#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "lab/core/text.hpp"
#include "lab/course/explain.hpp"
#include "lab/experiment/experiment.hpp"
#include "lab/servers/mode.hpp"
#include "results/report/arm_report.hpp"
#include "scenarios/loader/loader.hpp"

using namespace lab;

namespace {

constexpr int kCores = 2;
constexpr std::uint64_t kSeed = 42;

/// What a machine of the usual speed does per second, so that no expectation hangs on this one.
void set_usual_speed(Scenario& scenario) {
  WorkRates rates{};
  rates.fill(1e8);
  rates[static_cast<std::size_t>(Work::qr_code)] = 1e3;
  rates[static_cast<std::size_t>(Work::inference)] = 1e3;
  rates[static_cast<std::size_t>(Work::file_read)] = 5e9;
  rates[static_cast<std::size_t>(Work::thread_switch)] = 1e5;
  rates[static_cast<std::size_t>(Work::process_switch)] = 1e5;
  for (Route& route : scenario.routes) apply_rates(route, rates);
}

std::set<std::string> found(const Scenario& scenario, const Arm& arm, const Case& load_case) {
  const RunRepetition repetition = simulate_repetition(scenario, arm, load_case, kCores, 1, kSeed, true);
  std::set<std::string> ids;
  const int cores = arm.cores > 0 ? arm.cores : kCores;
  std::vector<Finding> seen = find_in_repetition(scenario.routes, arm, load_case, cores, 1, repetition);
  for (const Finding& finding : common_findings({std::move(seen)}, 0, arm, load_case, repetition.engine))
    ids.insert(finding.id);
  return ids;
}

const SickArm* sick_arm(const Scenario& scenario, const Arm& arm, const Case& load_case) {
  for (const SickArm& sick : finding_book().arms.sick) {
    if (sick.scenario == scenario.name && sick.arm == arm.id &&
        (sick.case_id.empty() || sick.case_id == load_case.id))
      return &sick;
  }
  return nullptr;
}

std::string joined(const std::set<std::string>& ids) {
  std::string text;
  for (const std::string& id : ids) text += id + " ";
  return text;
}

/// What differs from the table; empty where all arms show what they should.
std::string differences(const std::string& name, bool tenth) {
  Overrides overrides;
  if (tenth) overrides.scale = 0.1;
  Scenario scenario = load_scenario(name, known_modes(), overrides).value();
  set_usual_speed(scenario);
  std::string text;
  for (const Case& load_case : scenario.cases) {
    for (const Arm& arm : scenario.arms) {
      std::set<std::string> must;
      std::set<std::string> may;
      if (const SickArm* sick = sick_arm(scenario, arm, load_case)) {
        const std::vector<std::string>& ids = tenth ? sick->tenth() : sick->findings;
        must.insert(ids.begin(), ids.end());
        may.insert(sick->perhaps.begin(), sick->perhaps.end());
      }
      const std::set<std::string> ids = found(scenario, arm, load_case);
      const bool all = std::includes(ids.begin(), ids.end(), must.begin(), must.end());
      may.insert(must.begin(), must.end());
      const bool no_other = std::includes(may.begin(), may.end(), ids.begin(), ids.end());
      if (!all || !no_other)
        text += name + " " + arm.id + " " + load_case.id + ": found " + joined(ids) + "\n";
    }
  }
  return text;
}

}  // namespace

TEST_CASE("every arm of every scenario shows the findings of the table, and no other one") {
  const std::vector<std::string> names = scenario_names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i % LAB_TEST_DIVISOR == 0) CHECK(differences(names[i], false) == "");  // the longer ones
    CHECK(differences(names[i], true) == "");
  }
}

TEST_CASE("the table of sick arms names scenarios, arms, cases and findings that exist") {
  std::set<std::string> ids;
  for (const FindingEntry& entry : finding_book().finding) CHECK(ids.insert(entry.id).second);
  for (const SickArm& sick : finding_book().arms.sick) {
    INFO(sick.scenario << " " << sick.arm << " " << sick.case_id);
    const auto scenario = load_scenario(sick.scenario, known_modes());
    REQUIRE(scenario.has_value());
    CHECK(std::any_of(scenario->arms.begin(), scenario->arms.end(),
                      [&](const Arm& arm) { return arm.id == sick.arm; }));
    CHECK(std::any_of(scenario->cases.begin(), scenario->cases.end(), [&](const Case& load_case) {
      return sick.case_id.empty() || load_case.id == sick.case_id;
    }));
    for (const auto* some : {&sick.findings, &sick.tenth(), &sick.perhaps}) {
      for (const std::string& id : *some) CHECK(ids.count(id) == 1);
    }
  }
}

TEST_CASE("every finding is explained in full, within 80 columns, by a scenario that is shipped") {
  const std::vector<std::string> names = scenario_names();
  for (const FindingEntry& entry : finding_book().finding) {
    INFO(entry.id);
    CHECK(entry.id.starts_with("LAB"));
    CHECK_FALSE(entry.cpp.empty());
    CHECK_FALSE(entry.fastapi.empty());
    CHECK(std::find(names.begin(), names.end(), entry.shown.scenario) != names.end());
    for (const bool ascii : {false, true}) {
      const std::string text = explain_as_text(finding_book(), entry, {80, ascii});
      std::size_t from = 0;
      for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', from)) {
        INFO(text.substr(from, end - from));
        CHECK(columns(text.substr(from, end - from)) <= 80);
        from = end + 1;
      }
    }
  }
}

TEST_CASE("a finding is found by its number in any spelling, and a slip of the pen gets the nearest") {
  const FindingBook& book = finding_book();
  for (const char* id : {"LAB101", "lab101", "101"}) CHECK(book.find(id).id == "LAB101");
  CHECK_THROWS_WITH(book.find("LAB1001"), Catch::Contains("LAB10"));
  CHECK_THROWS_AS(book.find(""), Failure);
}

TEST_CASE("a book that lacks something is refused with its place") {
  CHECK_THROWS_AS(read_finding_book("[[finding]]\nid = \"LAB101\"\n"), Failure);
  CHECK_THROWS_AS(read_finding_book("finding = 3\n"), Failure);
  CHECK_THROWS_AS(read_finding_book("[[finding"), Failure);
}
