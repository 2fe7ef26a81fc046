#include "harness/statistics/statistics.hpp"

#include <catch2/catch.hpp>
#include <numeric>
#include <random>

#include "harness/client/load_counts.hpp"

using namespace lab;

namespace {

std::vector<Nanos> many(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::lognormal_distribution<double> latency(std::log(2e6), 1.5);
  std::vector<Nanos> values(n);
  for (Nanos& value : values) value = static_cast<Nanos>(latency(random));
  return values;
}

constexpr double kQuantiles[] = {0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1};

}  // namespace

TEST_CASE("percentiles are nearest rank") {
  Distribution ten;
  std::vector<Nanos> values(10);
  std::iota(values.begin(), values.end(), 1);
  ten.add(values);
  CHECK(ten.quantile(0.1) == 1);
  CHECK(ten.quantile(0.5) == 5);
  CHECK(ten.quantile(0.9) == 9);
  CHECK(ten.quantile(0.99) == 10);
  CHECK_FALSE(ten.supported_quantile(0.9).has_value());
  CHECK_FALSE(Distribution().quantile(0.5).has_value());
}

TEST_CASE("merging parts gives the same as adding everything to one") {
  const std::vector<Nanos> all = many(10'000, 1);
  for (const std::size_t most_exact : {std::size_t{100'000}, std::size_t{6'000}, std::size_t{10}}) {
    Distribution whole(most_exact);
    Distribution one(most_exact);
    Distribution other(most_exact);
    whole.add(all);
    one.add(std::span(all).first(3000));
    other.add(std::span(all).subspan(3000));
    one.merge(other);
    CHECK(one.size() == whole.size());
    CHECK(one.is_exact() == whole.is_exact());
    for (const double q : kQuantiles) CHECK(one.quantile(q) == whole.quantile(q));
    CHECK(one.min() == whole.min());
    CHECK(one.max() == whole.max());
  }
}

TEST_CASE("a histogram's percentiles are within its stated error, its ends exact") {
  const std::vector<Nanos> all = many(50'000, 2);
  Distribution exact(100'000);
  Distribution counted(10);
  exact.add(all);
  counted.add(all);
  REQUIRE_FALSE(counted.is_exact());
  for (const double q : kQuantiles)
    CHECK(*counted.quantile(q) == Approx(*exact.quantile(q)).epsilon(Histogram::kRelativeError));
  CHECK(counted.max() == exact.max());
  CHECK(counted.min() == exact.min());
}

TEST_CASE("samples of several stores share one arena; what it cannot hold is counted") {
  SampleArena arena(2 * SampleArena::kBlock);
  SampleStore one(arena);
  SampleStore other(arena);
  const auto n = static_cast<Nanos>(SampleArena::kBlock + 100);
  for (Nanos i = 1; i <= n; ++i) {
    one.add({0, i, i / 2, 0});
    other.add({0, n + i, i / 2, 1});
  }
  LoadDistributions all;
  one.pour_into(all);
  other.pour_into(all);
  CHECK(all.latency.size() == 2 * n);
  CHECK(all.latency.min() == 1);
  CHECK(all.latency.max() == 2 * n);
  CHECK(all.latency.quantile(0.5).value() == Approx(n).epsilon(0.001));
  CHECK(all.lag.size() == 2 * n);
}
