#include "harness/trace/occupancy.hpp"

#include <catch2/catch.hpp>

#include "harness/analysis/testing/test_times.hpp"

namespace lab {
namespace {

using testing::kMs;

struct Loop {
  Events events;
  void hold(Nanos from, Nanos to, std::uint32_t request, std::uint16_t worker = 0) {
    events.push_back({from, 0, request, worker, 0, EventKind::acquire, Resource::loop});
    events.push_back({to, 0, request, worker, 0, EventKind::release, Resource::loop});
  }
  void turn(Nanos at, std::uint16_t worker = 0) {
    events.push_back({at, 1, 0, worker, 0, EventKind::turn, Resource::nothing});
  }
};

TEST_CASE("handlers that run one after another in one turn are one gap") {
  Loop loop;
  loop.hold(0, 5 * kMs, 1);
  loop.hold(5 * kMs, 10 * kMs, 2);
  loop.turn(10 * kMs);
  loop.hold(20 * kMs, 21 * kMs, 3);
  loop.turn(21 * kMs);
  const auto turns = loop_turns(loop.events);
  REQUIRE(turns.size() == 2);
  CHECK(longest_gap(turns) == 10 * kMs);
}

TEST_CASE("a turn after every handler means that the loop looked in between") {
  Loop loop;
  for (int i = 0; i < 3; ++i) {
    loop.hold(i * 5 * kMs, (i + 1) * 5 * kMs, 1);
    loop.turn((i + 1) * 5 * kMs);
  }
  CHECK(longest_gap(loop_turns(loop.events)) == 5 * kMs);
}

TEST_CASE("a handler that never gave the loop back is a gap until the last event") {
  Loop loop;
  loop.events.push_back({kMs, 0, 1, 0, 0, EventKind::acquire, Resource::loop});
  loop.events.push_back({90 * kMs, 0, 2, 1, 0, EventKind::read, Resource::nothing});
  CHECK(longest_gap(loop_turns(loop.events)) == 89 * kMs);
}

TEST_CASE("where a turn's event was lost, sleep ends the turn all the same") {
  Loop loop;
  loop.hold(0, 2 * kMs, 1);
  loop.hold(500 * kMs, 503 * kMs, 2);
  loop.turn(503 * kMs);
  CHECK(longest_gap(loop_turns(loop.events)) == 3 * kMs);
}

TEST_CASE("utilisation is the busiest loop's, within the load's time only") {
  Loop loop;
  loop.hold(0, 20 * kMs, 1, 0);
  loop.turn(20 * kMs, 0);
  loop.hold(90 * kMs, 130 * kMs, 2, 1);
  loop.turn(130 * kMs, 1);
  const auto turns = loop_turns(loop.events);
  CHECK(utilisation(turns, 10 * kMs, 110 * kMs) == Approx(0.2));
  CHECK(utilisation(turns, 0, 0) == 0);
}

TEST_CASE("a server without loops has no turns") {
  CHECK(loop_turns({}).empty());
  CHECK(longest_gap({}) == 0);
}

}  // namespace
}  // namespace lab
