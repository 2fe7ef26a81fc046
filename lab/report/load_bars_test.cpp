#include "lab/report/load_bars.hpp"

#include <catch2/catch.hpp>

using namespace lab;

namespace {

std::vector<LatencyBar> bars_of(const std::vector<Nanos>& values) {
  Distribution distribution;
  distribution.add(values);
  return latency_bars(distribution);
}

}  // namespace

TEST_CASE("values near each other get even steps") {
  std::vector<Nanos> values;
  for (Nanos i = 100; i < 140; ++i) values.push_back(i * kMillisecond);
  const auto bars = bars_of(values);
  REQUIRE(bars.size() >= 4);
  for (const LatencyBar& bar : bars) CHECK(bar.count <= 10);
  CHECK(bars.front().below_s == Approx(0.105));
}

TEST_CASE("values far from each other get 1-2-5 steps, very far ones powers of ten") {
  const auto far = bars_of({kMillisecond, 3 * kMillisecond, 40 * kMillisecond});
  std::vector<double> limits;
  for (const LatencyBar& bar : far) limits.push_back(bar.below_s);
  CHECK(limits == std::vector<double>{0.002, 0.005, 0.01, 0.02, 0.05});
  CHECK(bars_of({kMicrosecond, 10 * kSecond}).size() <= 10);
}

TEST_CASE("every value is in one bar, whatever it is") {
  for (const std::vector<Nanos>& values : {std::vector<Nanos>{0},
                                           {1},
                                           {5, 5, 5},
                                           {999, 1000, 1001},
                                           {2 * kMillisecond, 2 * kMillisecond},
                                           {0, 3600 * kSecond}}) {
    std::int64_t count = 0;
    double before = 0;
    for (const LatencyBar& bar : bars_of(values)) {
      count += bar.count;
      CHECK(bar.below_s > before);
      before = bar.below_s;
    }
    CHECK(count == static_cast<std::int64_t>(values.size()));
    CHECK(before * 1e9 > static_cast<double>(*std::max_element(values.begin(), values.end())));
  }
  CHECK(bars_of({}).empty());
}
