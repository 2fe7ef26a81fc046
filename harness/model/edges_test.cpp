// Where one more, one less or the same moment makes the difference.
#include <catch2/catch.hpp>

#include "harness/model/shared_cores.hpp"
#include "harness/model/testing/model_testing.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

Load leaves_after(Load load, Nanos patience) {
  load.hang_up = patience;
  return load;
}

}  // namespace

TEST_CASE("A body that is refused at its head needs nothing, and no bound rests on it") {
  Experiment experiment(kAsyncLoop, {wait(ms(100))}, burst(1));
  experiment.routes[0].body_limit = 1000;
  experiment.load_case.loads[0].body_bytes = 1000;
  CHECK(bound(experiment.input()).seconds == Approx(0.1));
  experiment.load_case.loads[0].body_bytes = 1001;
  CHECK(bound(experiment.input()).seconds == 0);
  CHECK(experiment.observed().records.at(0).outcome == Outcome::bad_status);
}

TEST_CASE("What follows a job that was put is done before the reply") {
  const Keep keep = Experiment(kTaskQueue, {enqueue({wait(ms(50))}), wait(ms(10))}, burst(1)).observed();
  REQUIRE(keep.records.size() == 1);
  CHECK(keep.records[0].outcome == Outcome::ok);
  CHECK(keep.records[0].latency() == ms(10));
  CHECK(keep.count(EventKind::step_end) == 2);
}

TEST_CASE("Work after the reply goes on where the queue has no place for its job") {
  Experiment experiment(kTaskQueue, {background({enqueue({wait(ms(500))}), wait(ms(10))})}, burst(4));
  experiment.arm.queues["jobs"] = {1, 1, false};
  const Keep keep = experiment.observed();
  CHECK(keep.count(EventKind::enqueued) == 2);  // one is done, one waits
  CHECK(keep.count(EventKind::step_begin) == 4 + 2);
  CHECK(keep.count(EventKind::step_end) == 4 + 2);
}

TEST_CASE("256 repetitions are shown one by one, more of them as one") {
  const auto reported = [](std::int64_t times) {
    return Experiment(kAsyncLoop, {repeat(times, {wait(1000)})}, burst(1))
        .observed()
        .count(EventKind::step_begin);
  };
  CHECK(reported(256) == 256);
  CHECK(reported(257) == 1);
}

TEST_CASE("A job that no clock will see the end of has the last moment there is") {
  SharedCores cores(1);
  cores.add(0, 0x1p62 - 512, 1000);
  CHECK(cores.next() == kNever - 1);
}

TEST_CASE(
    "A request that was not read when its worker died has no stamps of the one before on its connection") {
  Experiment experiment(kBlockingLoop, {wait(ms(100))}, closed(2, 6));
  experiment.load_case.kills.push_back({0, ms(150)});
  const Keep keep = experiment.observed();
  const auto unread = std::find_if(keep.records.begin(), keep.records.end(), [](const RequestRecord& record) {
    return record.intended == kModelStart + ms(100);
  });
  REQUIRE(unread != keep.records.end());
  CHECK(unread->outcome == Outcome::reset);
  CHECK(std::max({unread->read, unread->started, unread->finished}) == 0);
}

TEST_CASE("Who asks again on the connection that it has asks the same worker") {
  Load load = burst(7);
  load.keep = "task_id";
  load.then = Then{1, ms(20), "done", kSecond};
  Experiment experiment =
      Experiment({{kTaskQueue, {cpu(ms(1))}}, {kTaskQueue, {fetch()}}}, {load}).workers(4);
  for (const RequestRecord& record : experiment.observed().records) CHECK(record.outcome == Outcome::ok);
}

TEST_CASE("The next request of a client that gave up goes to the same route") {
  const Keep keep =
      Experiment({{kAsyncLoop, {}}, {kAsyncLoop, {wait(ms(100))}}}, {leaves_after(closed(1, 3, 1), ms(40))})
          .observed();
  REQUIRE(keep.records.size() == 3);
  for (const RequestRecord& record : keep.records) CHECK(record.route == 1);
}

TEST_CASE("Who waits for a connection is cancelled at once, who waits for the loop is not") {
  Experiment for_connection(kAsyncLoop, {on_connection(ms(100))}, burst(1));
  for_connection.load_case.loads.push_back(leaves_after(burst(1), ms(40)));
  for_connection.connections(1).arm.cancel = true;
  const Keep keep = for_connection.observed();
  REQUIRE(keep.count(EventKind::cancelled) == 1);
  const auto cancelled = std::find_if(keep.events.begin(), keep.events.end(),
                                      [](const Event& event) { return event.kind == EventKind::cancelled; });
  CHECK(cancelled->at == kModelStart + ms(40));
  CHECK(cancelled->request == 2);

  Experiment for_loop(kAsyncLoop, {wait(ms(10)), cpu(ms(100))}, leaves_after(burst(2), ms(40)));
  for_loop.arm.cancel = true;
  const Keep kept = for_loop.observed();
  CHECK(kept.count(EventKind::cancelled) == 0);
  CHECK(kept.of(2).finished == kModelStart + ms(210));
}

TEST_CASE("Connections are numbered from 1") {
  for (const Load& load : {burst(3), fresh(burst(3))}) {
    const Keep keep = Experiment(kAsyncLoop, {wait(ms(10))}, load).observed();
    std::vector<std::int64_t> numbers;
    for (const Event& event : keep.events) {
      if (event.kind == EventKind::accepted) numbers.push_back(event.value);
    }
    CHECK(numbers == std::vector<std::int64_t>{1, 2, 3});
  }
}
