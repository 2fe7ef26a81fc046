#include "harness/diagnosis/verdict.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "harness/diagnosis/burst_fit.hpp"

namespace lab {

namespace {

/// Those of the latencies that are far beyond `alone_s`; none where they differ, as what a busy machine does
/// to them differs.
std::vector<double> stalled_alike(const std::vector<double>& latencies, double alone_s) {
  constexpr double kLeast = 0.02, kLeastShare = 1;  // seconds; of one alone
  constexpr double kAlike = 0.2;
  std::vector<double> stalled;
  for (const double latency : latencies) {
    if (latency - alone_s > std::max(kLeast, kLeastShare * alone_s)) stalled.push_back(latency);
  }
  if (stalled.size() < 2) return {};
  const double usual = median_of(stalled);
  const auto alike = std::ranges::count_if(
      stalled, [&](double latency) { return std::abs(latency - usual) < kAlike * (usual - alone_s); });
  return 5 * alike >= 4 * std::ssize(stalled) ? stalled : std::vector<double>{};
}

}  // namespace

std::optional<Stalls> find_stalls(const Observations& seen) {
  constexpr std::size_t kFewest = 10;  // requests alone
  constexpr double kSome = 0.6, kMoreThanOne = 1.5;
  constexpr int kFew = 4;  // at once: rarely is more than one of them slow
  if (seen.alone.size() < kFewest) return std::nullopt;
  const double alone_s = alone_seconds(seen);
  const std::vector<double> latencies = in_seconds({seen.alone.begin() + 1, seen.alone.end()});
  const std::vector<double> stalled = stalled_alike(latencies, alone_s);
  if (stalled.empty() || 3 * stalled.size() > latencies.size()) return std::nullopt;
  const double took = median_of(stalled);
  const double extra = took - alone_s;
  double lost = 0, requests = 0, most = 0;
  int quick = 0;
  std::map<int, std::pair<double, double>> range;  // of what bursts of a size took longer
  for (const Burst& burst : whole_bursts(seen)) {
    const double longer = burst.makespan_s() - alone_s;
    lost += longer;
    requests += burst.at_once;
    most = std::max(most, longer);
    quick += burst.at_once <= kFew && longer < kSome * extra;
    auto& [low, high] = range.try_emplace(burst.at_once, longer, longer).first->second;
    low = std::min(low, longer);
    high = std::max(high, longer);
  }
  const auto varied = std::ranges::count_if(
      range, [&](const auto& each) { return each.second.second - each.second.first > kSome * extra; });
  // One at a time, or few, are never quick together and always take as long; and those that are slow
  // themselves but hold up nobody never add up.
  if (quick < 2 || varied < 2 || most < kMoreThanOne * extra) return std::nullopt;
  return Stalls{lost / took / requests, took};
}

std::optional<WarmUp> find_warm_up(const Observations& seen) {
  constexpr double kTimes = 2;
  constexpr double kLeast = 0.01;
  constexpr std::size_t kFewest = 4;
  if (seen.alone.size() < kFewest) return std::nullopt;
  std::vector<double> later = in_seconds(seen.alone);
  const double first = later.front();
  later.erase(later.begin());
  const double usual = median_of(later);
  // One that is slow now and then may be the first one.
  const bool alone = *std::ranges::max_element(later) < (first + usual) / 2;
  if (!alone || first < kTimes * usual || first - usual < kLeast) return std::nullopt;
  return WarmUp{first, usual};
}

std::optional<double> find_kept_lag(const Observations& seen) {
  constexpr double kShortest = 0.03;  // the kernel's least is 40 ms (TCP_DELACK_MIN), less what passed before
  if (seen.alone_on_kept.size() < 4 || seen.prompt_on_kept.size() < 2) return std::nullopt;
  const double lag = median_seconds(seen.alone_on_kept) - median_seconds(seen.prompt_on_kept);
  if (lag < kShortest) return std::nullopt;
  return lag;
}

std::vector<Pause> find_pauses(const Observations& seen) {
  constexpr double kTimes = 5;
  constexpr double kLeast = 0.1;
  std::vector<double> latencies;
  for (const Watched& each : seen.watched) latencies.push_back(seconds(each.latency));
  std::vector<Pause> pauses;
  if (latencies.size() < 3) return pauses;
  const double usual = median_of(latencies);
  for (const Watched& each : seen.watched) {
    const double late = seconds(each.latency) - usual;
    if (late < std::max(kLeast, kTimes * usual)) continue;
    // All that were held up by the same pause end with it.
    const Nanos end = each.at + each.latency;
    if (!pauses.empty() && each.at < pauses.back().at + pauses.back().length) {
      pauses.back().length = std::max(pauses.back().length, end - pauses.back().at);
    } else {
      pauses.push_back({each.at, end - each.at});
    }
  }
  return pauses;
}

}  // namespace lab
