#include "lab/experiment/options.hpp"

#include <catch2/catch.hpp>

using namespace lab;

namespace {

std::string refusal_of(const std::vector<std::string>& words) {
  try {
    RunOptions::read(words, "run").check_together();
    return "";
  } catch (const Failure& failure) {
    return failure.error().message;
  }
}

}  // namespace

TEST_CASE("a duration without a unit is refused with the fix") {
  CHECK(refusal_of({"--delay=100"}) == "--delay: '100' has no unit; write 100ms or 100s");
}

TEST_CASE("numbers out of range name the option and the range") {
  CHECK(refusal_of({"--requests=0"}) == "--requests: 0 is out of range; give 1 to 10000000");
  CHECK(refusal_of({"--requests=99999999999999999999"})
            .starts_with("--requests: 99999999999999999999 is out of range"));
  CHECK(refusal_of({"--requests=ten"}) == "--requests: 'ten' is not a whole number");
}

TEST_CASE("unknown words are answered with the nearest known one") {
  CHECK(refusal_of({"--engine=nativ"}).find("did you mean 'native'?") != std::string::npos);
}

TEST_CASE("options that exclude each other are refused") {
  CHECK_FALSE(refusal_of({"--quick", "--repeat=3"}).empty());
  CHECK_FALSE(refusal_of({"--ready=/health"}).empty());
  RunOptions options;
  options.set("save", "somewhere");
  options.set("no-save", "");
  CHECK_THROWS_AS(options.check_together(), Failure);
}

TEST_CASE("a record keeps what changes the scenario as it was written, and gives the same again") {
  const std::vector<std::string> words{"--arms=a,b",  "--requests=20",       "--delay=50ms",
                                       "--set=c=1s",  "--set=e=2ms",         "--scale=0.5",
                                       "--rate=12.5", "--arrivals=constant", "--connections=fresh"};
  auto options = RunOptions::read(words, "run");
  options.set("seed", "7");
  options.set("engine", "native");
  options.set("engine", "fastapi");
  const std::vector<std::string> recorded = options.recorded();
  CHECK(recorded == std::vector<std::string>{"--arms=a,b", "--requests=20", "--delay=50ms", "--set=c=1s",
                                             "--set=e=2ms", "--scale=0.5", "--arrivals=constant",
                                             "--rate=12.5", "--connections=fresh"});
  CHECK(overrides_from(recorded).value() == options.overrides);
  CHECK(options.overrides.params.size() == 3);
  CHECK(options.overrides.fresh_connections == true);
  const auto again = RunOptions::read(options.kept_by_sweep(), "sweep");
  CHECK(again.experiment.seed == 7);
  CHECK(again.experiment.engines == std::vector<std::string>{"native", "fastapi"});
}

TEST_CASE("a record of options that are not known is refused") {
  CHECK(refusal_of({"--speed=3"}) == "the run's recorded options cannot be read: --speed=3");
}

TEST_CASE("what the options changed is said in one line") {
  Overrides overrides;
  CHECK(describe_changes(overrides).empty());
  overrides.params = {{"d", kSecond}};
  overrides.requests = 20;
  CHECK(describe_changes(overrides) == "d = 1 s, N = 20");
}
