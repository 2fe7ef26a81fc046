#include "results/report/diagnosis_change.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace lab;

namespace {

/// A document with three bursts of 4 and of 8, each request after the other or all together.
KeptDiagnosis kept(const std::string& execution, double four_s, double eight_s, const std::string& places) {
  std::string rows;
  for (const auto& [size, took_s] : {std::pair{4, four_s}, std::pair{8, eight_s}}) {
    rows += R"({"at_once":)" + std::to_string(size) + R"(,"all_s":[)" + std::to_string(took_s) + "," +
            std::to_string(took_s * 1.01) + "," + std::to_string(took_s * 1.02) + "]},";
  }
  rows.pop_back();
  return read_kept_diagnosis(R"({"schema":"lab.diagnose/1","started":"then","execution":")" + execution +
                             R"(","parallelism":1,"loop_blocked":true,"evidence":[)" + rows +
                             R"(],"inside":{"places":[)" + places + "]}}")
      .value();
}

const std::string kPlace =
    R"j({"id":"LAB101","file":"/srv/main.py","function":"load","call":null,"where":"main.py:9 in load()"})j";

}  // namespace

TEST_CASE("a repair is seen in the time, the execution and the line that is gone") {
  const DiagnosisChange change =
      compare_diagnoses(kept("serial", 0.4, 0.8, kPlace), kept("concurrent", 0.1, 0.1, ""));
  CHECK(change.at_once == 8);
  REQUIRE(change.shift);
  CHECK(change.shift->p < 0.01);
  CHECK(change.shift->estimate < 0);
  CHECK(change.gone == std::vector<std::string>{"LAB101 main.py:9 in load()"});
  CHECK(change.still.empty());
  REQUIRE(change.says.size() == 3);
  CHECK(change.says[0] == "it was serial, now it is concurrent");
  CHECK(change.says[1].find("8 at once took 808 ms, now 101 ms: 8.0 times as fast (p = 0.00") == 0);
}

TEST_CASE("an edit that changes nothing is said to, and a line that moved is the same one") {
  std::string moved = kPlace;
  moved.replace(moved.find(":9 "), 3, ":7 ");
  const DiagnosisChange change =
      compare_diagnoses(kept("serial", 0.4, 0.8, kPlace), kept("serial", 0.401, 0.801, moved));
  CHECK(change.gone.empty());
  CHECK(change.fresh.empty());
  CHECK(change.still.size() == 1);
  REQUIRE(change.says.size() == 2);
  CHECK(change.says[0].find("no difference can be claimed") != std::string::npos);
}

TEST_CASE("what is no diagnosis is refused") {
  CHECK_FALSE(read_kept_diagnosis("{}").has_value());
  CHECK_FALSE(read_kept_diagnosis("nonsense").has_value());
}
