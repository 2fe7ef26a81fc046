#include "harness/analysis/other_tools.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/statistics/statistics.hpp"

namespace lab {

namespace {

constexpr std::int64_t kWrkTimeoutUs = 2'000'000;  // SOCKET_TIMEOUT_MS of its src/wrk.h
constexpr double kWrkPercents[] = {50, 75, 90, 99};
constexpr double kHeyPercents[] = {10, 25, 50, 75, 90, 95, 99};
constexpr double kAutocannonPercents[] = {2.5, 50, 97.5, 99};

Nanos to_nanos(double value_s) {
  return std::llround(value_s * 1e9);
}

/// The interval at which wrk expects replies on each of its connections, in microseconds; 0: it corrects
/// nothing.
std::int64_t wrk_interval(std::span<const Answer> answers) {
  if (answers.empty()) return 0;
  std::vector<std::pair<Nanos, int>> changes;  // of how many are under way; at one time ends come first
  for (const Answer& answer : answers) {
    changes.emplace_back(to_nanos(answer.intended_s), 1);
    changes.emplace_back(to_nanos(answer.intended_s) + to_nanos(answer.latency_s), -1);
  }
  std::ranges::sort(changes);
  std::int64_t under_way = 0;
  std::int64_t connections = 1;
  for (const auto& [at, change] : changes) connections = std::max(connections, under_way += change);
  const std::int64_t each = static_cast<std::int64_t>(answers.size()) / connections;
  return (changes.back().first - changes.front().first) / kMicrosecond / std::max<std::int64_t>(each, 1);
}

ReportedLatencies wrk(const std::vector<double>& sorted, std::int64_t interval_us) {
  std::vector<std::int64_t> counted;
  for (const double latency : sorted) {
    const auto us = static_cast<std::int64_t>(latency * 1e6);
    if (us <= kWrkTimeoutUs) counted.push_back(us);
  }
  ReportedLatencies reported;
  reported.counted = static_cast<std::int64_t>(counted.size());
  for (std::size_t i = counted.size(); i-- > 0 && interval_us > 0 && counted[i] >= 2 * interval_us;) {
    for (std::int64_t us = counted[i] - interval_us; us > interval_us; us -= interval_us) {
      counted.push_back(us);
      ++reported.added;
    }
  }
  std::ranges::sort(counted);
  for (const double percent : kWrkPercents) {
    const auto rank =
        static_cast<std::size_t>(std::llround(percent / 100 * static_cast<double>(counted.size()) + 0.5));
    ReportedPercentile& one = reported.percentiles.emplace_back(ReportedPercentile{percent});
    if (rank <= counted.size()) one.latency_s = static_cast<double>(counted[rank - 1]) * 1e-6;
  }
  return reported;
}

ReportedLatencies hey(const std::vector<double>& sorted) {
  ReportedLatencies reported;
  reported.counted = static_cast<std::int64_t>(sorted.size());
  for (const double percent : kHeyPercents) reported.percentiles.push_back({percent});
  std::size_t next = 0;
  for (std::size_t i = 0; i < sorted.size() && next < reported.percentiles.size(); ++i) {
    const std::size_t reached = i * 100 / sorted.size();
    if (static_cast<double>(reached) >= reported.percentiles[next].percent)
      reported.percentiles[next++].latency_s = sorted[i];
  }
  return reported;
}

ReportedLatencies autocannon(const std::vector<double>& sorted, bool paced) {
  std::vector<std::int64_t> ms;  // the histogram's values are whole
  ReportedLatencies reported;
  for (const double latency : sorted) {
    ms.push_back(static_cast<std::int64_t>(latency * 1e3));
    reported.counted += paced ? std::max<std::int64_t>(1, ms.back()) : 1;
  }
  for (const double percent : kAutocannonPercents) {
    const auto rank =
        std::max<std::int64_t>(1, std::llround(percent / 100 * static_cast<double>(reported.counted)));
    // Paced: as many entries of `value` as replies took at least so long, so the sum over all values up to it
    // is the sum of what each reply adds: as many entries as it has milliseconds, at most `value`.
    const auto up_to = [&](std::int64_t value) {
      std::int64_t sum = 0;
      for (const std::int64_t one : ms)
        sum += !paced ? std::int64_t{one <= value} : one == 0 ? 1 : std::min(one, value);
      return sum;
    };
    std::int64_t low = 0;
    std::int64_t high = ms.empty() ? 0 : ms.back();
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      if (up_to(middle) >= rank) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    reported.percentiles.push_back({percent, std::nullopt});
    if (!ms.empty()) reported.percentiles.back().latency_s = static_cast<double>(low) * 1e-3;
  }
  return reported;
}

ReportedLatencies by_nearest_rank(const std::vector<double>& latencies) {
  ReportedLatencies reported;
  reported.counted = static_cast<std::int64_t>(latencies.size());
  for (const double percent : kHeyPercents)
    reported.percentiles.push_back({percent, nearest_rank(latencies, percent / 100)});
  return reported;
}

ReportedLatencies closed_loop(std::span<const Answer> answers) {
  std::vector<double> seen;
  double free = -std::numeric_limits<double>::infinity();
  for (const Answer& answer : answers) {
    if (answer.intended_s < free) continue;
    seen.push_back(answer.latency_s);
    free = answer.intended_s + answer.latency_s;
  }
  return by_nearest_rank(seen);
}

}  // namespace

std::vector<Answer> answers_of(std::span<const RequestRecord> records) {
  Nanos first = std::numeric_limits<Nanos>::max();
  for (const RequestRecord& record : records) {
    if (record.outcome == Outcome::ok) first = std::min(first, record.intended);
  }
  std::vector<Answer> answers;
  for (const RequestRecord& record : records) {
    if (record.outcome == Outcome::ok)
      answers.push_back({seconds(record.intended - first), seconds(record.latency())});
  }
  std::ranges::stable_sort(answers, {}, &Answer::intended_s);
  return answers;
}

EmulatedTools what_others_print(std::span<const Answer> answers, bool paced) {
  std::vector<double> sorted = mapped(answers, &Answer::latency_s);
  std::ranges::sort(sorted);
  return {wrk(sorted, wrk_interval(answers)), hey(sorted), autocannon(sorted, paced), closed_loop(answers),
          by_nearest_rank(sorted)};
}

}  // namespace lab
