#include "harness/diagnosis/verdict.hpp"

#include <catch2/catch.hpp>
#include <tuple>

#include "harness/diagnosis/examination.hpp"
#include "harness/diagnosis/testing/limited_target.hpp"
#include "harness/model/testing/model_testing.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

Observations asked(const LimitedServer& server, ExaminationOptions options = {}) {
  LimitedTarget target(server);
  std::int64_t announced = 0;
  Observations seen = examine(target, options, [&](const Outlook& outlook) { announced = outlook.requests; });
  CHECK(seen.sent <= announced);
  return seen;
}

LimitedServer by_rate(Nanos every, int bucket, bool delays) {
  LimitedServer server;
  server.every = every;
  server.bucket = bucket;
  server.delays = delays;
  return server;
}

}  // namespace

TEST_CASE("so many in flight and the next one is refused: the number is the verdict") {
  for (const int in_flight : {4, 8, 30}) {
    LimitedServer server;
    server.in_flight = in_flight;
    const Diagnosis verdict = conclude(asked(server));
    REQUIRE(verdict.limit);
    CHECK(verdict.limit->in_flight == in_flight);
    CHECK(verdict.limit->status == 503);
    CHECK(verdict.execution == Execution::concurrent);
    CHECK(verdict.parallelism == in_flight);
  }
  LimitedServer one;
  one.in_flight = 1;
  const Diagnosis verdict = conclude(asked(one));
  REQUIRE(verdict.limit);
  CHECK(verdict.limit->in_flight == 1);
  CHECK(verdict.execution == Execution::unknown);
}

TEST_CASE("with one connection too many all are refused: their number is the verdict") {
  for (const int connections : {9, 16, 50}) {
    LimitedServer server;
    server.connections = connections;
    const Diagnosis verdict = conclude(asked(server));
    REQUIRE(verdict.limit);
    CHECK(verdict.limit->connections);
    CHECK(verdict.limit->in_flight == connections);
    CHECK(verdict.execution == Execution::concurrent);
  }
}

TEST_CASE("a pool behind another stage is counted, and both times are found") {
  for (const auto& [ahead, places, held] : {std::tuple{ms(40), 5, ms(60)}, std::tuple{ms(20), 10, ms(50)},
                                            std::tuple{ms(60), 3, ms(40)}, std::tuple{ms(30), 40, ms(60)}}) {
    LimitedServer server;
    server.service = ahead;
    server.places = places;
    server.held = held;
    const Diagnosis verdict = conclude(asked(server));
    INFO(to_string(verdict.execution) << " of " << verdict.parallelism << ", " << verdict.ahead_s << " + "
                                      << verdict.service_s << " " << verdict.reason);
    CHECK(verdict.execution == Execution::pool);
    CHECK(verdict.parallelism == places);
    CHECK(verdict.service_s == Approx(seconds(held)).epsilon(0.05));
    CHECK(verdict.ahead_s == Approx(seconds(ahead)).epsilon(0.1));
    CHECK(verdict.residual_s < 0.1 * seconds(held));
  }
}

TEST_CASE("what is slow now and then and in nobody's way is no model of its own") {
  LimitedServer server;
  server.service = ms(30);
  server.slow_every = 10;
  server.slow = ms(200);
  const Diagnosis verdict = conclude(asked(server));
  CHECK(verdict.execution == Execution::concurrent);
  CHECK(verdict.serial_part_s == 0);
  REQUIRE(verdict.stragglers);
  CHECK(verdict.stragglers->share == Approx(0.1).epsilon(0.3));
  CHECK(verdict.stragglers->took_s == Approx(0.23).epsilon(0.05));
  CHECK_FALSE(conclude(asked({})).stragglers);
}

TEST_CASE("a bucket that is empty refuses by rate, not by what is in flight") {
  const auto limit_of = [](Nanos every, int bucket) {
    LimitedServer server = by_rate(every, bucket, false);
    server.status = 429;
    const Diagnosis verdict = conclude(asked(server));
    REQUIRE(verdict.limit);
    CHECK(verdict.limit->in_flight == 0);
    CHECK(verdict.limit->status == 429);
    return verdict.limit->per_second;
  };
  CHECK(limit_of(100 * kMillisecond, 20) == Approx(10).epsilon(0.2));
  CHECK(limit_of(100 * kMillisecond, 1) == Approx(10).epsilon(0.2));  // the second one alone is refused
  CHECK(limit_of(20 * kMillisecond, 1) == Approx(50).epsilon(0.2));   // faster than a request is served
  CHECK(limit_of(kSecond, 8) == Approx(1).epsilon(0.3));
}

TEST_CASE("what delays requests to a rate is not one at a time") {
  const Observations seen = asked(by_rate(100 * kMillisecond, 1, true));
  const Diagnosis verdict = conclude(seen);
  REQUIRE(verdict.limit);
  CHECK(verdict.limit->status == 0);
  CHECK(verdict.limit->per_second == Approx(10).epsilon(0.1));
  CHECK(verdict.execution == Execution::unknown);
  LimitedServer quick = by_rate(50 * kMillisecond, 1, true);
  quick.service = kMillisecond;  // all that it takes is its turn
  const Diagnosis delayed = conclude(asked(quick));
  REQUIRE(delayed.limit);
  CHECK(delayed.limit->per_second == Approx(20).epsilon(0.1));
  // Without a pause before a request it would have looked like it.
  Observations restless = seen;
  restless.rested.clear();
  CHECK(conclude(restless).execution == Execution::serial);
}
