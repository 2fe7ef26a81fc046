// The bounds of the experiments, row by row, in virtual time.
#include <catch2/catch.hpp>

#include "harness/model/testing/model_testing.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

// With and without sinks, and as the bound.
void expect_makespan(const Experiment& experiment, double expected) {
  CHECK(experiment.makespan() == Approx(expected).epsilon(1e-9));
  Keep keep;
  CHECK(simulate(experiment.input(), &keep.records, &keep.events).makespan_s ==
        Approx(expected).epsilon(1e-9));
  CHECK(bound(experiment.input()).seconds == Approx(expected).epsilon(1e-9));
}

}  // namespace

TEST_CASE("sequential-vs-gather: three waits take 3 s one by one, 1 s gathered, 3 s gathered but blocking") {
  const Step one = wait(kSecond);
  expect_makespan(Experiment(kAsyncLoop, {one, one, one}, burst(1)), 3);
  expect_makespan(Experiment(kAsyncLoop, {gather({{one}, {one}, {one}})}, burst(1)), 1);
  const Step held = blocking(one);
  expect_makespan(Experiment(kAsyncLoop, {gather({{held}, {held}, {held}})}, burst(1)), 3);
  // On a blocking loop every wait blocks, and a pool has no loop to gather on.
  expect_makespan(Experiment(kBlockingLoop, {gather({{one}, {one}, {one}})}, burst(1)), 3);
  expect_makespan(Experiment(kThreadPool, {gather({{one}, {one}, {one}})}, burst(1)), 3);
  expect_makespan(Experiment(kOffload, {gather({{one}, {one}, {one}})}, burst(1)), 1);
}

TEST_CASE("three-models: waits take 1 s in all three, sums share the lock, the cores, or one loop") {
  const Plan sum{compute(Work::sqrt_sum, ms(100))};
  const auto processes = [](Plan plan, std::int64_t n) {
    Experiment experiment = Experiment(kOffload, std::move(plan), burst(n)).gil();
    experiment.arm.pool_processes = true;
    return experiment;
  };
  const Plan pause{wait(kSecond)};
  expect_makespan(Experiment(kThreadPool, pause, burst(3)).gil(), 1);
  expect_makespan(processes(pause, 3), 1);
  expect_makespan(Experiment(kAsyncLoop, pause, burst(3)).gil(), 1);
  expect_makespan(Experiment(kThreadPool, sum, burst(4)).gil(), 0.4);
  expect_makespan(processes(sum, 4), 0.2);
  expect_makespan(processes(sum, 4).on_cores(8), 0.1);
  expect_makespan(Experiment(kAsyncLoop, sum, burst(4)).gil(), 0.4);
}

TEST_CASE("gil: four tasks on two cores take 4c with it and 2c without") {
  expect_makespan(Experiment(kThreadPool, {cpu(ms(100))}, burst(4)).gil(), 0.4);
  expect_makespan(Experiment(kThreadPool, {cpu(ms(100))}, burst(4)), 0.2);
}

TEST_CASE("gil: reading files and switching do not need it") {
  for (const Work work : {Work::file_read, Work::thread_switch, Work::process_switch}) {
    expect_makespan(Experiment(kThreadPool, {compute(work, ms(100))}, burst(4)).gil(), 0.2);
  }
  expect_makespan(Experiment(kAsyncLoop, {compute(Work::file_read, ms(100))}, burst(4)).gil(), 0.4);
}

TEST_CASE("mixed-routes: forty-one synchronous dependencies take two rounds of the pool") {
  const auto with = [](Traits mode, std::int64_t n, bool asynchronous) {
    Experiment experiment(mode, {}, burst(n));
    experiment.routes[0].depends.push_back({{wait(ms(100))}, asynchronous});
    return experiment;
  };
  expect_makespan(with(kAsyncLoop, 40, false), 0.1);
  expect_makespan(with(kAsyncLoop, 41, false), 0.2);
  expect_makespan(with(kThreadPool, 41, false), 0.2);
  expect_makespan(with(kAsyncLoop, 41, true), 0.1);
  expect_makespan(with(kBlockingLoop, 41, true), 0.1);
  expect_makespan(with(kThreads, 41, true), 0.2);
}

TEST_CASE("mixed-routes: busy synchronous routes leave the asynchronous one alone") {
  const Experiment experiment({{kThreadPool, {wait(ms(100))}}, {kAsyncLoop, {}}},
                              {burst(10), constant(20, ms(10), 0, 1)});
  CHECK(experiment.observed().worst_latency(1) == 0);
}

TEST_CASE("cpu-chunks: a ping waits 500 ms for the whole, 5 ms for a chunk") {
  const auto worst = [](Plan plan) {
    return Experiment({{kAsyncLoop, std::move(plan)}, {kAsyncLoop, {}}},
                      {burst(1), constant(80, ms(7), 0, 1)})
        .observed()
        .worst_latency(1);
  };
  CHECK(worst({cpu(ms(500))}) == ms(500));
  CHECK(worst({repeat(100, {cpu(ms(5)), {Yield{}}})}) <= ms(5));
  // A ready thing is awaited without giving the loop back.
  CHECK(worst({repeat(100, {cpu(ms(5)), {Ready{}}})}) == ms(500));
}

TEST_CASE("await-is-not-a-yield: 20,000 awaits that never suspend freeze the heartbeat for 100 ms") {
  const Experiment experiment({{kAsyncLoop, {repeat(20'000, {{Ready{}}, cpu(5'000)})}}, {kAsyncLoop, {}}},
                              {burst(1), constant(30, ms(5), ms(1), 1)});
  const Keep keep = experiment.observed();
  CHECK(keep.worst_latency(1) == ms(99));
  // Reported as one step.
  CHECK(keep.count(EventKind::step_begin) == 1);
}

TEST_CASE("connection-pool: rounds of k connections") {
  for (const auto& [k, expected] : {std::pair{1, 2.0}, {5, 0.4}, {20, 0.1}, {0, 0.1}}) {
    expect_makespan(Experiment(kAsyncLoop, {on_connection(ms(100))}, burst(20)).connections(k), expected);
  }
  expect_makespan(Experiment(kAsyncLoop, {{Query{ms(100), ""}, false}}, burst(20)).connections(5).workers(2),
                  0.2);
  expect_makespan(Experiment(kThreadPool, {on_connection(ms(100))}, burst(20)).threads(4).connections(5),
                  0.5);
}

TEST_CASE("sync-client: N·d in the loop, d awaited, rounds of the pool offloaded") {
  const Step call{CallUpstream{ms(100), true}, false};
  expect_makespan(Experiment(kAsyncLoop, {blocking(call)}, burst(10)), 1.0);
  expect_makespan(Experiment(kAsyncLoop, {call}, burst(10)), 0.1);
  expect_makespan(Experiment(kOffload, {call}, burst(10)).threads(4), 0.3);
  expect_makespan(Experiment(kAsyncLoop, {pooled({call})}, burst(10)).threads(4), 0.3);
}

TEST_CASE("forgotten-await: the reply comes at once and nothing is done") {
  const Keep keep = Experiment(kAsyncLoop, {forget({wait(ms(100))})}, burst(10)).observed();
  CHECK(keep.worst_latency(0) == 0);
  CHECK(keep.count(EventKind::forgotten) == 10);
  CHECK(keep.count(EventKind::step_end) == 0);
}

TEST_CASE("background-task: the reply comes at once; a blocking job stalls the next caller") {
  const auto with = [](Plan later) {
    return Experiment({{kAsyncLoop, {background(std::move(later))}}, {kAsyncLoop, {}}},
                      {burst(1), staggered({ms(10)}, 1)})
        .observed();
  };
  const Keep waiting = with({wait(ms(500))});
  CHECK(waiting.received() == std::vector<Nanos>{0, ms(10)});
  CHECK(waiting.count(EventKind::step_end) == 1);
  CHECK(waiting.events.back().at == kModelStart + ms(500));
  CHECK(with({blocking(wait(ms(500)))}).received() == std::vector<Nanos>{0, ms(500)});
  CHECK(with({pooled({wait(ms(500))})}).received() == std::vector<Nanos>{0, ms(10)});
}

TEST_CASE("A connection's next request is not read before the background steps have ended") {
  const Keep keep = Experiment(kAsyncLoop, {background({wait(ms(500))})}, closed(1, 2)).observed();
  REQUIRE(keep.records.size() == 2);
  CHECK(keep.records[1].sent == kModelStart);
  CHECK(keep.records[1].read == kModelStart + ms(500));
  const Keep other = Experiment(kAsyncLoop, {background({wait(ms(500))})}, fresh(closed(1, 2))).observed();
  CHECK(other.records[1].read == kModelStart);
}

TEST_CASE("In a pool the background steps hold a member after the reply, and others wait for it") {
  const Keep keep = Experiment(kThreadPool, {background({wait(ms(500))})}, burst(2)).threads(1).observed();
  CHECK(keep.received() == std::vector<Nanos>{0, ms(500)});
  CHECK(keep.events.back().at == kModelStart + kSecond);
}

TEST_CASE("worker-state: each worker counts for itself, the shared store for all") {
  const auto values = [](bool shared) {
    Load load = burst(10);
    load.keep = "count";
    Experiment experiment = Experiment(kAsyncLoop, {{Increment{}, false}}, load).workers(4);
    experiment.arm.shared_counters = shared;
    std::vector<std::int64_t> seen;
    for (const RequestRecord& record : experiment.observed().records) seen.push_back(record.value);
    std::sort(seen.begin(), seen.end());
    return seen;
  };
  CHECK(values(false) == std::vector<std::int64_t>{1, 1, 1, 1, 2, 2, 2, 2, 3, 3});
  CHECK(values(true) == std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
}

TEST_CASE("file-read: the loop's turn is the read") {
  const Keep keep = Experiment(kAsyncLoop, {compute(Work::file_read, ms(80))}, burst(1)).observed();
  const Event& turn = *std::find_if(keep.events.begin(), keep.events.end(),
                                    [](const Event& event) { return event.kind == EventKind::turn; });
  CHECK(turn.value == 1);
  CHECK(turn.at == kModelStart + ms(80));
}

TEST_CASE("A turn of the loop is all that was ready when it began") {
  const Keep keep = Experiment(kBlockingLoop, {wait(ms(10))}, burst(3)).observed();
  REQUIRE(keep.count(EventKind::turn) == 1);
  CHECK(keep.events.back().value == 3);
  CHECK(keep.events.back().at == kModelStart + ms(30));
  const Keep later = Experiment(kBlockingLoop, {wait(ms(10))}, staggered({0, ms(1), ms(2)})).observed();
  std::vector<std::int64_t> sizes;
  for (const Event& event : later.events) {
    if (event.kind == EventKind::turn) sizes.push_back(event.value);
  }
  CHECK(sizes == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("upload: a slow body holds nothing on a loop and the thread of a server with one") {
  Load slow = burst(1);
  slow.body_bytes = 1000;
  slow.body_over = kSecond;
  const auto worst_ping = [&](Traits mode) {
    return Experiment({{mode, {}}, {mode, {}}}, {slow, fresh(constant(5, ms(100), ms(100), 1))})
        .threads(1)
        .observed()
        .worst_latency(1);
  };
  CHECK(worst_ping(kAsyncLoop) == 0);
  CHECK(worst_ping(kThreads) == ms(900));
  expect_makespan(Experiment(kAsyncLoop, {wait(ms(100))}, slow), 1.1);
}

TEST_CASE("A body beyond the route's limit is refused with 413") {
  Load load = burst(1);
  load.body_bytes = 2'000'000;
  const Keep keep = Experiment(kAsyncLoop, {wait(ms(100))}, load).observed();
  CHECK(keep.records[0].status == 413);
  CHECK(keep.records[0].outcome == Outcome::bad_status);
  CHECK(keep.records[0].latency() == 0);
}
