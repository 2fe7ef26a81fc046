#include "harness/diagnosis/burst_fit.hpp"

#include <catch2/catch.hpp>

#include "lab/core/clock.hpp"

using namespace lab;

namespace {

Burst burst(int at_once, int parallelism, double overhead, double service_s) {
  Burst made{at_once, {}};
  for (const double at : pool_replies(at_once, parallelism, overhead))
    made.done.push_back(to_nanos(at * service_s));
  return made;
}

Observations observed(int parallelism, double overhead) {
  Observations seen;
  seen.alone = {51 * kMillisecond, 50 * kMillisecond, 52 * kMillisecond};
  for (const int size : {2, 4, 8, 16, 32, 64})
    seen.bursts.push_back(burst(size, parallelism, overhead, 0.05));
  return seen;
}

}  // namespace

TEST_CASE("a pool answers in rounds of its size") {
  CHECK(pool_replies(5, 2, 0) == std::vector<double>{1, 1, 2, 2, 3});
  CHECK(pool_replies(3, 1, 0.5) == std::vector<double>{1.5, 2.5, 3.5});
}

TEST_CASE("the fit finds how many are served at a time, exactly") {
  for (const int parallelism : {1, 2, 3, 7, 8, 20, 40, 63}) {
    for (const double overhead : {0.0, 0.01}) {
      const std::vector<PoolFit> fits = fit_pools(observed(parallelism, parallelism == 1 ? 0 : overhead));
      REQUIRE(fits.size() == 64);
      const auto best = std::min_element(fits.begin(), fits.end(),
                                         [](const auto& a, const auto& b) { return a.error < b.error; });
      INFO(parallelism << " with " << overhead);
      CHECK(best->parallelism == parallelism);
      CHECK(best->error < 0.03);
      CHECK(best->service_s == Approx(0.05).epsilon(0.03));
    }
  }
}

TEST_CASE("a repetition that was disturbed spoils nothing") {
  Observations seen = observed(8, 0);
  const Observations again = seen;
  seen.bursts.insert(seen.bursts.end(), again.bursts.begin(), again.bursts.end());
  for (Burst disturbed : again.bursts) {
    for (Nanos& at : disturbed.done) at += 200 * kMillisecond;
    seen.bursts.push_back(disturbed);
  }
  const std::vector<PoolFit> fits = fit_pools(seen);
  CHECK(fits[7].error < 0.03);
  CHECK(deviation(again.bursts.back(), fits[7]) < 0.03);
  CHECK(deviation(seen.bursts.back(), fits[7]) > 0.2);
}

TEST_CASE("requests that share the cores finish together") {
  Observations seen;
  seen.alone = {50 * kMillisecond};
  for (const int size : {4, 8, 16})
    seen.bursts.push_back(
        {size, std::vector<Nanos>(static_cast<std::size_t>(size), size * 25 * kMillisecond)});
  const SharingFit fit = fit_sharing(seen, 0.05);
  CHECK(fit.shared);
  CHECK(fit.parallelism == Approx(2));
  CHECK_FALSE(fit_sharing(observed(2, 0), 0.05).shared);
}

TEST_CASE("pairs that always or never wait mean workers, others a pool or a single one") {
  const auto pair = [](std::uint32_t a, std::uint32_t b, bool waits) {
    return KeptBurst{{a, b}, {50 * kMillisecond, (waits ? 100 : 50) * kMillisecond}};
  };
  Observations workers;
  workers.alone = {50 * kMillisecond};
  for (int i = 0; i < 2; ++i)
    workers.kept.insert(workers.kept.end(), {pair(0, 1, false), pair(0, 2, true), pair(1, 2, false)});
  const PairLikelihood reported = weigh_pairs(workers);
  CHECK(reported.pairs == 3);
  CHECK(reported.waiting == 1);
  CHECK(reported.workers > reported.pool + 2);
  CHECK(reported.workers > reported.serial + 2);
  CHECK(count_workers(workers) == 2);

  Observations pool;
  pool.alone = {50 * kMillisecond};
  for (int i = 0; i < 2; ++i)
    pool.kept.insert(pool.kept.end(), {pair(0, 1, false), pair(0, 2, i == 0), pair(1, 2, false)});
  CHECK(weigh_pairs(pool).pool > weigh_pairs(pool).serial);
  Observations serial;
  serial.alone = {50 * kMillisecond};
  serial.kept = {pair(0, 1, true), pair(0, 2, true), pair(1, 2, true)};
  CHECK(weigh_pairs(serial).serial > weigh_pairs(serial).workers);
}

TEST_CASE("more than two threads that want a core though two never do take turns at a lock") {
  const auto shared = [](double two, double four, double eight) {
    Observations seen;
    for (const auto& [size, runnable] : {std::pair{2, two}, std::pair{4, four}, std::pair{8, eight}}) {
      Burst made{size, std::vector<Nanos>(static_cast<std::size_t>(size), kSecond)};
      made.runnable = runnable;
      seen.bursts.push_back(made);
    }
    return fit_sharing(seen, 0.1).shared;
  };
  CHECK_FALSE(shared(1.2, 1.5, 1.8));  // a lock on a quiet machine
  CHECK_FALSE(shared(1.4, 1.9, 2.7));  // and on a busy one
  CHECK(shared(1.9, 3.7, 7.2));        // a pool
  CHECK(shared(1.0, 1.9, 2.0));        // two workers, and both of two with one of them
}
