#include "harness/diagnosis/verdict.hpp"

#include <catch2/catch.hpp>

#include "harness/diagnosis/examination.hpp"
#include "harness/diagnosis/testing/limited_target.hpp"

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
  // Without a pause before a request it would have looked like it.
  Observations restless = seen;
  restless.rested.clear();
  CHECK(conclude(restless).execution == Execution::serial);
}
