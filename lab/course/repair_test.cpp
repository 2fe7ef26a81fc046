#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "lab/core/error.hpp"
#include "lab/course/repair.hpp"
#include "scenarios/loader/loader.hpp"

using namespace lab;

namespace {

/// What `lab diagnose` says of a server: one request alone, the last burst, whether its loop is blocked, the
/// places.
std::string diagnosis(double alone_s, double together_s, const char* blocked, const char* places) {
  return fmt::format(
      R"({{"schema":"lab.diagnose/1","service_s":{},"loop_blocked":{},"evidence":[{{"at_once":1,"makespan_s":{}}},{{"at_once":32,"makespan_s":{}}}],"inside":{{"places":[{}]}}}})",
      alone_s, blocked, alone_s, together_s, places);
}

const Repair& sick_report() {
  return repair_book().find("find-the-line");
}

std::vector<bool> grades(const RepairSheet& sheet) {
  std::vector<bool> right;
  for (const Grade& grade : sheet.grades) right.push_back(grade.right);
  return right;
}

}  // namespace

TEST_CASE("A repaired server gets all points") {
  const RepairSheet sheet = grade_diagnosis(sick_report(), diagnosis(0.05, 0.06, "false", ""));
  CHECK(sheet.score() == 1);
  for (const RepairCheck& check : sheet.checks) CHECK(check.found.empty());
}

TEST_CASE("The line that is still to blame is named with its source") {
  const RepairSheet sheet = grade_diagnosis(
      sick_report(),
      diagnosis(
          0.05, 1.6, "true",
          R"json({"file":"/tmp/x/report.py","line":17,"function":"ask_database","source":"time.sleep(0.05)"})json"));
  CHECK(grades(sheet) == std::vector{true, false, false, false});
  CHECK(sheet.checks[1].found == "report.py:17 in ask_database(): time.sleep(0.05)");
  CHECK(sheet.checks[3].found == "1.6 s");
}

TEST_CASE("A place that is known only by its system call is named by that") {
  const RepairSheet sheet = grade_diagnosis(
      sick_report(), diagnosis(0.05, 0.06, "false", R"({"file":null,"line":null,"call":"clock_nanosleep"})"));
  CHECK(grades(sheet) == std::vector{true, false, true, true});
  CHECK(sheet.checks[1].found == "clock_nanosleep");
}

TEST_CASE("Who leaves out the work has not repaired it") {
  CHECK(grades(grade_diagnosis(sick_report(), diagnosis(0.002, 0.01, "false", ""))) ==
        std::vector{false, true, true, true});
}

TEST_CASE("What a diagnosis could not find out earns nothing") {
  CHECK(grades(grade_diagnosis(sick_report(), diagnosis(0.05, 0.06, "null", ""))) ==
        std::vector{true, true, false, true});
}

TEST_CASE("A diagnosis that did not look inside is no grade") {
  for (const char* text : {"", "[]", "no JSON", R"({"schema":"lab.diagnose/1","service_s":0.05})"})
    CHECK_THROWS_AS(grade_diagnosis(sick_report(), text), Failure);
}

TEST_CASE("Every server to repair says where its port goes, and an unknown one is refused with their names") {
  REQUIRE(repair_book().repairs.size() >= 3);
  for (const Repair& repair : repair_book().repairs) {
    INFO(repair.id);
    CHECK(repair.server.find("{port}") != std::string::npos);
    CHECK(repair.text.find("lab grade " + repair.file + " --repair " + repair.id) != std::string::npos);
    CHECK(repair.at_least.is_time);
    CHECK(repair.at_least.value < repair.at_most.value);
  }
  CHECK_THROWS_WITH(repair_book().find("find-the-lin"), Catch::Contains("find-the-line"));
}
