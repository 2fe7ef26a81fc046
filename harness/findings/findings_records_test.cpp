// Findings of queues, kept connections and generators: from the statuses and stamps of the records.
#include <catch2/catch.hpp>

#include "harness/findings/testing/findings_testing.hpp"
#include "lab/core/text.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

/// POST puts a job into a queue, GET asks for its result every 20 ms on a connection of its own.
Experiment task_queue(std::int64_t requests, QueueSettings queue, int workers) {
  Load load = fresh(burst(requests));
  load.keep = "task_id";
  load.then = Then{1, ms(20), "done", kSecond};
  Experiment experiment({{kTaskQueue, {enqueue({wait(ms(30))})}}, {kTaskQueue, {fetch()}}}, {load});
  experiment.arm.queues["jobs"] = queue;
  return experiment.workers(workers).accept(Accept::reuseport);
}

/// Requests on kept connections, each answered `reply` after its handler was done.
Keep replies_after(const Experiment& experiment, Nanos reply) {
  Keep keep = experiment.observed();
  for (RequestRecord& record : keep.records) record.received = record.first_byte = record.finished + reply;
  return keep;
}

}  // namespace

TEST_CASE("LAB111: a step of 40 ms in every reply on kept connections") {
  const Experiment kept(kAsyncLoop, {wait(ms(5))}, burst(8));
  const auto held_back = findings_of(kept, replies_after(kept, ms(41)));
  REQUIRE(ids_of(held_back) == Ids{"LAB111"});
  CHECK_THAT(held_back.front().text,
             Catch::StartsWith("replies held back: 8 of 8 replies on kept connections"));
  CHECK(ids_of(findings_of(kept, replies_after(kept, ms(3)))) == kNone);
  CHECK(ids_of(findings_of(kept, replies_after(kept, ms(90)))) == kNone);
  const Experiment once(kAsyncLoop, {wait(ms(5))}, fresh(burst(8)));
  CHECK(ids_of(findings_of(once, replies_after(once, ms(41)))) == kNone);
}

TEST_CASE("LAB111: a loop that is held for 40 ms writes late, and that is not Nagle's doing") {
  const Experiment blocked(kBlockingLoop, {wait(ms(40))}, burst(8));
  CHECK(ids_of(findings_of(blocked, replies_after(blocked, ms(40)))) == Ids{"LAB101"});
}

TEST_CASE("LAB111: a client that is 40 ms behind hundreds of replies at once is late itself") {
  const Experiment crowd(kAsyncLoop, {wait(ms(5))}, burst(600));
  CHECK(ids_of(findings_of(crowd, replies_after(crowd, ms(41)))) == kNone);
}

TEST_CASE("LAB113: the worker that is asked does not know the job, unless all share one queue") {
  CHECK(contains(ids_of(findings_of(task_queue(8, {8, 64, false}, 4))), "LAB113"));
  CHECK(ids_of(findings_of(task_queue(8, {8, 64, true}, 4))) == kNone);
}

TEST_CASE("LAB114: a queue that is full refuses jobs") {
  const std::vector<Finding> findings = findings_of(task_queue(8, {1, 3, false}, 1));
  const Ids ids = ids_of(findings);
  CHECK(contains(ids, "LAB114"));
  CHECK(contains(ids, "LAB102"));
  CHECK_FALSE(contains(ids_of(findings_of(task_queue(3, {1, 3, false}, 1))), "LAB114"));
}

TEST_CASE("LAB115: a generator that gets later and later; one that was held up and catches up is none") {
  const Experiment open(kAsyncLoop, {}, constant(100, ms(10)));
  const auto with_lags = [&](Nanos (*lag)(Nanos number)) {
    Keep keep = open.observed();
    for (RequestRecord& record : keep.records) record.intended -= lag(record.id);
    return ids_of(findings_of(open, keep));
  };
  CHECK(with_lags([](Nanos number) { return number * ms(1); }) == Ids{"LAB115"});
  CHECK(with_lags([](Nanos number) { return (100 - number) * ms(1); }) == kNone);
  CHECK(with_lags([](Nanos number) { return number < 20 ? ms(30) : 0; }) == kNone);
}

TEST_CASE("What the evidence does not hold leads to no finding") {
  const Experiment blocked(kBlockingLoop, {wait(ms(10))}, burst(10));
  Keep keep = blocked.observed();
  keep.events.clear();
  for (RequestRecord& record : keep.records) {
    record.read = record.started = record.finished = 0;
    record.worker = -1;
  }
  CHECK(ids_of(findings_of(blocked, keep)) == kNone);
  keep.records.clear();
  CHECK(ids_of(findings_of(blocked, keep)) == kNone);
}
