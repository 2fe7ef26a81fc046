#include "harness/trace/route_steps.hpp"

#include <catch2/catch.hpp>

namespace lab {
namespace {

Route route_of(Plan plan) {
  return {"r", "GET", "/r", std::move(plan)};
}
Hold held(Nanos from, Nanos to, Resource resource = Resource::loop) {
  return {resource, 0, 0, 1, from, to};
}
const Step kWait{Wait{100}, false};
const Step kCpu{Compute{.duration = 50}, false};

TEST_CASE("one wait lies where the handler held nothing for longest") {
  const std::vector<Hold> holds{held(0, 5), held(107, 112), held(115, 120)};
  const auto steps = infer_steps(route_of({kWait}), 0, 120, holds);
  REQUIRE(steps.size() == 1);
  CHECK(steps[0].from == 5);
  CHECK(steps[0].to == 107);
}

TEST_CASE("a wait in which something was held all the time is the whole handler") {
  const std::vector<Hold> holds{held(0, 110)};
  const auto steps = infer_steps(route_of({kWait}), 0, 110, holds);
  REQUIRE(steps.size() == 1);
  CHECK(steps[0].to == 110);
  CHECK(infer_steps(route_of({kWait}), 0, 110, {}).size() == 1);
}

TEST_CASE("a wait in the pool is not taken for the wait for the pool") {
  const std::vector<Hold> holds{held(0, 2), held(112, 214, Resource::pool), held(216, 220)};
  const auto steps = infer_steps(route_of({kWait}), 0, 220, holds);
  REQUIRE(steps.size() == 1);
  CHECK(steps[0].from == 112);
  CHECK(steps[0].to == 214);
}

TEST_CASE("repeated steps lie one in each hold, under the same number") {
  const std::vector<Hold> holds{held(0, 51), held(60, 112), held(300, 355), held(356, 357)};
  const auto steps = infer_steps(route_of({{Repeat{3, {kCpu, {Yield{}, false}}}, false}}), 0, 360, holds);
  REQUIRE(steps.size() == 3);
  CHECK(steps[0].index == 1);
  CHECK(steps[2].index == 1);
  CHECK(steps[2].from == 300);
  const std::vector<Hold> in_one{held(0, 160)};
  CHECK(infer_steps(route_of({{Repeat{3, {kCpu}}, false}}), 0, 160, in_one).size() == 3);
  CHECK(infer_steps(route_of({{Repeat{1'000'000'000, {kCpu}}, false}}), 0, 160, in_one).empty());
}

TEST_CASE("waits and computing in turn are distinguished by what was held") {
  const std::vector<Hold> holds{held(0, 52), held(155, 210), held(312, 315)};
  const auto steps = infer_steps(route_of({kCpu, kWait, kCpu, kWait}), 0, 315, holds);
  REQUIRE(steps.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(steps[i].index == static_cast<std::int64_t>(i));
  CHECK(steps[0].to == 52);
  CHECK(steps[1].to == 155);
  CHECK(steps[2].from == 155);
  CHECK(steps[2].to == 210);
  CHECK(steps[3].to == 312);
}

TEST_CASE("blocking steps in one hold are laid out in their order, and the last one takes what is left") {
  const std::vector<Hold> holds{held(0, 280, Resource::pool)};
  const auto steps = infer_steps(route_of({kWait, kCpu, kWait}), 0, 280, holds);
  REQUIRE(steps.size() == 3);
  CHECK(steps[1].from == 100);
  CHECK(steps[2].from == 150);
  CHECK(steps[2].to == 280);
}

TEST_CASE("numbers are those of the plan's text: dependencies first, what never runs counted") {
  Route route = route_of({{Forget{{kWait}}, false}, {Pooled{{kWait}}, false}});
  route.depends = {{.steps = {kCpu}}};
  const auto steps = infer_steps(route, 0, 150, {});
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].index == 0);
  CHECK(steps[1].index == 4);
}

TEST_CASE("nothing is made up where it is not known") {
  CHECK(infer_steps(route_of({}), 0, 100, {}).empty());
  const std::vector<Hold> both{held(0, 160), held(262, 265)};
  CHECK(infer_steps(route_of({kCpu, kWait}), 0, 265, both).empty());
  CHECK(infer_steps(route_of({{Gather{{{kWait}, {kWait}}}, false}}), 0, 100, {}).empty());
  const std::vector<Hold> one_of_two{held(0, 110), held(212, 215)};
  CHECK(infer_steps(route_of({kWait, kWait}), 0, 215, one_of_two).empty());
  CHECK(infer_steps(route_of({kWait}), 100, 100, {}).empty());
}

}  // namespace
}  // namespace lab
