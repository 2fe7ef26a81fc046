#include "harness/client/load_rate.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace lab;

namespace {

std::vector<Nanos> all_of(ArrivalTimes times) {
  std::vector<Nanos> found;
  for (; times.next() != kNever; times.advance()) found.push_back(times.next());
  return found;
}

}  // namespace

TEST_CASE("a constant rate sends at even times, the first at zero") {
  CHECK(all_of({Arrivals::constant, {4, 4, 0}, -1, kSecond, {}, 0}) ==
        std::vector<Nanos>{0, kSecond / 4, kSecond / 2, 3 * kSecond / 4});
  CHECK(all_of({Arrivals::constant, {4, 4, 0}, 2, kNever, {}, 0}) == std::vector<Nanos>{0, kSecond / 4});
}

TEST_CASE("a burst is due at once") {
  CHECK(all_of({Arrivals::burst, {}, 3, kNever, {}, 0}) == std::vector<Nanos>{0, 0, 0});
}

TEST_CASE("a ramp sends as many as the integral of its rate") {
  const RateCurve climbing{0, 200, kSecond};
  CHECK(climbing.due(kSecond) == Approx(100));
  CHECK(climbing.due(2 * kSecond) == Approx(300));
  CHECK(climbing.when(25) == kSecond / 2);
  CHECK(climbing.when(300) == 2 * kSecond);
  CHECK(climbing.when(0) == 0);
  const RateCurve falling{100, 0, kSecond};
  CHECK(falling.when(50.001) == kNever);
  CHECK(falling.when(37.5) == kSecond / 2);
  CHECK(all_of({Arrivals::constant, climbing, -1, kSecond, {}, 0}).size() == 100);
}

TEST_CASE("shares deal the arrivals in turn") {
  const RateCurve curve{10, 10, 0};
  std::vector<Nanos> dealt;
  for (const std::int64_t index : {0, 1, 2}) {
    for (const Nanos at : all_of({Arrivals::constant, curve, 8, kNever, {index, 3}, 0})) dealt.push_back(at);
  }
  std::sort(dealt.begin(), dealt.end());
  CHECK(dealt == all_of({Arrivals::constant, curve, 8, kNever, {}, 0}));
}

TEST_CASE("Poisson arrivals have their mean rate, and the same seed gives the same times") {
  const RateCurve curve{1000, 1000, 0};
  const auto once = all_of({Arrivals::poisson, curve, -1, 10 * kSecond, {}, 1});
  CHECK(once.size() == Approx(10'000).margin(300));  // three standard deviations
  CHECK(once == all_of({Arrivals::poisson, curve, -1, 10 * kSecond, {}, 1}));
  CHECK(once != all_of({Arrivals::poisson, curve, -1, 10 * kSecond, {}, 2}));
  CHECK(all_of({Arrivals::poisson, curve, -1, 10 * kSecond, {1, 2}, 1}).size() == Approx(5000).margin(212));
}

TEST_CASE("what is left can be counted without sending it") {
  ArrivalTimes times{Arrivals::constant, {4, 4, 0}, -1, kSecond, {}, 0};
  times.advance();
  CHECK(times.count_rest() == 3);
  CHECK(times.next() == kNever);
  CHECK(ArrivalTimes(Arrivals::poisson, {1, 1, 0}, 1'000'000'000, kNever, {}, 0).count_rest() ==
        1'000'000'000);
}
