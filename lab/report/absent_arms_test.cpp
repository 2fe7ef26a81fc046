#include "lab/report/absent_arms.hpp"

#include <catch2/catch.hpp>

#include "lab/experiment/engines.hpp"
#include "lab/servers/mode.hpp"
#include "scenarios/loader/loader.hpp"

using namespace lab;

namespace {

constexpr const char* kThreeArms = R"(
question = "Ten at once?"
routes.delay = { request = "POST /delay", steps = [{ wait = "100ms" }] }
load = [{ route = "delay", arrivals = "burst", requests = 10 }]
[[arms]]
id = "one"
mode = "blocking-loop"
[[arms]]
id = "async-loop"
mode = "async-loop"
documented = { makespan = "~0.03s" }
[[arms]]
id = "workers-4"
mode = "blocking-loop"
workers = 4
)";

/// Whether the text speaks of an arm that has no row, where these have one.
bool absent(const std::string& text, const std::vector<std::string>& rows, const char* engine = kNative,
            bool ours = true) {
  const Scenario scenario = parse_scenario(kThreeArms, "ten.toml", known_modes()).value();
  std::vector<ArmAnalysis> arms(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    arms[i].report.written = rows[i];
    arms[i].report.engine.kind = engine;
  }
  return speaks_of_absent(text, scenario, arms, ours);
}

}  // namespace

TEST_CASE("a note that names an arm is reported where that arm is in the table") {
  const std::string note = "workers-4 is dealt its ten connections in turn.";
  CHECK_FALSE(absent(note, {"one", "workers-4"}));
  CHECK(absent(note, {"one", "async-loop"}));
  CHECK_FALSE(absent("one of ten; workers-40 are others", {"async-loop", "workers-4"}));
}

TEST_CASE("a note is about our own servers, a documented figure about any") {
  CHECK(absent("workers-4 is dealt evenly.", {"workers-4"}, kFastapi));
  CHECK_FALSE(absent("0.03 s is a forgotten await.", {"async-loop"}, kFastapi, false));
  CHECK(absent("0.03 s is a forgotten await.", {"one", "workers-4"}, kNative, false));
  CHECK_FALSE(absent("10.03 s, and 0.035", {"one", "workers-4"}, kNative, false));
}
