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

TEST_CASE("a pool is no group of workers because its server's own work makes bursts slower than one alone") {
  // As recorded of FastAPI's 40 threads: of all but the first replies each burst makes some ms more.
  Observations seen;
  seen.alone.assign(40, ms(51));
  for (int repetition = 0; repetition < 3; ++repetition) {
    for (const int size : {2, 4, 8, 16, 32, 64, 128}) {
      Burst burst{size, {}};
      for (int i = 0; i < size; ++i) {
        const Nanos work = i == 0 ? 0 : ms(1) + std::min(size, 40) * ms(1) / 4;
        burst.done.push_back(ms(51) + work + i / 40 * ms(57));
      }
      seen.bursts.push_back(burst);
    }
  }
  seen.most_at_once = 128;
  seen.processes = 1;
  const Diagnosis verdict = conclude(seen);
  INFO(to_string(verdict.execution) << " of " << verdict.parallelism << " " << verdict.reason);
  CHECK(verdict.execution == Execution::pool);
  CHECK(verdict.parallelism == 40);
}

TEST_CASE("a pool behind another stage is counted though each request costs the server some work as well") {
  // 30 ms, then the pool of 40 for 60 ms, and 0.7 ms of work on the loop for each, of which a request alone
  // and the first ones of a burst feel nothing.
  Observations seen;
  seen.alone = {ms(93), ms(92), ms(92), ms(92), ms(94)};
  for (int repetition = 0; repetition < 3; ++repetition) {
    for (const int size : {2, 4, 8, 16, 32, 64}) {
      Burst burst{size, {}};
      for (int i = 0; i < size; ++i)
        burst.done.push_back(ms(92) + std::min(size, 20) * ms(7) / 10 + i * ms(1) / 20 + i / 40 * ms(62));
      seen.bursts.push_back(burst);
    }
  }
  seen.most_at_once = 64;
  const Diagnosis verdict = conclude(seen);
  INFO(to_string(verdict.execution) << " of " << verdict.parallelism << " " << verdict.reason);
  CHECK(verdict.execution == Execution::pool);
  CHECK(verdict.parallelism == 40);
  CHECK(verdict.service_s == Approx(0.063).epsilon(0.15));
  CHECK(verdict.ahead_s == Approx(0.03).epsilon(0.35));
}

TEST_CASE("what is slow now and then and in nobody's way is no model of its own") {
  const auto asked_of = [](Nanos service, int slow_every, Nanos slow) {
    LimitedServer server;
    server.service = service;
    server.slow_every = slow_every;
    server.slow = slow;
    const Diagnosis verdict = conclude(asked(server));
    CHECK(verdict.execution == Execution::concurrent);
    CHECK(verdict.serial_part_s == 0);
    REQUIRE(verdict.stragglers);
    CHECK(verdict.stragglers->took_s == Approx(seconds(service + slow)).epsilon(0.05));
    return verdict.stragglers->share;
  };
  CHECK(asked_of(ms(30), 10, ms(200)) == Approx(0.1).epsilon(0.3));
  CHECK(asked_of(ms(11), 140, ms(100)) < 0.01);  // rarely, and always by the same time
  CHECK_FALSE(conclude(asked({})).stragglers);
}

TEST_CASE("a part that blocks the loop is found though replies are written at the end of the loop's turns") {
  // Recorded: 50 ms in a pool of 40, then 31.5 ms on the loop, which goes on with all that are ready before
  // it writes a reply.
  Observations seen;
  seen.alone = {ms(83), ms(82), ms(82), ms(83), ms(82)};
  for (int repetition = 0; repetition < 3; ++repetition) {
    for (const int size : {2, 4, 8, 16, 32, 64}) {
      Burst burst{size, {}};
      for (int i = 0; i < size; ++i)
        burst.done.push_back(ms(51) + (i < 40 ? std::min(size, 40) : size) * ms(63) / 2);
      seen.bursts.push_back(burst);
    }
  }
  seen.most_at_once = 64;
  const Diagnosis verdict = conclude(seen);
  INFO(to_string(verdict.execution) << " of " << verdict.parallelism << " " << verdict.reason);
  CHECK(verdict.execution == Execution::concurrent);
  CHECK(verdict.serial_part_s == Approx(0.0315).epsilon(0.1));
  CHECK(contradiction(seen, verdict).empty());
}

TEST_CASE("requests that take different times are judged by what one alone took, as if drawn by lot") {
  LimitedServer server;
  server.service = ms(1);
  server.held = ms(20);
  server.spread = ms(60);
  for (const int places : {1, 3, 8}) {
    server.places = places;
    const Observations seen = asked(server);
    const Diagnosis verdict = conclude(seen);
    INFO(to_string(verdict.execution) << " of " << verdict.parallelism << " " << verdict.reason);
    CHECK(verdict.execution == (places == 1 ? Execution::serial : Execution::pool));
    CHECK(verdict.parallelism == Approx(places).epsilon(0.1));
    CHECK(verdict.varies);
    CHECK(contradiction(seen, verdict).empty());
  }
  server.places = 0;
  server.service = ms(20);
  const Diagnosis together = conclude(asked(server));
  CHECK(together.execution == Execution::concurrent);
  CHECK(together.parallelism == 128);
  CHECK_FALSE(together.stragglers);
  CHECK_FALSE(conclude(asked({})).varies);
}

TEST_CASE("a server so slow that it is asked once before the bursts is said to be too slow for the budget") {
  LimitedServer server;
  server.service = 12 * kSecond;
  CHECK(conclude(asked(server)).reason.find("too slow for this budget") != std::string::npos);
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
