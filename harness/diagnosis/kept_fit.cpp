#include "harness/diagnosis/kept_fit.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "harness/diagnosis/burst_fit.hpp"

namespace lab {

namespace {

// One pair in so many is delayed, or spared, by something else on the machine.
constexpr double kChance = 0.06;

struct Trials {
  int waited = 0, ran = 0;
  bool mostly_waited() const { return waited > ran; }
};

using Pairs = std::map<std::pair<std::uint32_t, std::uint32_t>, Trials>;

Pairs pairs_of(const Observations& seen) {
  Pairs pairs;
  for (const KeptBurst& burst : seen.kept) {
    if (burst.connections.size() != 2) continue;
    const auto [a, b] = std::minmax(burst.connections[0], burst.connections[1]);
    Trials& trials = pairs[{a, b}];
    const bool waited = has_waited(burst, seen);
    ++(waited ? trials.waited : trials.ran);
  }
  return pairs;
}

}  // namespace

bool computes_alone(const Observations& seen) {
  constexpr double kMost = 0.4;  // not more: on a busy machine it may have been moved about
  return seen.cpu_share && *seen.cpu_share > kMost;
}

bool has_waited(const KeptBurst& burst, const Observations& seen) {
  constexpr double kWanted = 0.75;
  if (computes_alone(seen) && burst.runnable)
    return *burst.runnable < kWanted * static_cast<double>(burst.connections.size());
  return seconds(*std::max_element(burst.done.begin(), burst.done.end())) > kWaited * alone_seconds(seen);
}

PairLikelihood weigh_pairs(const Observations& seen) {
  PairLikelihood weighed;
  const auto log_of = [](int rare, int usual) {
    return rare * std::log(kChance) + usual * std::log(1 - kChance);
  };
  for (const auto& [pair, trials] : pairs_of(seen)) {
    ++weighed.pairs;
    if (trials.mostly_waited()) ++weighed.waiting;
    const double never = log_of(trials.waited, trials.ran);
    const double always = log_of(trials.ran, trials.waited);
    weighed.pool += never;
    weighed.serial += always;
    weighed.workers += std::log((std::exp(never) + std::exp(always)) / 2);
  }
  return weighed;
}

int count_workers(const Observations& seen) {
  const Pairs pairs = pairs_of(seen);
  std::map<std::uint32_t, std::uint32_t> leader;  // the first connection that is with the same worker
  for (const auto& [pair, trials] : pairs) {
    leader.try_emplace(pair.first, pair.first);
    leader.try_emplace(pair.second, pair.second);
  }
  for (const KeptBurst& burst : seen.kept) {
    for (const std::uint32_t connection : burst.connections) leader.try_emplace(connection, connection);
  }
  for (const auto& [pair, trials] : pairs) {
    if (!trials.mostly_waited()) continue;
    const std::uint32_t from = leader[pair.second];
    const std::uint32_t to = leader[pair.first];
    for (auto& [connection, of] : leader) {
      if (of == from) of = to;
    }
  }
  std::set<std::uint32_t> groups;
  for (const auto& [connection, of] : leader) groups.insert(of);
  return static_cast<int>(groups.size());
}

double grid_deviation(const Burst& burst, double service_s) {
  // Later rounds carry the errors of all before them, until any time is near to some multiple.
  constexpr double kTelling = 4.5;
  constexpr double kUntold = 0.1;
  double sum = 0;
  int reported = 0;
  for (const Nanos at : burst.done) {
    const double rounds = seconds(at) / service_s;
    if (rounds > kTelling) continue;
    sum += 2 * std::abs(rounds - std::max(1.0, std::round(rounds)));
    ++reported;
  }
  return reported == 0 ? kUntold : sum / reported;
}

std::optional<bool> dealt_evenly(const Observations& seen, int workers, double service_s) {
  int even = 0, reported = 0;
  for (const Burst& burst : whole_bursts(seen)) {
    if (burst.at_once < 2) continue;
    const double rounds = std::ceil(static_cast<double>(burst.at_once) / workers);
    if (rounds == burst.at_once) continue;
    ++reported;
    if (seconds(burst.done.back()) < (rounds + 0.5) * 1.03 * service_s) ++even;
  }
  if (reported == 0) return std::nullopt;
  return 5 * even >= 4 * reported;
}

}  // namespace lab
