// The simulation against queueing theory: means that have closed forms.
#include <catch2/catch.hpp>
#include <cmath>

#include "harness/model/testing/model_testing.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

constexpr std::int64_t many(std::int64_t requests) {
  return requests / LAB_TEST_DIVISOR;
}

/// What may lie between a mean and its theory: more, where there are fewer requests.
double off(double part) {
  return part * std::sqrt(LAB_TEST_DIVISOR);
}

struct Mean {
  double latency = 0, unread = 0;
};

Mean mean_of(const Experiment& experiment) {
  std::vector<RequestRecord> records;
  simulate(experiment.input(), &records);
  Mean mean;
  for (const RequestRecord& record : records) {
    mean.latency += seconds(record.latency()) / static_cast<double>(records.size());
    mean.unread += seconds(record.read - record.sent) / static_cast<double>(records.size());
  }
  return mean;
}

/// Between arrivals, for steps of 10 ms on `servers` of them.
Nanos gap(double rho, int servers) {
  return static_cast<Nanos>(10e6 / rho / servers);
}

Histogram exponential_latencies(const Experiment& experiment) {
  ModelInput input = experiment.input();
  input.exponential_work = true;
  Histogram latencies;
  simulate(input, nullptr, nullptr, &latencies);
  return latencies;
}

/// The part of arrivals that must wait in M/M/c at an offered load of `a` (Erlang 1917).
double erlang_c(int servers, double a) {
  double blocked = 1;  // Erlang B, by its recursion
  for (int k = 1; k <= servers; ++k) blocked = a * blocked / (k + a * blocked);
  const double rho = a / servers;
  return blocked / (1 - rho * (1 - blocked));
}

}  // namespace

TEST_CASE("Poisson arrivals at a blocking loop wait as in M/D/1") {
  // Pollaczek and Khinchine: mean wait = rho d / (2 (1 - rho)).
  const double d = 0.010;
  for (const double rho : {0.3, 0.5, 0.8}) {
    Experiment experiment(kBlockingLoop, {wait(ms(10))},
                          poisson(many(400'000), static_cast<Nanos>(10e6 / rho)));
    experiment.seed = 7;
    CHECK(mean_of(experiment).unread == Approx(rho * d / (2 * (1 - rho))).epsilon(off(0.03)));
  }
}

TEST_CASE("Poisson arrivals that share one core stay as in M/G/1 with processor sharing") {
  // Insensitive to the distribution of the work: mean latency = c / (1 - rho) (Kleinrock 1967).
  const double c = 0.010;
  for (const double rho : {0.3, 0.5, 0.8}) {
    Experiment experiment(kThreadPool, {cpu(ms(10))}, poisson(many(300'000), static_cast<Nanos>(10e6 / rho)));
    experiment.threads(100'000).on_cores(1).seed = 11;
    CHECK(mean_of(experiment).latency == Approx(c / (1 - rho)).epsilon(off(0.04)));
  }
}

TEST_CASE("A computing step of random length makes a blocking loop M/M/1: latencies are exponential") {
  const double service = 0.010;
  for (const double rho : {0.3, 0.5, 0.8}) {
    const Histogram latencies = exponential_latencies(
        Experiment(kBlockingLoop, {cpu(ms(10))}, poisson(many(1'000'000), gap(rho, 1))));
    const double mean = service / (1 - rho);
    CHECK(latencies.mean() / 1e9 == Approx(mean).epsilon(off(0.03)));
    for (const double q : {0.5, 0.9, 0.99})
      CHECK(seconds(latencies.quantile(q).value()) == Approx(-std::log(1 - q) * mean).epsilon(off(0.05)));
  }
}

TEST_CASE("Random work in a pool of c members waits as Erlang's formula for M/M/c says") {
  const double service = 0.010;
  for (const int members : {2, 4, 16}) {
    for (const double rho : {0.5, 0.8}) {
      Experiment experiment(kThreadPool, {cpu(ms(10))}, poisson(many(500'000), gap(rho, members)));
      experiment.threads(members).on_cores(members);
      const double wait = erlang_c(members, rho * members) * service / (members * (1 - rho));
      CHECK(exponential_latencies(experiment).mean() / 1e9 == Approx(service + wait).epsilon(off(0.02)));
    }
  }
}

TEST_CASE("Work of one length in one member waits half as long as random work of that mean") {
  // M/D/1 against M/M/1, by Pollaczek and Khinchine.
  Experiment experiment(kThreadPool, {cpu(ms(10))}, poisson(many(1'000'000), gap(0.8, 1)));
  experiment.threads(1).seed = 3;
  Histogram even;
  simulate(experiment.input(), nullptr, nullptr, &even);
  const double wait_even = even.mean() / 1e9 - 0.010;
  const double wait_random = exponential_latencies(experiment).mean() / 1e9 - 0.010;
  CHECK(wait_even == Approx(0.020).epsilon(off(0.04)));
  CHECK(wait_random == Approx(0.040).epsilon(off(0.05)));
}

TEST_CASE(
    "Workers that get every W-th of Poisson arrivals see Erlang gaps and wait less than one worker at the "
    "same load") {
  Experiment one(kBlockingLoop, {wait(ms(10))}, poisson(many(200'000), ms(20)));
  Experiment four = Experiment(kBlockingLoop, {wait(ms(10))}, poisson(many(200'000), ms(5))).workers(4);
  CHECK(mean_of(four).unread < 0.5 * mean_of(one).unread);
}

TEST_CASE("Closed loads obey the utilisation law: clients or the pool bind, whichever is slower") {
  const auto with = [](std::int64_t clients) {
    return Experiment(kThreadPool, {wait(ms(100))}, closed(clients, 5000)).threads(10).makespan();
  };
  CHECK(with(5) == Approx(100).epsilon(1e-9));
  CHECK(with(10) == Approx(50).epsilon(1e-9));
  CHECK(with(20) == Approx(50).epsilon(1e-9));
}

TEST_CASE("A blocking step keeps clients in convoy: who is answered first is read again last") {
  // Each round: one wait of 90 ms for all, then five times 10 ms on the loop, which reads nothing meanwhile.
  const Plan plan{wait(ms(90)), blocking(wait(ms(10)))};
  CHECK(Experiment(kAsyncLoop, plan, closed(5, 5000)).makespan() == Approx(140).epsilon(1e-9));
}

TEST_CASE("Clients that compute and wait stay in step where cores are shared evenly, not where in slices") {
  // Eight on two cores: 5 ms each, then 20 ms. In step each round takes 20 + 20 ms; spread, one takes 25 ms.
  Experiment experiment(kThreadPool, {cpu(ms(5)), wait(ms(20))}, closed(8, 400));
  experiment.threads(8).on_cores(2);
  const auto range = makespan_range(experiment.input());
  REQUIRE(range);
  CHECK(range->low_s == Approx(1.265));
  CHECK(range->median_s == Approx(2.0));
  CHECK(range->high_s == Approx(2.0));
  CHECK(bound(experiment.input()).seconds <= range->low_s);
}

TEST_CASE(
    "Who computes first makes no difference worth a range where there are cores enough or all are alike") {
  Experiment experiment(kThreadPool, {cpu(ms(200))}, burst(4));
  CHECK_FALSE(makespan_range(experiment.threads(4).on_cores(2).input()));
  Experiment enough(kThreadPool, {cpu(ms(5)), wait(ms(20))}, closed(2, 40));
  CHECK_FALSE(makespan_range(enough.threads(8).on_cores(2).input()));
  Experiment waits(kThreadPool, {wait(ms(20))}, closed(8, 40));
  CHECK(other_dealings(waits.threads(8).on_cores(2).input()).empty());
}
