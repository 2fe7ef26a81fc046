#include <catch2/catch.hpp>

#include "harness/model/testing/model_testing.hpp"
#include "harness/model/testing/random_experiment.hpp"

using namespace lab;
using namespace lab::testing;

TEST_CASE(
    "No schedule of the simulation is shorter than the bound, whatever the plan, arm, load and dealing") {
  std::size_t tight = 0;
  for (std::uint64_t seed = 0; seed < 20'000 / LAB_TEST_DIVISOR; ++seed) {
    const Experiment experiment = random_experiment(seed);
    const Bound least = bound(experiment.input());
    const double makespan = experiment.makespan();
    // Shared cores end at rounded nanoseconds; waits are exact.
    const double slack = least.has_cpu ? 1e-7 : 1e-12;
    if (least.seconds > makespan + slack) {
      FAIL("seed " << seed << ": bound " << least.seconds << " above makespan " << makespan);
    }
    if (least.seconds > makespan * 0.999) ++tight;
  }
  // A bound of zero would pass the above.
  CHECK(tight > 8'000 / LAB_TEST_DIVISOR);
}

TEST_CASE("The bound holds for every kind of step, accept policy and body") {
  std::size_t tight = 0;
  for (std::uint64_t seed = 0; seed < 20'000 / LAB_TEST_DIVISOR; ++seed) {
    const Experiment experiment = random_rich_experiment(seed);
    const Bound least = bound(experiment.input());
    ModelInput input = experiment.input();
    input.slice = seed % 2 == 0 ? 0 : ms(3);
    const double makespan = simulate(input).makespan_s;
    const double slack = least.has_cpu ? 1e-7 : 1e-12;
    if (least.seconds > makespan + slack) {
      FAIL("seed " << seed << ": bound " << least.seconds << " above makespan " << makespan);
    }
    if (least.seconds > makespan * 0.999) ++tight;
  }
  CHECK(tight > 5'000 / LAB_TEST_DIVISOR);
}

TEST_CASE("The bound holds for every way of dealing the same burst") {
  Experiment experiment =
      Experiment({{kBlockingLoop, {wait(ms(70))}}, {kAsyncLoop, {wait(ms(30)), cpu(ms(5))}}},
                 {burst(7), burst(5, 1)})
          .workers(3);
  for (experiment.seed = 0; experiment.seed < 3; ++experiment.seed) {
    CHECK(bound(experiment.input()).seconds <= experiment.makespan());
  }
}

TEST_CASE("Sets of requests that come late bind more than all together") {
  // 10 requests of 1 ms long ago, then a late burst of 5 x 100 ms.
  const Experiment experiment({{kBlockingLoop, {wait(ms(1))}}, {kBlockingLoop, {wait(ms(100))}}},
                              {burst(10), burst(5, 1, kSecond)});
  CHECK(bound(experiment.input()).seconds == 1.5);
  CHECK(experiment.makespan() == 1.5);
}

TEST_CASE("What precedes and follows a resource's turn counts") {
  // Everyone waits 100 ms freely, then 10 ms on the loop, then 50 ms freely.
  const Experiment experiment(kAsyncLoop, {wait(ms(100)), blocking(wait(ms(10))), wait(ms(50))}, burst(10));
  CHECK(bound(experiment.input()).seconds == 0.25);
  CHECK(experiment.makespan() == 0.25);
}

TEST_CASE("A closed load is bound by its clients") {
  CHECK(bound(Experiment(kAsyncLoop, {wait(ms(100))}, closed(4, 10)).input()).seconds == 0.3);
  CHECK(bound(Experiment(kBlockingLoop, {wait(ms(100))}, closed(4, 10)).input()).seconds == 1.0);
  CHECK(bound(Experiment(kBlockingLoop, {wait(ms(100))}, closed(1, 10)).workers(4).input()).seconds == 1.0);
}

TEST_CASE("CPU work binds only where it does") {
  CHECK_FALSE(bound(Experiment(kBlockingLoop, {wait(ms(100))}, burst(10)).input()).has_cpu);
  CHECK(bound(Experiment(kBlockingLoop, {cpu(ms(100))}, burst(10)).input()).has_cpu);
  const Experiment beside({{kAsyncLoop, {wait(kSecond)}}, {kAsyncLoop, {cpu(ms(1))}}},
                          {burst(1), burst(3, 1)});
  CHECK_FALSE(bound(beside.input()).has_cpu);
}

TEST_CASE("The makespan counts from the first request, not from the start of the load") {
  const Experiment experiment(kAsyncLoop, {wait(ms(100))}, burst(2, 0, kSecond));
  CHECK(bound(experiment.input()).seconds == 0.1);
  CHECK(experiment.makespan() == 0.1);
}

TEST_CASE("Ten million requests at once are one value, and a thousand million too") {
  CHECK(bound(Experiment(kBlockingLoop, {wait(ms(100))}, burst(10'000'000)).input()).seconds == 1e6);
  CHECK(bound(Experiment(kThreadPool, {wait(ms(100))}, burst(1'000'000'000)).input()).seconds == 2.5e6);
}

TEST_CASE("Without requests there is no bound") {
  CHECK(bound(Experiment(kAsyncLoop, {wait(ms(1))}, burst(0)).input()).seconds == 0);
}

TEST_CASE(
    "Millions of arrivals that are looked at in groups keep the bound of their work and of the last one") {
  const Nanos us = kMicrosecond;
  const Experiment busy(kBlockingLoop, {wait(2 * us)}, constant(3'000'000, us));
  CHECK(bound(busy.input()).seconds == 6.0);
  const Experiment idle(kAsyncLoop, {wait(5 * us)}, constant(3'000'000, us));
  CHECK(bound(idle.input()).seconds == Approx(2.999999 + 5e-6).epsilon(1e-9));
}
