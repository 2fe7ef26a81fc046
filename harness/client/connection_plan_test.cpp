#include "harness/client/connection_plan.hpp"

#include <catch2/catch.hpp>

namespace lab {
namespace {

TEST_CASE("connections are numbered in the order of the requests that need them") {
  Case load_case;
  load_case.loads = {{.arrivals = Arrivals::staggered, .requests = 2, .at = {0, 20}},
                     {.arrivals = Arrivals::burst, .requests = 2, .from = 10, .at = {}},
                     {.arrivals = Arrivals::closed, .requests = 9, .clients = 1, .from = 15, .at = {}}};
  const ConnectionPlan plan = plan_connections(load_case, schedule(load_case, 0));
  CHECK(plan.of_arrival == std::vector<std::uint32_t>{0, 1, 2, 3, 4});
  std::vector<std::uint32_t> loads;
  for (const auto& connection : plan.connections) {
    CHECK(connection.preopened);
    loads.push_back(connection.load);
  }
  CHECK(loads == std::vector<std::uint32_t>{0, 1, 1, 2, 0});
}

TEST_CASE("a steady load has a pool of at most sixty-four to begin with") {
  Case load_case;
  load_case.loads = {{.arrivals = Arrivals::constant, .requests = 1000, .every = kMillisecond, .at = {}},
                     {.arrivals = Arrivals::poisson, .requests = 3, .every = kSecond, .at = {}}};
  const ConnectionPlan plan = plan_connections(load_case, schedule(load_case, 1));
  CHECK(plan.connections.size() == 67);
  CHECK(plan.of_arrival.size() == 1003);
  for (const std::uint32_t connection : plan.of_arrival) CHECK(connection == kNoConnection);
}

TEST_CASE("fresh connections are not opened before the load") {
  Case load_case;
  load_case.loads = {
      {.arrivals = Arrivals::burst, .requests = 2, .at = {}, .fresh_connections = true},
      {.arrivals = Arrivals::constant, .requests = 5, .every = 1, .at = {}, .fresh_connections = true}};
  const ConnectionPlan plan = plan_connections(load_case, schedule(load_case, 0));
  REQUIRE(plan.connections.size() == 2);
  CHECK_FALSE(plan.connections[0].preopened);
  CHECK(plan.of_arrival[1] == 1);
  CHECK(plan.of_arrival[2] == kNoConnection);
}

}  // namespace
}  // namespace lab
