// Latencies that are counted while the simulation runs, without a record of any request.
#include <catch2/catch.hpp>

#include "harness/model/testing/random_experiment.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

Histogram counted(const Experiment& experiment) {
  Histogram latencies;
  simulate(experiment.input(), nullptr, nullptr, &latencies);
  return latencies;
}

Histogram recorded(const Experiment& experiment) {
  Histogram latencies;
  for (const RequestRecord& record : experiment.observed().records) {
    if (record.outcome == Outcome::ok) latencies.add(record.latency());
  }
  return latencies;
}

/// Shared cores compute with rounding, so two ways to the same moment differ by some nanoseconds.
void check_same(const Histogram& a, const Histogram& b) {
  REQUIRE(a.count() == b.count());
  if (a.count() == 0) return;
  const auto near = [](double value) {
    return Approx(value).margin(1e3).epsilon(2 * Histogram::kRelativeError);
  };
  CHECK(static_cast<double>(a.min()) == near(static_cast<double>(b.min())));
  CHECK(static_cast<double>(a.max()) == near(static_cast<double>(b.max())));
  CHECK(a.mean() == near(b.mean()));
  for (const double q : {0.1, 0.25, 0.5, 0.75, 0.9, 0.99})
    CHECK(static_cast<double>(a.quantile(q).value()) == near(static_cast<double>(b.quantile(q).value())));
}

}  // namespace

TEST_CASE("A burst at a blocking loop is answered one after another, and the histogram knows each") {
  const Histogram latencies = counted(Experiment(kBlockingLoop, {wait(ms(100))}, burst(10)));
  CHECK(latencies.count() == 10);
  CHECK(latencies.min() == ms(100));
  CHECK(latencies.max() == ms(1000));
  CHECK(seconds(latencies.quantile(0.5).value()) == Approx(0.5).epsilon(Histogram::kRelativeError));
}

TEST_CASE("Whatever the plan and the load, counting without records gives the latencies of the records") {
  for (std::uint64_t seed = 0; seed < 1000 / LAB_TEST_DIVISOR; ++seed) {
    const Experiment experiment = seed % 2 == 0 ? random_experiment(seed) : random_faulty_experiment(seed);
    INFO("seed " << seed);
    check_same(counted(experiment), recorded(experiment));
  }
}

TEST_CASE("Requests that came at different times stay apart in a queue of their like") {
  // Two a period on a loop that needs longer: each waits for all before it.
  Experiment experiment(kBlockingLoop, {wait(ms(10))}, constant(500, ms(4)));
  check_same(counted(experiment), recorded(experiment));
  CHECK(counted(experiment).max() == ms(10) + 499 * ms(6));
}

TEST_CASE("Clients of a closed load count from their own sends") {
  const Histogram latencies = counted(Experiment(kThreadPool, {wait(ms(100))}, closed(20, 1000)).threads(10));
  CHECK(latencies.count() == 1000);
  CHECK(latencies.max() == ms(200));
  CHECK(seconds(latencies.quantile(0.5).value()) == Approx(0.2).epsilon(Histogram::kRelativeError));
}

TEST_CASE("A million requests over a thousand workers need no more tasks than are under way") {
  Experiment experiment(kBlockingLoop, {wait(ms(10))}, poisson(1'000'000, 20 * kMicrosecond));
  experiment.workers(1000);
  const Histogram latencies = counted(experiment);
  CHECK(latencies.count() == 1'000'000);
  // Every thousandth of Poisson arrivals: nearly even gaps, at half of what a worker can do.
  CHECK(latencies.quantile(0.99).value() < ms(11));
}
