#include "lab/cli/options.hpp"

#include <catch2/catch.hpp>

using namespace lab;

namespace {

std::string refusal(const RawRunOptions& raw) {
  const auto options = check_run_options(raw);
  return options ? "" : options.error().message;
}

}  // namespace

TEST_CASE("a duration without a unit is refused with the fix") {
  RawRunOptions raw;
  raw.delay = "100";
  CHECK(refusal(raw) == "--delay: '100' has no unit; write 100ms or 100s");
}

TEST_CASE("numbers out of range name the option and the range") {
  RawRunOptions raw;
  raw.requests = "0";
  CHECK(refusal(raw) == "--requests: 0 is out of range; give 1 to 10000000");
  raw.requests = "99999999999999999999";
  CHECK(refusal(raw).starts_with("--requests: 99999999999999999999 is out of range"));
  raw.requests = "ten";
  CHECK(refusal(raw) == "--requests: 'ten' is not a whole number");
}

TEST_CASE("unknown words are answered with the nearest known one") {
  RawRunOptions raw;
  raw.engines = {"nativ"};
  CHECK(refusal(raw).find("did you mean 'native'?") != std::string::npos);
  raw.engines.clear();
  raw.output.format = "jsn";
  CHECK(refusal(raw).find("did you mean 'json'?") != std::string::npos);
}

TEST_CASE("options that exclude each other are refused") {
  RawRunOptions raw;
  raw.quick = true;
  raw.repeat = "3";
  CHECK_FALSE(refusal(raw).empty());
  raw = {};
  raw.save = "somewhere";
  raw.no_save = true;
  CHECK_FALSE(refusal(raw).empty());
}

TEST_CASE("recorded options give the same overrides again") {
  RawRunOptions raw;
  raw.arms = {"a", "b"};
  raw.requests = "20";
  raw.delay = "50ms";
  raw.settings = {"c=1s", "e=2ms"};
  raw.scale = "0.5";
  raw.arrivals = "constant";
  raw.rate = "12.5";
  raw.connections = "fresh";
  const Overrides direct = check_run_options(raw).value().overrides;
  const Overrides again = overrides_from(to_arguments(raw)).value();
  CHECK(again == direct);
  CHECK(again.params.size() == 3);
  CHECK(again.fresh_connections == true);
}

TEST_CASE("what the options changed is said in one line") {
  Overrides overrides;
  CHECK(describe_changes(overrides).empty());
  overrides.params = {{"d", kSecond}};
  overrides.requests = 20;
  CHECK(describe_changes(overrides) == "d = 1 s, N = 20");
}
