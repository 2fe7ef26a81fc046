#include "lab/cli/sweep.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

namespace lab {
namespace {

using Values = std::vector<std::string>;

Values values_of(const std::string& list) {
  return parse_grid({"k=" + list}).value().front().values;
}

std::string problem(const Values& texts) {
  const auto grid = parse_grid(texts);
  return grid ? "" : grid.error().message;
}

TEST_CASE("a list has values and ranges of whole numbers or durations") {
  CHECK(values_of("1,2,8") == Values{"1", "2", "8"});
  CHECK(values_of("1..4") == Values{"1", "2", "3", "4"});
  CHECK(values_of("1..64*4") == Values{"1", "4", "16", "64"});
  CHECK(values_of("1..10*2") == Values{"1", "2", "4", "8"});
  CHECK(values_of("2..9+3,20") == Values{"2", "5", "8", "20"});
  CHECK(values_of("1..8*1.5") == Values{"1", "2", "3", "5", "8"});
  CHECK(values_of("100ms..300ms+100ms") == Values{"100ms", "200ms", "300ms"});
  CHECK(values_of("500us..2ms*2") == Values{"500us", "1ms", "2ms"});
  CHECK(values_of("9223372036854775807..9223372036854775807") == Values{"9223372036854775807"});
  CHECK(values_of("burst,closed") == Values{"burst", "closed"});
}

TEST_CASE("what is no list is refused with the fix") {
  CHECK_THAT(problem({"workers"}), Catch::Contains("KEY=LIST"));
  CHECK_THAT(problem({"workers="}), Catch::Contains("KEY=LIST"));
  CHECK_THAT(problem({"workers=1,,2"}), Catch::Contains("empty"));
  CHECK_THAT(problem({"workers=8..1"}), Catch::Contains("backwards"));
  CHECK_THAT(problem({"workers=1..x"}), Catch::Contains("1..64*2"));
  CHECK_THAT(problem({"workers=1..8*1"}), Catch::Contains("not a range"));
  CHECK_THAT(problem({"workers=0..8*2"}), Catch::Contains("not a range"));
  CHECK_THAT(problem({"d=100ms..1s"}), Catch::Contains("needs a step"));
  CHECK_THAT(problem({"workers=1,2,1"}), Catch::Contains("twice"));
  CHECK_THAT(problem({"workers=1", "workers=2"}), Catch::Contains("given twice"));
  CHECK_THAT(problem({}), Catch::Contains("--vary workers"));
}

TEST_CASE("a grid of more than a thousand points is refused, however it is written") {
  CHECK(problem({"a=1..1000"}).empty());
  CHECK_THAT(problem({"a=1..1001"}), Catch::Contains("too large"));
  CHECK_THAT(problem({"a=1..9223372036854775806"}), Catch::Contains("too large"));
  CHECK_THAT(problem({"a=1..100", "b=1..11"}), Catch::Contains("1100 points"));
}

TEST_CASE("points are all combinations, the last key changing fastest") {
  const auto keys = parse_grid({"workers=1,2", "d=1s,2s"}).value();
  CHECK(points_of(keys) == std::vector<Values>{{"1", "1s"}, {"1", "2s"}, {"2", "1s"}, {"2", "2s"}});
}

TEST_CASE("a key is the option of that name, or else a parameter of the scenario") {
  RunOptions options;
  options.set("seed", "7");
  const auto keys = parse_grid({"workers=1,2", "pause=1s,2s"}).value();
  const RunOptions point = at_point(options, keys, {"2", "1s"});
  CHECK(point.overrides.workers == 2);
  CHECK(point.overrides.params == std::map<std::string, Nanos>{{"pause", kSecond}});
  CHECK(point.experiment.seed == 7);
}

TEST_CASE("what is varied cannot be fixed as well") {
  for (const auto& [name, text, varied] :
       {std::array{"workers", "4", "workers=1,2"}, {"set", "d=1s", "d=1s,2s"}, {"delay", "1s", "d=1s,2s"}}) {
    RunOptions options;
    options.set(name, text);
    const auto keys = parse_grid({varied}).value();
    CHECK_THROWS_AS(at_point(options, keys, {keys.front().values.front()}), Failure);
  }
}

}  // namespace
}  // namespace lab
