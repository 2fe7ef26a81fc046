// How several workers come to their connections.
#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "harness/model/testing/model_testing.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

using Splits = std::vector<std::int64_t>;

Experiment ten(Nanos apart, Accept policy, int limit = 1) {
  Load load = apart == 0 ? burst(10) : constant(10, apart);
  return Experiment(kBlockingLoop, {wait(ms(100))}, fresh(load)).workers(4).accept(policy, limit);
}

Splits splits(const Experiment& experiment) {
  Splits numbers = simulate(experiment.input()).splits;
  Keep keep;
  CHECK(simulate(experiment.input(), &keep.records, &keep.events).splits == numbers);
  CHECK(bound(experiment.input()).seconds <= experiment.makespan());
  return numbers;
}

}  // namespace

TEST_CASE("greedy: whose loop turns first takes all of a burst; arrivals spread over the idle ones") {
  CHECK(splits(ten(0, Accept::greedy)) == Splits{10, 0, 0, 0});
  CHECK(splits(ten(ms(2), Accept::greedy)) == Splits{7, 1, 1, 1});
  CHECK(splits(ten(ms(20), Accept::greedy)) == Splits{3, 3, 2, 2});
}

TEST_CASE("greedy: connections opened before the load came one by one, so they are dealt in turn") {
  const Experiment experiment =
      Experiment(kBlockingLoop, {wait(ms(100))}, burst(10)).workers(4).accept(Accept::greedy);
  CHECK(splits(experiment) == Splits{3, 3, 2, 2});
}

TEST_CASE("greedy: the range reaches from the best dealing to all on one worker") {
  const auto range = makespan_range(ten(ms(2), Accept::greedy).input());
  REQUIRE(range);
  CHECK(range->low_s == Approx(0.302));
  CHECK(range->median_s == Approx(0.7));
  CHECK(range->high_s == Approx(1.0));
}

TEST_CASE("one: a worker takes what it can start now, so a burst is dealt evenly") {
  const Experiment experiment = ten(0, Accept::one);
  CHECK(splits(experiment) == Splits{3, 3, 2, 2});
  CHECK(experiment.makespan() == Approx(0.3));
  CHECK(ten(0, Accept::one, 0).makespan() == Approx(0.3));
}

TEST_CASE("one: who is free takes the next, where dealing in turn would wait for the busy one") {
  // Every second request is long; two workers.
  const auto with = [](Accept policy) {
    return Experiment({{kBlockingLoop, {wait(ms(100))}}, {kBlockingLoop, {wait(ms(10))}}},
                      {fresh(staggered({0, ms(2), ms(4), ms(6)}, 0)),
                       fresh(staggered({ms(1), ms(3), ms(5), ms(7)}, 1))})
        .workers(2)
        .accept(policy);
  };
  CHECK(with(Accept::handoff).makespan() == Approx(0.4));
  CHECK(with(Accept::one).makespan() < 0.3);
  CHECK_FALSE(makespan_range(with(Accept::one).input()));
}

TEST_CASE("one: a limit of what an asynchronous worker serves makes rounds of it") {
  const auto with = [](int limit) {
    return Experiment(kAsyncLoop, {wait(ms(100))}, fresh(burst(12))).workers(2).accept(Accept::one, limit);
  };
  CHECK(with(1).makespan() == Approx(0.6));
  CHECK(with(3).makespan() == Approx(0.2));
  CHECK(with(0).makespan() == Approx(0.1));
  CHECK(splits(with(0)) == Splits{6, 6});
}

TEST_CASE("one: connections that are open before the load hold a place until they are answered") {
  const Experiment experiment =
      Experiment(kAsyncLoop, {wait(ms(100))}, burst(6)).workers(2).accept(Accept::one, 1);
  CHECK(experiment.makespan() == Approx(0.3));
  CHECK(splits(experiment) == Splits{3, 3});
}

TEST_CASE("reuseport: the lot is the seed's, and the range is that of 200 lots") {
  Experiment experiment = ten(0, Accept::reuseport);
  const Splits first = splits(experiment);
  CHECK(splits(experiment) == first);
  CHECK(std::accumulate(first.begin(), first.end(), std::int64_t{0}) == 10);
  const auto range = makespan_range(experiment.input());
  REQUIRE(range);
  CHECK(range->low_s >= 0.3);
  CHECK(range->median_s == Approx(0.4).margin(0.101));
  CHECK(range->high_s > range->median_s);
  CHECK(range->high_s <= 1.0);
}

TEST_CASE("reuseport: over many connections every worker gets its share") {
  const Experiment experiment =
      Experiment(kAsyncLoop, {wait(ms(1))}, fresh(burst(40'000))).workers(4).accept(Accept::reuseport);
  for (const std::int64_t share : splits(experiment)) CHECK(std::abs(share - 10'000) < 500);
}

TEST_CASE("A single worker leaves nothing to chance") {
  for (const Accept policy : {Accept::greedy, Accept::reuseport, Accept::one}) {
    const Experiment experiment = ten(0, policy).workers(1);
    CHECK_FALSE(makespan_range(experiment.input()));
    CHECK(experiment.makespan() == Approx(1.0));
  }
}

TEST_CASE("A loop that always has work takes connections between two turns") {
  const Plan chunks{repeat(20, {cpu(ms(5)), {Yield{}}})};
  const Keep keep =
      Experiment({{kAsyncLoop, chunks}, {kAsyncLoop, {}}}, {fresh(burst(4)), fresh(burst(1, 1, ms(12)))})
          .workers(2)
          .accept(Accept::one, 0)
          .observed();
  const auto ping = std::find_if(keep.records.begin(), keep.records.end(),
                                 [](const RequestRecord& record) { return record.route == 1; });
  REQUIRE(ping != keep.records.end());
  CHECK(ping->latency() <= ms(15));
}
