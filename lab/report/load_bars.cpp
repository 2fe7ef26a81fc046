#include "lab/report/load_bars.hpp"

#include <algorithm>
#include <cmath>

namespace lab {

namespace {

constexpr std::size_t kMostRows = 10;
constexpr double kEvenRatio = 4;

/// The largest of 1, 2, 5, 10, 20 … that is not above `value`.
double round_down(double value) {
  const double decade = std::pow(10, std::floor(std::log10(value)));
  const double digit = value / decade;
  return (digit >= 5 ? 5 : digit >= 2 ? 2 : 1) * decade;
}

/// Limits in nanoseconds, each above the one before; the last above `high`.
std::vector<double> limits(double low, double high) {
  std::vector<double> found;
  if (high < kEvenRatio * low) {
    const double step = std::max(1.0, round_down((high - low) / 4));
    for (double limit = (std::floor(low / step) + 1) * step;; limit += step) {
      found.push_back(limit);
      if (limit > high) return found;
    }
  }
  for (double limit = round_down(low); found.empty() || found.back() <= high;) {
    const double digit = std::round(limit / std::pow(10, std::floor(std::log10(limit) + 1e-9)));
    limit *= digit == 2 ? 2.5 : 2;
    limit = std::round(limit);
    if (limit > low) found.push_back(limit);
  }
  if (found.size() <= kMostRows) return found;
  found.clear();
  for (double limit = 10 * std::pow(10, std::floor(std::log10(low)));; limit *= 10) {
    found.push_back(limit);
    if (limit > high) return found;
  }
}

}  // namespace

std::vector<LatencyBar> latency_bars(const Distribution& latencies) {
  if (latencies.size() == 0) return {};
  const double low = static_cast<double>(std::max<Nanos>(latencies.min(), 1));
  std::vector<LatencyBar> bars;
  std::vector<Nanos> tops;
  for (const double limit : limits(low, static_cast<double>(latencies.max()))) {
    tops.push_back(std::llround(limit));
    bars.push_back({limit / 1e9, 0});
  }
  latencies.for_each([&](Nanos value, std::int64_t count) {
    const auto at = std::upper_bound(tops.begin(), tops.end() - 1, value) - tops.begin();
    bars[static_cast<std::size_t>(at)].count += count;
  });
  const auto is_empty = [](const LatencyBar& bar) { return bar.count == 0; };
  while (is_empty(bars.back())) bars.pop_back();
  bars.erase(bars.begin(), std::find_if_not(bars.begin(), bars.end(), is_empty));
  return bars;
}

}  // namespace lab
