#include "lab/core/schedule.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace lab;

namespace {

Load load_of(Arrivals arrivals, std::int64_t requests, Nanos every = 0, Nanos from = 0) {
  Load load;
  load.arrivals = arrivals;
  load.requests = requests;
  load.every = every;
  load.from = from;
  return load;
}

Case case_of(std::vector<Load> loads) {
  Case load_case;
  load_case.loads = std::move(loads);
  return load_case;
}

std::vector<Nanos> times(const Case& load_case, std::uint64_t seed = 0) {
  std::vector<Nanos> result;
  for (const Arrival& arrival : schedule(load_case, seed)) result.push_back(arrival.at);
  return result;
}

}  // namespace

TEST_CASE("A burst arrives at once, at its own time") {
  CHECK(times(case_of({load_of(Arrivals::burst, 3, 0, 500)})) == std::vector<Nanos>{500, 500, 500});
}

TEST_CASE("Constant arrivals keep their period exactly") {
  CHECK(times(case_of({load_of(Arrivals::constant, 4, 100, 50)})) == std::vector<Nanos>{50, 150, 250, 350});
}

TEST_CASE("Staggered arrivals come at their listed times, in time order") {
  Load load = load_of(Arrivals::staggered, 3, 0, 1000);
  load.at = {7, 2, 5};
  CHECK(times(case_of({load})) == std::vector<Nanos>{1002, 1005, 1007});
}

TEST_CASE("A closed load starts with one request of each client, and never with more than it has") {
  Load load = load_of(Arrivals::closed, 10);
  load.clients = 4;
  CHECK(schedule(case_of({load}), 0).size() == 4);
  load.clients = 40;
  CHECK(schedule(case_of({load}), 0).size() == 10);
}

TEST_CASE("Several loads are merged in time order, and by their order where they tie") {
  const std::vector<Arrival> arrivals =
      schedule(case_of({load_of(Arrivals::constant, 3, 10), load_of(Arrivals::burst, 2, 0, 10)}), 0);
  std::vector<std::pair<Nanos, std::uint32_t>> seen;
  for (const Arrival& arrival : arrivals) seen.emplace_back(arrival.at, arrival.load);
  CHECK(seen == std::vector<std::pair<Nanos, std::uint32_t>>{{0, 0}, {10, 0}, {10, 1}, {10, 1}, {20, 0}});
}

TEST_CASE("Poisson arrivals are the same for the same seed, and others for another") {
  const Case load_case = case_of({load_of(Arrivals::poisson, 100, kMillisecond)});
  CHECK(times(load_case, 1) == times(load_case, 1));
  CHECK(times(load_case, 1) != times(load_case, 2));
  // The numbers themselves belong to the contract: a recorded run must be repeatable on another machine.
  std::vector<Nanos> first_ones = times(load_case, 42);
  first_ones.resize(3);
  CHECK(first_ones == std::vector<Nanos>{91673, 2227588, 3155347});
}

TEST_CASE("Two Poisson loads of one case are independent") {
  const Load load = load_of(Arrivals::poisson, 50, kMillisecond);
  std::vector<Nanos> first, second;
  for (const Arrival& arrival : schedule(case_of({load, load}), 5))
    (arrival.load == 0 ? first : second).push_back(arrival.at);
  CHECK(first.size() == 50);
  CHECK(second.size() == 50);
  CHECK(first != second);
}

TEST_CASE("Poisson gaps have the mean and the spread of an exponential distribution") {
  constexpr std::int64_t kCount = 100'000;
  const std::vector<Nanos> at = times(case_of({load_of(Arrivals::poisson, kCount, kMillisecond)}), 3);
  double sum = 0, squares = 0;
  Nanos before = 0;
  for (const Nanos time : at) {
    const auto gap = static_cast<double>(time - before);
    before = time;
    sum += gap;
    squares += gap * gap;
  }
  const double mean = sum / kCount;
  CHECK(mean == Approx(1e6).epsilon(0.01));
  CHECK(std::sqrt(squares / kCount - mean * mean) == Approx(1e6).epsilon(0.02));
}

TEST_CASE("The logarithm that arrivals hang on is as good as the library's, and exact where it can be") {
  CHECK(lab::same_log(1) == 0);
  for (double number = 0x1p-53; number < 1e9; number *= 1.0007) {
    const double expected = std::log(number);
    CHECK(std::abs(lab::same_log(number) - expected) <= 4e-16 * std::abs(expected));
  }
  // The same bits in every program; these are of x86-64 and of WebAssembly.
  CHECK(lab::same_log(0.3) == -0x1.34378fcbda721p+0);
  CHECK(lab::same_log(0x1p-53) == -0x1.25e4f7b2737fap+5);
}

TEST_CASE("The stream gives the schedule's arrivals, what comes at once as one run") {
  Load closed = load_of(Arrivals::closed, 100);
  closed.clients = 3;
  Load staggered = load_of(Arrivals::staggered, 4);
  staggered.at = {30, 10, 10, 20};
  const Case load_case = case_of({load_of(Arrivals::burst, 10'000'000, 0, 10), closed, staggered,
                                  load_of(Arrivals::constant, 3, 10), load_of(Arrivals::poisson, 5, 10)});
  std::int64_t runs = 0, total = 0;
  Nanos before = 0;
  ArrivalStream stream(load_case, 9);
  while (const auto run = stream.next()) {
    ++runs;
    total += run->count;
    CHECK(run->at >= before);
    before = run->at;
  }
  CHECK(runs == 1 + 1 + 4 + 3 + 5);
  CHECK(total == 10'000'000 + 3 + 4 + 3 + 5);
}

TEST_CASE("Without requests nothing arrives") {
  CHECK(schedule(case_of({}), 0).empty());
  CHECK(schedule(case_of({load_of(Arrivals::burst, 0)}), 0).empty());
}
