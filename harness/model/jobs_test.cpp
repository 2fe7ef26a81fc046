// Task queues, and clients that ask for results.
#include <catch2/catch.hpp>

#include "harness/model/testing/model_testing.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

// POST, then GET every 20 ms until it is done.
Experiment predict(Plan job, std::int64_t requests) {
  Load load = burst(requests);
  load.keep = "task_id";
  load.then = Then{1, ms(20), "done", kSecond};
  return Experiment({{kTaskQueue, std::move(job)}, {kTaskQueue, {fetch()}}}, {load});
}

}  // namespace

TEST_CASE("task-queue: the id comes at once, the result after the job") {
  const Keep keep = predict({cpu(ms(50))}, 1).observed();
  REQUIRE(keep.records.size() == 4);
  CHECK(keep.records[0].latency() == 0);
  CHECK(keep.records[0].value == 1);
  CHECK(keep.count(EventKind::enqueued) == 1);
  for (std::size_t i = 1; i < 4; ++i) {
    CHECK(keep.records[i].parent == 1);
    CHECK(keep.records[i].route == 1);
    CHECK(keep.records[i].id == 1 + i);
    CHECK(keep.records[i].received == kModelStart + ms(20) * static_cast<Nanos>(i));
  }
}

TEST_CASE("task-queue: jobs take rounds of the queue's workers") {
  const Keep keep = predict({wait(ms(50))}, 6).observed();
  // Two workers, three rounds: 50, 100, 150 ms.
  CHECK(keep.records.back().received == kModelStart + ms(160));
}

TEST_CASE("task-queue: a queue in each process needs its lock for computing, a shared one does not") {
  const auto last = [](bool shared) {
    Experiment experiment = predict({cpu(ms(100))}, 2).gil();
    experiment.arm.queues["jobs"].shared = shared;
    return experiment.observed().records.back().received - kModelStart;
  };
  CHECK(last(false) > ms(190));
  CHECK(last(true) == ms(100));
}

TEST_CASE("task-queue: other workers have never heard of a job, unless the queue is shared") {
  const auto unknown = [](bool shared) {
    Experiment experiment = predict({wait(ms(50))}, 7).workers(4);
    experiment.load_case.loads[0].fresh_connections = true;
    experiment.arm.queues["jobs"] = {8, 64, shared};
    std::int64_t count = 0;
    for (const RequestRecord& record : experiment.observed().records) {
      if (record.status == 404) {
        CHECK(record.outcome == Outcome::bad_status);
        ++count;
      }
    }
    return count;
  };
  CHECK(unknown(true) == 0);
  CHECK(unknown(false) > 0);
}

TEST_CASE("task-queue: on its own connection a client asks the worker that has its job") {
  Experiment experiment = predict({wait(ms(50))}, 8).workers(4);
  for (const RequestRecord& record : experiment.observed().records) CHECK(record.status == 200);
}

TEST_CASE("A full queue answers 503, and nobody asks for what was not taken") {
  Experiment experiment = predict({wait(ms(50))}, 10);
  experiment.arm.queues["jobs"] = {1, 3, false};
  const Keep keep = experiment.observed();
  std::int64_t full = 0;
  for (const RequestRecord& record : keep.records) {
    if (record.status != 503) continue;
    ++full;
    CHECK(record.outcome == Outcome::bad_status);
    CHECK(record.value == -1);
  }
  CHECK(full == 6);  // one runs, three wait
  CHECK(keep.count(EventKind::enqueued) == 4);
}

TEST_CASE("An unknown id is answered with 404 until the client gives up") {
  Experiment experiment = predict({wait(ms(50))}, 1);
  experiment.load_case.loads[0].then = Then{1, ms(20), "finished", ms(100)};
  CHECK(experiment.observed().records.size() == 6);
  const Keep nothing = Experiment(kTaskQueue, {fetch()}, burst(1)).observed();
  CHECK(nothing.records[0].status == 404);
}

TEST_CASE("A killed worker's jobs are lost and reported as such; a shared queue's are not") {
  const auto with = [](bool shared) {
    Experiment experiment = predict({wait(ms(100))}, 3);
    experiment.arm.queues["jobs"].shared = shared;
    experiment.load_case.kills.push_back({0, ms(50)});
    return experiment.observed();
  };
  const Keep own = with(false);
  CHECK(own.count(EventKind::lost) == 3);
  CHECK(own.records.back().received == kModelStart + ms(60));
  const Keep shared = with(true);
  CHECK(shared.count(EventKind::lost) == 0);
  CHECK(shared.records.back().received == kModelStart + ms(200));
}

TEST_CASE("Jobs hold a member of their queue, one after another") {
  Experiment experiment = predict({wait(ms(10))}, 5);
  std::vector<int> units;
  for (const Event& event : experiment.observed().events) {
    if (event.kind == EventKind::acquire && event.resource == Resource::queue) units.push_back(event.unit);
  }
  CHECK(units == std::vector<int>{0, 1, 0, 1, 0});
}

TEST_CASE("An asynchronous handler can put and fetch as well") {
  Load load = burst(2);
  load.keep = "task_id";
  load.then = Then{1, ms(10), "done", kSecond};
  const Experiment experiment({{kAsyncLoop, {wait(ms(5)), enqueue({wait(ms(30))})}}, {kAsyncLoop, {fetch()}}},
                              {load});
  const Keep keep = experiment.observed();
  CHECK(keep.of(1).latency() == ms(5));
  CHECK(keep.records.back().received == kModelStart + ms(35));
}
