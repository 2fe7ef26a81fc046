#include "lab/core/histogram.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

using namespace lab;

namespace {

constexpr double kQuantiles[] = {0.0001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0};

Nanos exact(const std::vector<Nanos>& sorted, double q) {
  const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size()) - 1e-9));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

std::vector<Nanos> spread_over_twelve_decades(std::size_t n) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> exponent(0, 12);
  std::vector<Nanos> values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(static_cast<Nanos>(std::pow(10, exponent(random))));
  return values;
}

}  // namespace

TEST_CASE("An empty histogram has no quantiles") {
  const Histogram none;
  CHECK(none.count() == 0);
  CHECK(none.max() == 0);
  CHECK(none.min() == 0);
  CHECK(none.mean() == 0);
  CHECK_FALSE(none.quantile(0.5));
}

TEST_CASE("Quantiles are nearest ranks, exact for small times") {
  Histogram ten;
  for (Nanos i = 1; i <= 10; ++i) ten.add(i);
  CHECK(ten.quantile(0.1) == 1);
  CHECK(ten.quantile(0.25) == 3);
  CHECK(ten.quantile(0.5) == 5);
  CHECK(ten.quantile(0.9) == 9);
  CHECK(ten.quantile(0.99) == 10);
  CHECK(ten.mean() == 5.5);
}

TEST_CASE("Whatever the scale, no quantile is off by more than the stated error") {
  std::vector<Nanos> values = spread_over_twelve_decades(100'000);
  Histogram histogram;
  for (const Nanos value : values) histogram.add(value);
  std::sort(values.begin(), values.end());
  for (const double q : kQuantiles) {
    const Nanos expected = exact(values, q);
    const double off = std::abs(static_cast<double>(histogram.quantile(q).value() - expected));
    INFO("q = " << q << ", exact " << expected);
    CHECK(off <= Histogram::kRelativeError * static_cast<double>(expected));
  }
  CHECK(histogram.min() == values.front());
  CHECK(histogram.max() == values.back());
}

TEST_CASE("Parts that are merged are the whole") {
  const std::vector<Nanos> values = spread_over_twelve_decades(9'999);
  Histogram whole;
  std::vector<Histogram> parts(3);
  for (std::size_t i = 0; i < values.size(); ++i) {
    whole.add(values[i]);
    parts[i % 3].add(values[i]);
  }
  Histogram merged;
  for (const Histogram& part : parts) merged.merge(part);
  CHECK(merged.count() == whole.count());
  CHECK(merged.min() == whole.min());
  CHECK(merged.max() == whole.max());
  CHECK(merged.mean() == Approx(whole.mean()));
  for (const double q : kQuantiles) CHECK(merged.quantile(q) == whole.quantile(q));
}

TEST_CASE("One value counted a million times is a million values") {
  Histogram histogram;
  histogram.add(100 * kMillisecond, 1'000'000);
  histogram.add(kSecond);
  histogram.add(kSecond, 0);
  CHECK(histogram.count() == 1'000'001);
  CHECK(histogram.quantile(1) == kSecond);
  CHECK(static_cast<double>(histogram.quantile(0.999).value()) ==
        Approx(100.0 * kMillisecond).epsilon(Histogram::kRelativeError));
}

TEST_CASE("Every time that fits 64 bits has a bucket") {
  Histogram histogram;
  histogram.add(std::numeric_limits<Nanos>::max());
  CHECK(histogram.quantile(0.5) == std::numeric_limits<Nanos>::max());
  histogram.add(-5);
  CHECK(histogram.min() == 0);
  for (unsigned bit = 0; bit < 63; ++bit) {
    Histogram edge;
    const Nanos value = Nanos{1} << bit;
    edge.add(value - 1);
    edge.add(value);
    edge.add(value + 1);
    CHECK(edge.min() == value - 1);
    CHECK(static_cast<double>(edge.quantile(0.5).value()) ==
          Approx(static_cast<double>(value)).epsilon(Histogram::kRelativeError));
  }
}
