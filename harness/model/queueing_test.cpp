// The simulation against queueing theory: means that have closed forms.
#include <catch2/catch.hpp>

#include "harness/model/model_testing.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

struct Mean : RecordSink {
  double latency = 0, unread = 0;
  std::int64_t n = 0;
  void record(const RequestRecord& record) override {
    latency += seconds(record.latency());
    unread += seconds(record.read - record.sent);
    ++n;
  }
};

Mean mean_of(const Experiment& experiment) {
  Mean mean;
  simulate(experiment.input(), &mean);
  mean.latency /= static_cast<double>(mean.n);
  mean.unread /= static_cast<double>(mean.n);
  return mean;
}

}  // namespace

TEST_CASE("Poisson arrivals at a blocking loop wait as in M/D/1") {
  // Pollaczek and Khinchine: mean wait = rho d / (2 (1 - rho)).
  const double d = 0.010;
  for (const double rho : {0.3, 0.5, 0.8}) {
    Experiment experiment(kBlockingLoop, {wait(ms(10))}, poisson(400'000, static_cast<Nanos>(10e6 / rho)));
    experiment.seed = 7;
    CHECK(mean_of(experiment).unread == Approx(rho * d / (2 * (1 - rho))).epsilon(0.03));
  }
}

TEST_CASE("Poisson arrivals that share one core stay as in M/G/1 with processor sharing") {
  // Insensitive to the distribution of the work: mean latency = c / (1 - rho) (Kleinrock 1967).
  const double c = 0.010;
  for (const double rho : {0.3, 0.5, 0.8}) {
    Experiment experiment(kThreadPool, {cpu(ms(10))}, poisson(300'000, static_cast<Nanos>(10e6 / rho)));
    experiment.threads(100'000).on_cores(1).seed = 11;
    CHECK(mean_of(experiment).latency == Approx(c / (1 - rho)).epsilon(0.04));
  }
}

TEST_CASE(
    "Workers that get every W-th of Poisson arrivals see Erlang gaps and wait less than one worker at the "
    "same load") {
  Experiment one(kBlockingLoop, {wait(ms(10))}, poisson(200'000, ms(20)));
  Experiment four = Experiment(kBlockingLoop, {wait(ms(10))}, poisson(200'000, ms(5))).workers(4);
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
