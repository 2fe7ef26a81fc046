#include "harness/model/model.hpp"

#include <catch2/catch.hpp>
#include <numeric>

#include "harness/model/testing/model_testing.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

// Both: what is simulated without sinks takes short cuts that must not show.
void check_makespan(const Experiment& experiment, double expected) {
  CHECK(experiment.makespan() == Approx(expected).epsilon(1e-12));
  Keep keep;
  CHECK(simulate(experiment.input(), &keep.records).makespan_s == Approx(expected).epsilon(1e-12));
  CHECK(bound(experiment.input()).seconds == Approx(expected).epsilon(1e-12));
}

}  // namespace

TEST_CASE(
    "blocking-async: ten waits of 100 ms take 1.0 s on a blocking loop and 0.1 s where waiting holds nothing "
    "or a pool") {
  const Plan plan{wait(ms(100))};
  check_makespan(Experiment(kBlockingLoop, plan, burst(10)), 1.0);
  check_makespan(Experiment(kAsyncLoop, plan, burst(10)), 0.1);
  check_makespan(Experiment(kThreadPool, plan, burst(10)), 0.1);
  check_makespan(Experiment(kOffload, plan, burst(10)), 0.1);
  check_makespan(Experiment(kBlockingLoop, plan, burst(10)).workers(4), 0.3);
}

TEST_CASE("ten-by-one-second: 10, 1 and 1 s") {
  const Plan plan{wait(kSecond)};
  check_makespan(Experiment(kBlockingLoop, plan, burst(10)), 10);
  check_makespan(Experiment(kAsyncLoop, plan, burst(10)), 1);
  check_makespan(Experiment(kThreadPool, plan, burst(10)), 1);
}

std::int64_t rounds(std::int64_t n, std::int64_t at_once) {
  return (n + at_once - 1) / at_once;
}

TEST_CASE("main-*: 3N, 5, rounds of the pool and rounds of the workers") {
  for (const std::int64_t n : {1, 7, 40, 41, 100}) {
    check_makespan(Experiment(kBlockingLoop, {wait(3 * kSecond)}, burst(n)), 3.0 * static_cast<double>(n));
    check_makespan(Experiment(kAsyncLoop, {wait(5 * kSecond)}, burst(n)), 5);
    check_makespan(Experiment(kOffload, {wait(5 * kSecond)}, burst(n)),
                   5.0 * static_cast<double>(rounds(n, 40)));
    check_makespan(Experiment(kBlockingLoop, {wait(3 * kSecond)}, burst(n)).workers(4),
                   3.0 * static_cast<double>(rounds(n, 4)));
  }
}

TEST_CASE("event-loop-timeline: replies at 50, 51, 52 ms against 50, 100, 150 ms") {
  const Load load = staggered({0, ms(1), ms(2)});
  CHECK(Experiment(kAsyncLoop, {wait(ms(50))}, load).observed().received() ==
        std::vector<Nanos>{ms(50), ms(51), ms(52)});
  CHECK(Experiment(kBlockingLoop, {wait(ms(50))}, load).observed().received() ==
        std::vector<Nanos>{ms(50), ms(100), ms(150)});
  check_makespan(Experiment(kAsyncLoop, {wait(ms(50))}, load), 0.052);
  check_makespan(Experiment(kBlockingLoop, {wait(ms(50))}, load), 0.150);
}

TEST_CASE("db-and-cache: the cache hit overtakes the database only on an asynchronous loop") {
  const auto with = [](Traits mode) {
    return Experiment({{mode, {wait(ms(100))}}, {mode, {wait(ms(5))}}},
                      {staggered({0}, 0), staggered({ms(1)}, 1)});
  };
  const Keep async = with(kAsyncLoop).observed();
  CHECK(async.order() == std::vector<std::uint32_t>{2, 1});
  CHECK(async.received() == std::vector<Nanos>{ms(100), ms(6)});
  const Keep blocked = with(kBlockingLoop).observed();
  CHECK(blocked.order() == std::vector<std::uint32_t>{1, 2});
  CHECK(blocked.received() == std::vector<Nanos>{ms(100), ms(105)});
}

TEST_CASE("frozen-server: the worst ping waits as long as the loop is blocked, and not at all otherwise") {
  const auto with = [](Traits slow, Traits ping) {
    return Experiment({{slow, {wait(5 * kSecond)}}, {ping, {}}}, {burst(1), constant(50, ms(100), 0, 1)});
  };
  CHECK(with(kBlockingLoop, kBlockingLoop).observed().worst_latency(1) == 5 * kSecond);
  CHECK(with(kAsyncLoop, kAsyncLoop).observed().worst_latency(1) == 0);
  CHECK(with(kThreadPool, kThreadPool).observed().worst_latency(1) == 0);
  CHECK(with(kThreadPool, kAsyncLoop).observed().worst_latency(1) == 0);
  CHECK(with(kBlockingLoop, kAsyncLoop).observed().worst_latency(1) == 5 * kSecond);
  // Even a handler in the pool is read and answered by the loop.
  CHECK(with(kBlockingLoop, kThreadPool).observed().worst_latency(1) == 5 * kSecond);
}

TEST_CASE("pool-limit: the forty-first request pays a second round") {
  for (const auto& [n, expected] : {std::pair{40, 0.1}, {41, 0.2}, {80, 0.2}, {100, 0.3}}) {
    check_makespan(Experiment(kThreadPool, {wait(ms(100))}, burst(n)), expected);
  }
}

TEST_CASE("thousand-users: 5, 125 and 5,000 s") {
  const Plan plan{wait(5 * kSecond)};
  check_makespan(Experiment(kAsyncLoop, plan, burst(1000)), 5);
  check_makespan(Experiment(kThreadPool, plan, burst(1000)), 125);
  check_makespan(Experiment(kBlockingLoop, plan, burst(1000)), 5000);
}

TEST_CASE("wsgi-vs-asgi: rounds of T threads") {
  check_makespan(Experiment(kThreads, {wait(ms(100))}, burst(64)).threads(8), 0.8);
  check_makespan(Experiment(kThreads, {wait(ms(100))}, burst(64)).threads(64), 0.1);
  check_makespan(Experiment(kThreads, {wait(ms(100))}, burst(64)).threads(8).workers(2), 0.4);
}

TEST_CASE("concurrency-vs-parallelism: two CPU tasks share one core or have one each") {
  const Experiment sliced = Experiment(kThreadPool, {cpu(ms(200))}, burst(2)).on_cores(1);
  check_makespan(sliced, 0.4);
  CHECK(sliced.observed().received() == std::vector<Nanos>{ms(400), ms(400)});
  check_makespan(Experiment(kThreadPool, {cpu(ms(200))}, burst(2)).on_cores(2), 0.2);
  check_makespan(Experiment(kAsyncLoop, {cpu(ms(200))}, burst(2)).on_cores(2), 0.4);
  check_makespan(Experiment(kBlockingLoop, {cpu(ms(200))}, burst(2)).on_cores(2).workers(2), 0.2);
}

TEST_CASE(
    "wsgi-vs-asgi: clients that stay connected keep the threads from others until the server closes them") {
  Traits closes_idle = kThreads;
  closes_idle.idle_timeout = 5 * kSecond;
  // Sixteen clients, eight threads: eight clients ask four times each, then idle for 5 s; the others follow.
  const Experiment starved = Experiment(closes_idle, {wait(ms(100))}, closed(16, 64)).threads(8);
  CHECK(simulate(starved.input()).makespan_s == Approx(5.8));
  check_makespan(Experiment(closes_idle, {wait(ms(100))}, closed(16, 64)).threads(16), 0.4);
  check_makespan(Experiment(kThreads, {wait(ms(100))}, closed(16, 64)).threads(8), 0.8);
}

TEST_CASE("gil: CPU work of T threads takes T times as long with it, waits do not") {
  for (const int threads : {1, 2, 4, 8}) {
    for (const int cores : {1, 2, 4}) {
      const double t = threads;
      check_makespan(Experiment(kThreadPool, {cpu(ms(100))}, burst(threads)).gil().on_cores(cores), 0.1 * t);
      check_makespan(Experiment(kThreadPool, {cpu(ms(100))}, burst(threads)).on_cores(cores),
                     0.1 * t / std::min(threads, cores));
      check_makespan(Experiment(kThreadPool, {wait(ms(100))}, burst(threads)).gil().on_cores(cores), 0.1);
    }
  }
  check_makespan(Experiment(kThreadPool, {cpu(ms(100))}, burst(4)).gil().workers(4).on_cores(2), 0.2);
}

TEST_CASE("gil: threads take turns of 5 ms, so all end near the end, in the order in which they came") {
  const Keep keep = Experiment(kThreadPool, {cpu(ms(100))}, burst(4)).gil().observed();
  CHECK(keep.order() == std::vector<std::uint32_t>{1, 2, 3, 4});
  // The first one has the lock for itself until the loop has read the others, 5 ms each.
  CHECK(keep.received()[0] == ms(370));
  CHECK(keep.received()[3] == ms(400));
}

TEST_CASE("gil: a ping beside one computing thread waits for the switch interval, as read by the loop") {
  const Experiment experiment =
      Experiment({{kThreadPool, {cpu(ms(100))}}, {kAsyncLoop, {}}}, {burst(1), staggered({ms(20)}, 1)}).gil();
  const Keep keep = experiment.observed();
  REQUIRE(keep.records.size() == 2);
  const RequestRecord& ping = keep.records.front();
  CHECK(ping.route == 1);
  CHECK(ping.latency() == ms(5));
  CHECK(ping.read - ping.sent == ms(5));
}

TEST_CASE("await-free CPU work holds the loop: a ping waits for the slice") {
  const Experiment experiment({{kAsyncLoop, {cpu(ms(500))}}, {kAsyncLoop, {}}},
                              {burst(1), constant(100, ms(5), 0, 1)});
  CHECK(experiment.observed().worst_latency(1) == ms(500));
}

TEST_CASE("A blocking step keeps the loop of an asynchronous handler") {
  check_makespan(Experiment(kAsyncLoop, {blocking(wait(ms(100)))}, burst(10)), 1.0);
  check_makespan(Experiment(kOffload, {blocking(wait(ms(100)))}, burst(10)), 1.0);
  check_makespan(Experiment(kThreadPool, {blocking(wait(ms(100)))}, burst(10)), 0.1);
  // Only the blocking half queues.
  check_makespan(Experiment(kAsyncLoop, {wait(ms(100)), blocking(wait(ms(10)))}, burst(10)), 0.2);
}

TEST_CASE("offload holds the loop between its steps and a pool member during them") {
  const Experiment experiment = Experiment(kOffload, {cpu(ms(10)), wait(ms(20))}, burst(1));
  std::vector<std::string> seen;
  for (const Event& event : experiment.observed().events) {
    if (event.kind == EventKind::turn) continue;
    std::string text(to_string(event.kind));
    if (event.resource != Resource::nothing) text += " " + std::string(to_string(event.resource));
    seen.push_back(text);
  }
  CHECK(seen == std::vector<std::string>{"accepted", "acquire loop", "read", "started", "release loop",
                                         "acquire pool", "step_begin pool", "step_end pool", "release pool",
                                         "acquire loop", "release loop", "acquire pool", "step_begin pool",
                                         "step_end pool", "release pool", "acquire loop", "finished",
                                         "replied", "release loop"});
}

TEST_CASE("Connections are dealt in turn, beginning with the worker that the seed names") {
  Experiment experiment = Experiment(kBlockingLoop, {wait(ms(100))}, burst(10)).workers(4);
  experiment.seed = 3;
  CHECK(simulate(experiment.input()).splits == std::vector<std::int64_t>{3, 2, 2, 3});
  const Keep keep = experiment.observed();
  for (const RequestRecord& record : keep.records) {
    CHECK(record.worker == static_cast<std::int32_t>((3 + record.id - 1) % 4));
  }
  Keep kept;
  CHECK(simulate(experiment.input(), &kept.records).splits == std::vector<std::int64_t>{3, 2, 2, 3});
}

TEST_CASE("Open connections are dealt before those that come with their request") {
  Load fresh = staggered({0, ms(1)});
  fresh.fresh_connections = true;
  const Experiment experiment =
      Experiment({{kAsyncLoop, {wait(ms(10))}}}, {fresh, staggered({ms(2)})}).workers(3);
  const Keep keep = experiment.observed();
  REQUIRE(keep.records.size() == 3);
  CHECK(keep.records[0].worker == 1);
  CHECK(keep.records[1].worker == 2);
  CHECK(keep.records[2].worker == 0);
  CHECK(keep.records[0].accepted == keep.records[0].read);
  CHECK(keep.records[2].accepted == kModelStart);
}

TEST_CASE("A closed load keeps its clients busy and sends exactly its requests") {
  const Experiment experiment(kAsyncLoop, {wait(ms(100))}, closed(4, 10));
  check_makespan(experiment, 0.3);
  const Keep keep = experiment.observed();
  CHECK(keep.records.size() == 10);
  std::vector<std::uint32_t> ids = keep.order();
  CHECK(ids == std::vector<std::uint32_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  CHECK(keep.records[4].intended == kModelStart + ms(100));
  CHECK(simulate(experiment.input()).requests == 10);
  RequestCounts books;
  for (const RequestRecord& record : keep.records) books.add(record);
  CHECK(books.adds_up());
  CHECK(books.ok == 10);
}

TEST_CASE("A client of a closed load has its thread until no request is left") {
  const Keep keep = Experiment(kThreads, {wait(ms(100))}, closed(3, 9)).threads(2).observed();
  REQUIRE(keep.records.size() == 9);
  // Two clients share all but the one request that the third has sent, which comes last.
  const RequestRecord& starved = *std::find_if(keep.records.begin(), keep.records.end(),
                                               [](const RequestRecord& record) { return record.id == 3; });
  CHECK(starved.latency() == ms(500));
  CHECK(starved.read - starved.sent == ms(400));

  Load fresh = closed(3, 9);
  fresh.fresh_connections = true;
  const Keep shared = Experiment(kThreads, {wait(ms(100))}, fresh).threads(2).observed();
  REQUIRE(shared.records.size() == 9);
  CHECK(shared.worst_latency(0) == ms(200));
}

TEST_CASE("A later request of a closed load follows those of open loads in number") {
  const Experiment experiment({{kAsyncLoop, {wait(ms(10))}}}, {closed(1, 3), staggered({ms(25)})});
  CHECK(experiment.observed().order() == std::vector<std::uint32_t>{1, 3, 4, 2});
}

TEST_CASE("Nothing to do takes no time") {
  CHECK(Experiment(kThreadPool, {}, burst(1000)).makespan() == 0);
  CHECK(Experiment(kAsyncLoop, {wait(0), cpu(0)}, closed(2, 1000)).makespan() == 0);
  CHECK(simulate(Experiment(kAsyncLoop, {}, burst(0)).input()).requests == 0);
}

TEST_CASE("Ten million requests on ten thousand workers are counted") {
  constexpr std::int64_t kRequests = 10'000'000 / LAB_TEST_DIVISOR;
  const Experiment experiment = Experiment(kAsyncLoop, {wait(ms(100))}, burst(kRequests)).workers(10'000);
  const Prediction prediction = simulate(experiment.input());
  CHECK(prediction.requests == kRequests);
  CHECK(prediction.makespan_s == 0.1);
  CHECK(std::accumulate(prediction.splits.begin(), prediction.splits.end(), std::int64_t{0}) == kRequests);
}

TEST_CASE("Virtual time ends after 292 years instead of running over") {
  const Prediction prediction =
      simulate(Experiment(kBlockingLoop, {wait(300'000'000 * kSecond)}, burst(100)).input());
  CHECK(prediction.requests == 100);
  CHECK(prediction.makespan_s == Approx(9.223372e9).epsilon(1e-6));
}
