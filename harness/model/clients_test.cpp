// Clients that go, and workers that die.
#include <catch2/catch.hpp>

#include "harness/model/testing/model_testing.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

Load impatient(Load load, Nanos patience) {
  load.hang_up = patience;
  return load;
}

}  // namespace

TEST_CASE("client-gone: the handler goes on to its end for nobody") {
  const Keep keep = Experiment(kAsyncLoop, {wait(ms(100))}, impatient(burst(3), ms(40))).observed();
  REQUIRE(keep.records.size() == 3);
  for (const RequestRecord& record : keep.records) {
    CHECK(record.outcome == Outcome::hung_up);
    CHECK(record.received == kModelStart + ms(40));
    CHECK(record.finished == kModelStart + ms(100));
  }
}

TEST_CASE("client-gone: with cancelling, what waits for nobody ends, and its connection is free for others") {
  Experiment experiment({{kAsyncLoop, {on_connection(ms(100))}}, {kAsyncLoop, {on_connection(ms(10))}}},
                        {impatient(burst(2), ms(40)), staggered({ms(5)}, 1)});
  experiment.connections(1);
  experiment.arm.cancel = true;
  const Keep keep = experiment.observed();
  CHECK(keep.count(EventKind::cancelled) == 2);
  CHECK(keep.of(1).finished == 0);
  CHECK(keep.of(3).received == kModelStart + ms(50));
}

TEST_CASE("client-gone: a thread cannot be cancelled") {
  Experiment experiment(kThreadPool, {wait(ms(100))}, impatient(burst(1), ms(40)));
  experiment.arm.cancel = true;
  const Keep keep = experiment.observed();
  CHECK(keep.count(EventKind::cancelled) == 0);
  CHECK(keep.records[0].finished == kModelStart + ms(100));
}

TEST_CASE("client-gone: what still waits for its turn is not begun where somebody looks") {
  for (const Traits& traits : {kThreadPool, kBlockingLoop}) {
    for (const bool looks : {false, true}) {
      Experiment experiment(traits, {wait(ms(100))}, impatient(burst(3), ms(40)));
      experiment.threads(1);
      experiment.arm.cancel = looks;
      const Keep keep = experiment.observed();
      CHECK(keep.count(EventKind::cancelled) == (looks ? 2 : 0));
      CHECK(keep.count(EventKind::started) == (looks ? 1 : 3));
      CHECK(keep.count(EventKind::acquire) == keep.count(EventKind::release));
      CHECK(keep.records[2].outcome == Outcome::hung_up);
    }
  }
}

TEST_CASE("client-gone: a gathering handler is cancelled with all its branches") {
  Experiment experiment(kAsyncLoop, {gather({{wait(ms(100))}, {wait(ms(200))}})},
                        impatient(burst(1), ms(40)));
  experiment.arm.cancel = true;
  const Keep keep = experiment.observed();
  CHECK(keep.count(EventKind::cancelled) == 1);
  CHECK(keep.count(EventKind::step_end) == 0);
  CHECK(keep.records.size() == 1);
}

TEST_CASE("Who is answered in time does not hang up") {
  const Keep keep = Experiment(kAsyncLoop, {wait(ms(30))}, impatient(burst(1), ms(40))).observed();
  CHECK(keep.records[0].outcome == Outcome::ok);
}

TEST_CASE("worker-crash: what one worker of four held is reset, the others answer") {
  Experiment experiment = Experiment(kAsyncLoop, {wait(ms(100))}, burst(8)).workers(4);
  experiment.load_case.kills.push_back({1, ms(50)});
  const Keep keep = experiment.observed();
  REQUIRE(keep.records.size() == 8);
  for (const RequestRecord& record : keep.records) {
    const bool hit = record.worker == 1;
    CHECK(record.outcome == (hit ? Outcome::reset : Outcome::ok));
    CHECK(record.received == kModelStart + (hit ? ms(50) : ms(100)));
  }
}

TEST_CASE("worker-crash: a single worker is back at once, with empty hands") {
  Experiment experiment(kBlockingLoop, {wait(ms(100))}, closed(2, 6));
  experiment.load_case.kills.push_back({0, ms(150)});
  const Keep keep = experiment.observed();
  REQUIRE(keep.records.size() == 6);
  std::vector<Outcome> outcomes;
  for (const RequestRecord& record : keep.records) outcomes.push_back(record.outcome);
  using enum Outcome;
  CHECK(outcomes == std::vector<Outcome>{ok, reset, reset, ok, ok, ok});
  CHECK(keep.records[3].received == kModelStart + ms(250));
}

TEST_CASE("worker-crash: a computing request leaves its core and its lock") {
  Experiment experiment = Experiment(kThreadPool, {cpu(ms(100))}, burst(2)).gil();
  experiment.load_case.loads.push_back(burst(1, 0, ms(60)));
  experiment.load_case.kills.push_back({0, ms(52)});
  const Keep keep = experiment.observed();
  CHECK(keep.of(1).outcome == Outcome::reset);
  CHECK(keep.of(3).latency() == ms(100));
}

TEST_CASE("worker-crash: a counter begins anew, the shared one goes on") {
  const auto last = [](bool shared) {
    Load load = constant(10, ms(10));
    load.keep = "count";
    Experiment experiment(kAsyncLoop, {{Increment{}, false}}, load);
    experiment.arm.shared_counters = shared;
    experiment.load_case.kills.push_back({0, ms(45)});
    return experiment.observed().records.back().value;
  };
  CHECK(last(false) == 5);
  CHECK(last(true) == 10);
}
