#include "harness/statistics/statistics.hpp"

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <random>

namespace lab {
namespace {

using Sample = std::vector<double>;

// Permeability of a membrane, Hollander and Wolfe's table 4.1; R's documentation of wilcox.test gives W = 35
// and p = 0.1272 on one side.
const Sample kAtTerm{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
const Sample kEarly{1.15, 0.88, 0.90, 0.74, 1.21};

/// Counts U for every way to deal the values to two groups, with halves for ties; no rank is computed.
double brute_force_p(const Sample& a, const Sample& b) {
  Sample all = a;
  all.insert(all.end(), b.begin(), b.end());
  const auto distance = [&](std::uint32_t chosen) {
    double u = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t j = 0; j < all.size(); ++j) {
        if ((chosen >> i & 1U) == 0 || (chosen >> j & 1U) == 1) continue;
        u += all[i] > all[j] ? 1 : all[i] == all[j] ? 0.5 : 0;
      }
    }
    return std::abs(u - static_cast<double>(a.size() * b.size()) / 2);
  };
  const double observed = distance((1U << a.size()) - 1);
  double ways = 0;
  double far = 0;
  for (std::uint32_t chosen = 0; chosen < 1U << all.size(); ++chosen) {
    if (std::popcount(chosen) != static_cast<int>(a.size())) continue;
    ++ways;
    if (distance(chosen) >= observed) ++far;
  }
  return far / ways;
}

TEST_CASE("the textbook's example has the p value that R prints") {
  const Shift shift = compare_samples(kAtTerm, kEarly);
  CHECK(shift.exact);
  CHECK(shift.p == Approx(2 * 0.1272).margin(0.0001));
  CHECK(shift.estimate == Approx(-0.305));
}

TEST_CASE("the shift is the median of all differences, the mean of the middle two where there is none") {
  CHECK(compare_samples(Sample{1, 2}, Sample{1, 3}).estimate == 0.5);             // -1 0 1 2
  CHECK(compare_samples(Sample{0, 10}, Sample{1, 2, 4, 7, 30}).estimate == 1.5);  // … -3 1 2 4 …
  CHECK(compare_samples(Sample{0, 10, 20}, Sample{1, 2, 4}).estimate == -8);      // nine, the fifth
}

TEST_CASE("six against six that do not overlap have the smallest p that six can give") {
  const Shift shift = compare_samples(Sample{1, 2, 3, 4, 5, 6}, Sample{11, 12, 13, 14, 15, 16});
  CHECK(shift.p == Approx(2.0 / 924));
  CHECK(shift.min_attainable_p == Approx(2.0 / 924));
  CHECK(shift.estimate == 10);
}

TEST_CASE("the exact p value is that of counting every way to deal the values, with ties and without") {
  const std::vector<std::pair<Sample, Sample>> pairs{
      {{1.003, 1.002, 1.004, 1.0035}, {1.0041, 1.005, 1.0042, 1.0061, 1.0037}},
      {{1, 2, 2, 3, 5}, {2, 3, 4, 4, 6, 6}},
      {{1, 1, 1, 1}, {1, 1, 1, 2, 9}},
      {{5, 5, 5}, {5, 5, 5}},
      {{0}, {1, 2, 3, 4, 5, 6}},
      {{1, 1, 1, 1, 1, 7}, {1, 8, 9}}};
  for (const auto& [a, b] : pairs) {
    CHECK(compare_samples(a, b).p == Approx(brute_force_p(a, b)));
    CHECK(compare_samples(b, a).p == Approx(brute_force_p(a, b)));
  }
}

TEST_CASE("equal values show no difference, and their interval is zero wide") {
  const Shift shift = compare_samples(Sample(6, 1.0), Sample(6, 1.0));
  CHECK(shift.p == 1);
  CHECK(shift.estimate == 0);
  CHECK(shift.low == 0);
  CHECK(shift.high == 0);
}

TEST_CASE("the interval of six against six leaves out five differences at each end") {
  // P(U < 6) = 19/924 = 0.0206 on each side, P(U < 7) = 30/924 = 0.0325: C = 6.
  const Sample a{0, 10, 20, 30, 40, 50};
  const Sample b{1, 12, 23, 34, 45, 56};
  Sample differences;
  for (const double x : a) {
    for (const double y : b) differences.push_back(y - x);
  }
  std::sort(differences.begin(), differences.end());
  const Shift shift = compare_samples(a, b);
  CHECK(shift.low == differences[5]);
  CHECK(shift.high == differences[30]);
}

TEST_CASE("samples that cannot carry 95 percent have no interval") {
  CHECK_FALSE(compare_samples(Sample{1, 2, 3}, Sample{1, 2, 3}).low.has_value());
  CHECK_FALSE(compare_samples(Sample{1, 2, 3}, Sample{1, 2, 3, 4}).low.has_value());
  CHECK(compare_samples(Sample{1, 2, 3}, Sample{1, 2, 3, 4, 5}).low.has_value());
  CHECK(compare_samples(Sample{1, 2, 3, 4}, Sample{1, 2, 3, 4}).low == -3);
  CHECK_FALSE(compare_samples(Sample{1}, Sample(38, 2.0)).low.has_value());
  CHECK(compare_samples(Sample{1}, Sample(39, 2.0)).low.has_value());
}

TEST_CASE("the interval covers the true shift in at least 95 of 100 experiments") {
  std::mt19937_64 random(7);
  std::exponential_distribution<double> wait(1);
  for (const std::size_t n : {4U, 6U, 9U}) {
    int covered = 0;
    constexpr int kTrials = 2'000;
    for (int trial = 0; trial < kTrials; ++trial) {
      Sample a(n);
      Sample b(n);
      for (double& value : a) value = wait(random);
      for (double& value : b) value = wait(random) + 0.3;
      const Shift shift = compare_samples(a, b);
      if (*shift.low <= 0.3 && 0.3 <= *shift.high) ++covered;
    }
    CHECK(covered >= 0.945 * kTrials);
  }
}

TEST_CASE("many values take the normal approximation, which meets the exact p at the border") {
  std::mt19937_64 random(3);
  std::normal_distribution<double> noise(0, 1);
  Sample a(60);
  Sample b(60);
  for (double& value : a) value = noise(random);
  for (double& value : b) value = noise(random) + 0.35;
  const Shift exact = compare_samples(a, b);
  a.push_back(0.1);
  const Shift normal = compare_samples(a, b);
  CHECK(exact.exact);
  CHECK_FALSE(normal.exact);
  CHECK(normal.p == Approx(exact.p).epsilon(0.15));
  CHECK(*normal.low == Approx(*exact.low).margin(0.02));
  CHECK(*normal.high == Approx(*exact.high).margin(0.02));
  CHECK(compare_samples(Sample(100, 1.0), Sample(100, 1.0)).p == 1);
}

TEST_CASE("samples are apart where the gap between them is wider than either") {
  CHECK(compare_samples(Sample{1, 1.1}, Sample{1.3, 1.4}).apart);
  CHECK(compare_samples(Sample{1.3, 1.4}, Sample{1, 1.1}).apart);
  CHECK_FALSE(compare_samples(Sample{1, 1.1}, Sample{1.2, 1.4}).apart);
  CHECK_FALSE(compare_samples(Sample{1, 1}, Sample{1, 1}).apart);
}

TEST_CASE("equal samples of four are apart in less than one of a thousand cases, heavy tails or not") {
  std::mt19937_64 random(11);
  std::normal_distribution<double> normal(0, 1);
  std::lognormal_distribution<double> skewed(0, 1);
  std::cauchy_distribution<double> heavy(0, 1);
  for (const std::function<double()>& draw : {std::function<double()>([&] { return normal(random); }),
                                              std::function<double()>([&] { return skewed(random); }),
                                              std::function<double()>([&] { return heavy(random); })}) {
    int apart = 0;
    for (int trial = 0; trial < 10'000; ++trial) {
      Sample a(4);
      Sample b(4);
      for (double& value : a) value = draw();
      for (double& value : b) value = draw();
      apart += compare_samples(a, b).apart ? 1 : 0;
    }
    CHECK(apart < 10);
  }
}

TEST_CASE("Holm multiplies the smallest by all, the next by one less, and never goes back") {
  const Sample p{0.01, 0.04, 0.03, 0.005};
  const std::vector<double> adjusted = holm(p);
  CHECK(adjusted[3] == Approx(0.02));
  CHECK(adjusted[0] == Approx(0.03));
  CHECK(adjusted[2] == Approx(0.06));
  CHECK(adjusted[1] == Approx(0.06));
  CHECK(holm(Sample{0.6, 0.7}) == std::vector<double>{1, 1});
  CHECK(holm({}).empty());
}

TEST_CASE("more comparisons need more repetitions before any of them can show a difference") {
  CHECK(min_attainable_p(3, 3) == Approx(0.1));
  CHECK(needed_repetitions(1) == 4);   // 2/70
  CHECK(needed_repetitions(2) == 5);   // 4/70 is too much, 4/252 is not
  CHECK(needed_repetitions(10) == 6);  // 20/924
  CHECK(needed_repetitions(24) == 7);  // 48/924 is too much
}

}  // namespace
}  // namespace lab
