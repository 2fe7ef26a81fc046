#include "harness/diagnosis/verdict.hpp"

#include <catch2/catch.hpp>
#include <tuple>
#include <vector>

#include "harness/diagnosis/burst_fit.hpp"

using namespace lab;

namespace {

Diagnosis verdict_of(Execution execution, int parallelism, double service_s) {
  Diagnosis verdict;
  verdict.execution = execution;
  verdict.parallelism = parallelism;
  verdict.service_s = service_s;
  return verdict;
}

/// Recorded: a pool of 6 of Java's HttpServer, whose kept connections answer 40 ms late, so that most pairs
/// seem to wait.
Observations java_pool_of_6() {
  Observations seen;
  seen.alone = {53 * kMillisecond, 52 * kMillisecond, 53 * kMillisecond, 52 * kMillisecond};
  for (int repetition = 0; repetition < 3; ++repetition) {
    for (const int size : {2, 4, 8, 16, 32, 64}) {
      Burst burst{size, {}};
      for (const double at : pool_replies(size, 6, 0)) burst.done.push_back(static_cast<Nanos>(at * 52.3e6));
      seen.bursts.push_back(burst);
    }
  }
  for (std::uint32_t i = 0; i < 3 * 5 * 5; ++i) {
    const std::uint32_t a = i / 5 % 5;
    const std::uint32_t b = i % 5;
    if (a < b)
      seen.kept.push_back({{a, b}, {53 * kMillisecond, ((a + b) % 2 == 0 ? 94 : 53) * kMillisecond}});
  }
  seen.most_at_once = 64;
  seen.cpu_share = 0.02;
  return seen;
}

}  // namespace

TEST_CASE("the floor of a verdict is the least that so many at once can take") {
  CHECK(floor_seconds(verdict_of(Execution::serial, 1, 0.05), 8) == Approx(0.4));
  CHECK(floor_seconds(verdict_of(Execution::workers, 2, 0.053), 64) == Approx(1.696));
  CHECK(floor_seconds(verdict_of(Execution::pool, 6, 0.05), 7) == Approx(0.1));
  CHECK(floor_seconds(verdict_of(Execution::concurrent, 64, 0.05), 64) == Approx(0.05));
  Diagnosis cores = verdict_of(Execution::pool, 2, 0.05);
  cores.shared = true;
  CHECK(floor_seconds(cores, 5) == Approx(0.125));
  CHECK(floor_seconds(Diagnosis{}, 64) == 0);
}

TEST_CASE("a verdict whose floor is above a measured burst is rejected, and the next one stands") {
  const Observations seen = java_pool_of_6();
  CHECK_FALSE(contradiction(seen, verdict_of(Execution::workers, 2, 0.053)).empty());
  CHECK_FALSE(contradiction(seen, verdict_of(Execution::serial, 1, 0.053)).empty());
  CHECK(contradiction(seen, verdict_of(Execution::pool, 6, 0.0523)).empty());
  const PairLikelihood pairs = weigh_pairs(seen);
  REQUIRE(pairs.workers > pairs.pool + 10);  // by the pairs alone it would be workers
  REQUIRE(count_workers(seen) < 4);
  const Diagnosis verdict = conclude(seen);
  CHECK(verdict.execution == Execution::pool);
  CHECK(verdict.parallelism == 6);
}

TEST_CASE("a reply before its turn contradicts, though the last one comes late enough") {
  // Recorded: five workers of `php -S` that take what comes first, so that one of them gets the most.
  Observations seen;
  seen.alone = {50 * kMillisecond, 51 * kMillisecond, 50 * kMillisecond};
  for (int repetition = 0; repetition < 2; ++repetition) {
    Burst burst{16, {}};
    for (const int at : {51, 51, 51, 51, 51, 101, 101, 151, 202, 252, 302, 353, 403, 454, 504, 556})
      burst.done.push_back(at * kMillisecond);
    seen.bursts.push_back(burst);
  }
  CHECK_FALSE(contradiction(seen, verdict_of(Execution::workers, 3, 0.05)).empty());
  CHECK(contradiction(seen, verdict_of(Execution::workers, 5, 0.05)).empty());
}

TEST_CASE(
    "a verdict that says how long bursts take falls where even the fastest of a size took much longer") {
  const Observations seen = java_pool_of_6();
  CHECK_FALSE(contradiction(seen, verdict_of(Execution::concurrent, 64, 0.053)).empty());
  // Of those that were dealt to workers only the least time is known, and others may compute beside it.
  Diagnosis many = verdict_of(Execution::workers, 64, 0.053);
  CHECK(contradiction(seen, many).empty());
  // All of them with one worker take that long, and no longer.
  many.service_s = 0.004;
  CHECK_FALSE(contradiction(seen, many).empty());
  many.service_s = 0.053;
  many.execution = Execution::pool;
  many.bound_by = BoundBy::cpu;
  CHECK(contradiction(seen, many).empty());
}

TEST_CASE("where the measurements contradict everything, nothing is said") {
  Observations seen = java_pool_of_6();
  for (Burst& burst : seen.bursts) {
    // Faster than one alone, and slower the fewer there are: no server that is known here.
    burst.done.assign(burst.done.size(), 2000 * kMillisecond / burst.at_once);
  }
  const Diagnosis verdict = conclude(seen);
  CHECK(verdict.execution == Execution::unknown);
  CHECK_FALSE(verdict.reason.empty());
}

TEST_CASE(
    "what computes on a busy machine is one at a time though requests alone took longer than their part of a "
    "burst") {
  // Recorded: FastAPI that computes for 50 ms on its loop, beside five others on two cores.
  Observations seen;
  for (const int alone : {58, 58, 94, 110, 85, 102, 73, 95, 78, 93, 88, 100, 65, 66})
    seen.alone.push_back(alone * kMillisecond);
  for (const auto& [size, first, last] : std::vector<std::tuple<int, int, int>>{{2, 108, 108},
                                                                                {4, 51, 246},
                                                                                {8, 79, 661},
                                                                                {16, 1434, 1434},
                                                                                {2, 115, 117},
                                                                                {4, 302, 306},
                                                                                {8, 94, 650},
                                                                                {2, 58, 124}}) {
    Burst burst{size, {first * kMillisecond}};
    burst.done.resize(static_cast<std::size_t>(size), last * kMillisecond);
    burst.runnable = 1;
    seen.bursts.push_back(burst);
  }
  seen.most_at_once = 16;
  seen.cores = 2;
  seen.cpu_share = 1;
  seen.used_share = 0.6;
  const Diagnosis verdict = conclude(seen);
  INFO(verdict.reason);
  CHECK(verdict.execution == Execution::serial);
  CHECK(verdict.bound_by == BoundBy::cpu);
  CHECK(contradiction(seen, verdict).empty());
  // Its other threads waited for cores all the time, and it had one for a tenth of it: no computing.
  seen.cpu_share = 0.65;
  seen.used_share = 0.15;
  CHECK_FALSE(computes_alone(seen));
}
