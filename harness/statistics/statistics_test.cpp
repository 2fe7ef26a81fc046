#include "harness/statistics/statistics.hpp"

#include <catch2/catch.hpp>
#include <numeric>

namespace lab {
namespace {

std::vector<double> one_to(int n) {
  std::vector<double> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

TEST_CASE("ten requests of one to ten seconds have the percentiles that nearest rank gives") {
  const std::vector<double> values{7, 3, 10, 1, 9, 5, 2, 8, 6, 4};
  CHECK(nearest_rank(values, 0.10) == 1);
  CHECK(nearest_rank(values, 0.25) == 3);
  CHECK(nearest_rank(values, 0.50) == 5);
  CHECK(nearest_rank(values, 0.75) == 8);
  CHECK(nearest_rank(values, 0.90) == 9);
  CHECK(nearest_rank(values, 0.95) == 10);
  CHECK(nearest_rank(values, 0.99) == 10);
  CHECK(nearest_rank(values, 1.00) == 10);
}

TEST_CASE("every whole percentile of a hundred values is the value of that number") {
  const std::vector<double> values = one_to(100);
  for (int percent = 1; percent <= 100; ++percent) {
    CHECK(nearest_rank(values, percent / 100.0) == percent);
  }
}

TEST_CASE("no values have no percentile") {
  CHECK_FALSE(nearest_rank({}, 0.5).has_value());
}

TEST_CASE("a percentile is given only from the number of values that carries it") {
  CHECK_FALSE(supported_percentile(one_to(28), 0.90).has_value());
  CHECK(supported_percentile(one_to(29), 0.90) == 27);
  CHECK_FALSE(supported_percentile(one_to(58), 0.95).has_value());
  CHECK(supported_percentile(one_to(59), 0.95) == 57);
  CHECK_FALSE(supported_percentile(one_to(298), 0.99).has_value());
  CHECK(supported_percentile(one_to(299), 0.99) == 297);
  CHECK(supported_percentile(one_to(1), 0.5) == 1);
  CHECK(supported_percentile(one_to(3), 1.0) == 3);
}

TEST_CASE("below six repetitions there is a median but no interval") {
  const Estimate summary = summarise({5, 1, 4, 2});
  CHECK(summary.median == 3);
  CHECK_FALSE(summary.low.has_value());
  CHECK_FALSE(summary.high.has_value());
  CHECK(summary.samples == std::vector<double>{5, 1, 4, 2});
}

TEST_CASE("the interval's ranks have the coverage nearest to 95 percent") {
  // n, r: the r-th smallest to the r-th largest. Coverage by the
  // binomial: 96.9, 98.4, 93.0, 96.1, 97.9, 95.7, 95.7 and 94.3 % (n = 100, r = 41).
  const std::vector<std::pair<int, double>> ranks{{6, 1},  {7, 1},  {8, 2},  {9, 2},
                                                  {10, 2}, {20, 6}, {25, 8}, {100, 41}};
  for (const auto& [n, rank] : ranks) {
    const Estimate summary = summarise(one_to(n));
    INFO("n = " << n);
    CHECK(summary.low == rank);
    CHECK(summary.high == n + 1 - rank);
  }
}

TEST_CASE("nothing measured gives an empty summary") {
  const Estimate summary = summarise({});
  CHECK(summary.samples.empty());
  CHECK_FALSE(summary.low.has_value());
}

TEST_CASE("the value far from all others is flagged") {
  CHECK(outliers(std::vector<double>{1.00, 1.01, 0.99, 1.02, 3.00, 0.98}) == std::vector<std::size_t>{4});
  CHECK(outliers(std::vector<double>{1.0, 1.1, 0.9, 1.05, 0.95}).empty());
}

TEST_CASE("equal values have no outlier, and one among many equal ones is flagged") {
  CHECK(outliers(std::vector<double>(6, 2.0)).empty());
  std::vector<double> values(9, 2.0);
  values.push_back(5.0);
  CHECK(outliers(values) == std::vector<std::size_t>{9});
  CHECK(outliers({}).empty());
}

Estimate steady(double value) {
  return summarise(std::vector<double>(6, value));
}

TEST_CASE("a figure within twenty percent is reproduced, borders included") {
  CHECK(judge(steady(1.0), 1.1, 1.0) == Verdict::reproduced);
  CHECK(judge(steady(0.8), 1.0, 0.5) == Verdict::reproduced);
  CHECK(judge(steady(1.2), 1.0, 0.5) == Verdict::reproduced);
  CHECK(judge(steady(0.79), 1.0, 0.5) == Verdict::faster);
  CHECK(judge(steady(1.21), 1.0, 0.5) == Verdict::slower);
}

TEST_CASE("a figure below the bound is impossible whatever was measured") {
  CHECK(judge(steady(0.1), 0.03, 0.1) == Verdict::impossible);
  CHECK(judge(steady(0.03), 0.03, 0.1) == Verdict::impossible);
  CHECK(judge(steady(0.3), 0.3, 0.1 + 0.2) == Verdict::reproduced);
}

TEST_CASE("an interval across the border of the verdict is inconclusive") {
  CHECK(judge(summarise({1.10, 1.12, 1.14, 1.15, 1.18, 1.25}), 1.0, 0.5) == Verdict::inconclusive);
  CHECK(judge(summarise({1.15, 1.30, 1.35, 1.40, 1.45, 1.50}), 1.0, 0.5) == Verdict::inconclusive);
  CHECK(judge(summarise({1.00, 1.05, 1.08, 1.10, 1.15, 1.19}), 1.0, 0.5) == Verdict::reproduced);
}

TEST_CASE("without a documented figure or a measurement there is no verdict") {
  CHECK(judge(steady(1.0), std::nullopt, 1.0) == Verdict::none);
  CHECK(judge(Estimate{}, 1.0, 1.0) == Verdict::none);
}

TEST_CASE("a bound made of waits allows nothing, one with CPU work three percent") {
  CHECK(below_bound(0.0999999, 0.1, false));
  CHECK_FALSE(below_bound(0.1, 0.1, false));
  CHECK_FALSE(below_bound(0.3, 0.1 + 0.2, false));
  CHECK_FALSE(below_bound(0.0975, 0.1, true));
  CHECK(below_bound(0.0965, 0.1, true));
}

TEST_CASE("verdicts are spelled as the report's readers expect") {
  CHECK(to_string(Verdict::instrument_fault) == "instrument-fault");
  CHECK(to_string(Verdict::none) == "none");
}

}  // namespace
}  // namespace lab
