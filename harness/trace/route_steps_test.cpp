#include "harness/trace/route_steps.hpp"

#include <catch2/catch.hpp>

#include "harness/analysis/testing/test_times.hpp"

namespace lab {
namespace {

using testing::kMs;

TEST_CASE("steps are numbered in the order of the text, dependencies first") {
  const Route route{"page",
                    "GET",
                    "/page",
                    {{Repeat{3, {{Wait{2 * kMs}}, {Compute{kMs}}}}}, {Query{4 * kMs}}},
                    {{{{Wait{7 * kMs}}}, false}}};
  const RouteSteps steps(route);
  REQUIRE(steps.size() == 5);
  CHECK(steps.unhindered(0) == 7 * kMs);  // the dependency's wait
  CHECK(steps.unhindered(1) == 9 * kMs);  // the repeat as a whole
  CHECK(steps.unhindered(2) == 2 * kMs);  // one turn of its wait
  CHECK(steps.unhindered(3) == kMs);
  CHECK(steps.unhindered(4) == 4 * kMs);
  CHECK(steps.waits(2));
  CHECK_FALSE(steps.waits(3));
  CHECK(steps.waits(4));
}

TEST_CASE("a number that no step has takes no time") {
  const Route route{"ping", "GET", "/ping", {}};
  const RouteSteps steps(route);
  CHECK(steps.step(0) == nullptr);
  CHECK(steps.unhindered(-1) == 0);
  CHECK_FALSE(steps.waits(7));
}

}  // namespace
}  // namespace lab
