#include "harness/diagnosis/burst_fit.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <set>
#include <utility>

namespace lab {

namespace {

constexpr double kMaxError = 0.5;  // of one reply: an outlier is an outlier, however far out
// As shares of the service time. Beyond the last one the server's own work is what is seen.
constexpr double kRough[] = {0, 0.008, 0.04, 0.13, 0.3};
// Of those that all run together, a part of each may run one at a time that is longer than the rest. Beyond
// the last one it looks like one at a time.
constexpr double kSerialParts[] = {0.1, 0.11, 0.15, 0.2, 0.36, 0.43, 0.52, 0.62, 0.75,
                                   0.9, 1,    1.1,  1.3, 1.6,  2,    2.5,  3};
constexpr double kBetween[] = {0.002, 0.004, 0.015, 0.025, 0.06, 0.09, 0.18, 0.24};
constexpr double kWorthRefining = 0.03;
constexpr double kGap = 0.35;  // between two rounds of a pool at least, as a share of the service time

/// The typical burst of each size.
std::vector<Burst> typical_bursts(const Observations& seen) {
  std::map<int, std::vector<const Burst*>> by_size;
  for (const Burst& burst : whole_bursts(seen)) by_size[burst.at_once].push_back(&burst);
  std::vector<Burst> typical;
  for (const auto& [size, bursts] : by_size) {
    Burst& joined = typical.emplace_back();
    joined.at_once = size;
    for (std::size_t rank = 0; rank < static_cast<std::size_t>(size); ++rank) {
      std::vector<double> at;
      for (const Burst* burst : bursts) at.push_back(static_cast<double>(burst->done[rank]));
      joined.done.push_back(static_cast<Nanos>(median_of(at)));
    }
  }
  return typical;
}

using Weighted = std::pair<double, double>;  // a value and its weight

double weighted_median(std::vector<Weighted>& values) {
  std::ranges::sort(values);
  double half = 0;
  for (const auto& [value, weight] : values) half += weight / 2;
  for (const auto& [value, weight] : values) {
    half -= weight;
    if (half <= 0) return value;
  }
  return values.back().first;
}

/// The replies of one burst depend on each other, yet more of them say more.
double weight_of(int at_once) {
  return std::sqrt(static_cast<double>(at_once));
}

/// Mean deviation of a burst's replies from those times, in units of the service time.
double deviation(const Burst& burst, const std::vector<double>& shape, double service_s) {
  double sum = 0;
  for (std::size_t i = 0; i < burst.done.size(); ++i)
    sum += std::min(kMaxError, std::abs(seconds(burst.done[i]) / (service_s * shape[i]) - 1));
  return sum / burst.at_once;
}

/// The same where replies may be written later than they are made, up to the last one: asyncio does that at
/// the end of a turn of its loop, after all handlers ran. None comes before its turn.
double late_deviation(const Burst& burst, const std::vector<double>& shape, double service_s) {
  double early = 0;
  for (std::size_t i = 0; i < burst.done.size(); ++i)
    early += std::max(0.0, 1 - seconds(burst.done[i]) / (service_s * shape[i]));
  const double makespan = burst.makespan_s() / (service_s * shape.back());
  return std::min(kMaxError, std::abs(makespan - 1) + early / burst.at_once);
}

/// Of all bursts, and of the time alone, which counts as a burst of its own: without it, k twice as large and
/// a service twice as long fit large bursts alike.
template <class DeviationOf>
double mean_error(const std::vector<Burst>& typical, double alone, DeviationOf&& deviation_of) {
  double sum = std::min(kMaxError, std::abs(alone - 1));
  double weights = 1;
  for (const Burst& burst : typical) {
    sum += weight_of(burst.at_once) * deviation_of(burst);
    weights += weight_of(burst.at_once);
  }
  return sum / weights;
}

/// The best service time for a shape, and the error that is left; `late` as PoolFit has it.
PoolFit fit_shape(const std::vector<Burst>& typical, double alone_s, int parallelism, double overhead,
                  bool late = false, double ahead = 0) {
  const double alone = 1 + overhead + ahead;
  std::vector<Weighted> ratios{{alone_s / alone, 1}};
  std::vector<std::vector<double>> shapes;
  for (const Burst& burst : typical) {
    std::vector<double>& shape =
        shapes.emplace_back(pool_replies(burst.at_once, parallelism, overhead, ahead));
    for (std::size_t i = late ? burst.done.size() - 1 : 0; i < burst.done.size(); ++i)
      ratios.emplace_back(seconds(burst.done[i]) / shape[i],
                          weight_of(burst.at_once) / (late ? 1 : burst.at_once));
  }
  PoolFit fit{parallelism, weighted_median(ratios)};
  fit.late = late;
  fit.overhead_s = overhead * fit.service_s;
  fit.ahead_s = ahead * fit.service_s;
  auto shape = shapes.begin();
  fit.error = mean_error(typical, alone_s / (alone * fit.service_s), [&](const Burst& burst) {
    return late ? late_deviation(burst, *shape++, fit.service_s) : deviation(burst, *shape++, fit.service_s);
  });
  return fit;
}

double quartile_seconds(std::vector<Nanos> spans, std::size_t quarter) {
  const auto at = spans.begin() + static_cast<std::ptrdiff_t>((spans.size() - 1) * quarter / 4);
  std::nth_element(spans.begin(), at, spans.end());
  return seconds(*at);
}

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
    ++(has_waited(burst, seen) ? trials.waited : trials.ran);
  }
  return pairs;
}

}  // namespace

std::vector<double> in_seconds(const std::vector<Nanos>& spans) {
  std::vector<double> values;
  for (const Nanos span : spans) values.push_back(seconds(span));
  return values;
}

double median_seconds(const std::vector<Nanos>& spans) {
  return median_of(in_seconds(spans));
}

std::vector<std::reference_wrapper<const Burst>> whole_bursts(const Observations& seen) {
  std::vector<std::reference_wrapper<const Burst>> whole;
  for (const Burst& burst : seen.bursts) {
    if (!burst.done.empty()) whole.emplace_back(burst);
  }
  return whole;
}

std::map<int, std::vector<double>> makespans_by_size(const Observations& seen) {
  std::map<int, std::vector<double>> makespans;
  for (const Burst& burst : whole_bursts(seen)) makespans[burst.at_once].push_back(burst.makespan_s());
  return makespans;
}

double alone_seconds(const Observations& seen) {
  return quartile_seconds(seen.alone, 1);
}

double slow_alone_seconds(const Observations& seen) {
  return quartile_seconds(seen.alone, 3);
}

std::vector<double> pool_replies(int at_once, int parallelism, double overhead, double ahead) {
  std::vector<double> at;
  for (int i = 0; i < at_once; ++i) {
    const double freed = i >= parallelism ? at[static_cast<std::size_t>(i - parallelism)] : 0;
    at.push_back(std::max(freed, overhead * (i + 1)) + 1);
  }
  for (double& each : at) each += ahead;
  return at;
}

double weight_of_bursts(const Observations& seen) {
  double sum = 1;  // of the time alone
  for (const auto& [at_once, makespans] : makespans_by_size(seen)) sum += weight_of(at_once);
  return sum;
}

std::vector<PoolFit> fit_pools(const Observations& seen) {
  const std::vector<Burst> typical = typical_bursts(seen);
  std::vector<PoolFit> fits;
  if (typical.empty()) return fits;
  const double alone_s = alone_seconds(seen);
  const int largest = typical.back().at_once;
  const auto improve = [&](PoolFit& best, double overhead) {
    PoolFit fit = fit_shape(typical, alone_s, best.parallelism, overhead);
    if (fit.error < best.error) best = fit;
    if (best.parallelism < largest) return;
    fit = fit_shape(typical, alone_s, largest, overhead, true);
    if (fit.error < best.error) best = fit;
  };
  double least = 1;
  for (int parallelism = 1; parallelism <= largest; ++parallelism) {
    PoolFit& best = fits.emplace_back();
    best.parallelism = parallelism;
    for (const double overhead : kRough) {
      improve(best, overhead);
      if (parallelism == 1) break;  // one at a time: overhead is service
    }
    if (parallelism == largest && largest > 1) {
      for (const double overhead : kSerialParts) improve(best, overhead);
    }
    least = std::min(least, best.error);
  }
  for (PoolFit& fit : fits) {
    if (fit.parallelism == 1 || fit.error > least + kWorthRefining) continue;
    for (const double overhead : kBetween) improve(fit, overhead);
  }
  return fits;
}

PoolFit fit_staged(const Observations& seen) {
  // In units of what is spent in the pool. Beyond the last one the rounds are hard to see.
  constexpr double kAhead[] = {0.25, 0.4, 0.6, 0.9, 1.4, 2};
  constexpr double kFiner[] = {0.8, 0.9, 1, 1.1, 1.2};
  constexpr double kOverhead[] = {0, 0.004, 0.008, 0.015, 0.025};
  const std::vector<Burst> typical = typical_bursts(seen);
  PoolFit best;
  if (typical.empty()) return best;
  const double alone_s = alone_seconds(seen);
  double rough = 0;
  const auto improve = [&](int parallelism, double overhead, double ahead) {
    const PoolFit fit = fit_shape(typical, alone_s, parallelism, overhead, false, ahead);
    if (fit.error >= best.error) return;
    best = fit;
    rough = ahead;
  };
  // Where the bursts agree how many are in the first round, so many it is.
  const int agreed = first_rounds(seen, alone_s).usual;
  const int largest = typical.back().at_once;
  for (int parallelism = std::max(2, agreed); parallelism < (agreed > 1 ? agreed + 1 : largest);
       ++parallelism) {
    for (const double ahead : kAhead) improve(parallelism, 0, ahead);
  }
  const double ahead = rough;
  for (const double finer : kFiner) {
    for (const double overhead : kOverhead) improve(best.parallelism, overhead, ahead * finer);
  }
  return best;
}

bool varies(const Observations& seen) {
  constexpr std::size_t kFewest = 10;
  constexpr double kSpread = 0.3;  // between the quartiles, as a share of the median
  if (seen.alone.size() < kFewest || computes_alone(seen)) return false;
  return slow_alone_seconds(seen) - alone_seconds(seen) > kSpread * median_seconds(seen.alone);
}

std::vector<double> varied_replies(const Observations& seen, int at_once, const PoolFit& fit) {
  constexpr std::size_t kDraws = 24, kApart = 7;
  std::vector<double> mean(static_cast<std::size_t>(at_once));
  for (std::size_t draw = 0; draw < kDraws; ++draw) {
    std::vector<double> took, free(static_cast<std::size_t>(fit.parallelism));  // a heap
    for (std::size_t i = 0; i < mean.size(); ++i)
      took.push_back(seconds(seen.alone[1 + (draw * kApart + i) % (seen.alone.size() - 1)]));
    if (fit.parallelism < at_once) {
      for (double& each : took) {
        std::ranges::pop_heap(free, std::greater<>());
        each = free.back() += each;
        std::ranges::push_heap(free, std::greater<>());
      }
    }
    std::ranges::sort(took);
    // What runs one at a time of each comes last.
    double before = 0;
    for (std::size_t i = 0; i < mean.size(); ++i)
      mean[i] += (before = std::max(took[i], before + fit.overhead_s)) / kDraws;
  }
  return mean;
}

double varied_deviation(const Observations& seen, const Burst& burst, const PoolFit& fit) {
  std::vector<double> due = varied_replies(seen, burst.at_once, fit);
  const double in_order = deviation(burst, due, 1);
  if (fit.parallelism > 1) return in_order;
  std::ranges::fill(due, due.back());  // a loop may write them all at its end
  return std::min(in_order, deviation(burst, due, 1));
}

std::vector<PoolFit> fit_varied(const Observations& seen) {
  const std::vector<Burst> typical = typical_bursts(seen);
  const std::vector<double> alone = in_seconds({seen.alone.begin() + 1, seen.alone.end()});
  const double mean = std::accumulate(alone.begin(), alone.end(), 0.0) / static_cast<double>(alone.size());
  std::vector<PoolFit> fits;
  const auto fit = [&](int parallelism, double overhead) {
    PoolFit tried{parallelism, mean, overhead * mean};
    tried.error =
        mean_error(typical, 1, [&](const Burst& burst) { return varied_deviation(seen, burst, tried); });
    if (tried.error < fits.back().error) fits.back() = tried;
  };
  const int largest = typical.back().at_once;
  for (int parallelism = 1; parallelism <= largest; ++parallelism) {
    fits.push_back({parallelism, mean});
    for (const double overhead : {0.0, 0.01, 0.03}) fit(parallelism, overhead);
  }
  constexpr double kMostOfIt = 0.8;  // beyond that it looks like one at a time
  fits.push_back({largest, mean});
  for (const double overhead : kSerialParts) {
    if (overhead < kMostOfIt) fit(largest, overhead);
  }
  const double rough = fits.back().overhead_s / mean;
  for (const double finer : {0.85, 0.92, 1.08, 1.16}) fit(largest, rough * finer);
  return fits;
}

bool evenly_spaced(const Observations& seen, double apart_s) {
  constexpr int kMany = 16;
  constexpr double kFew = 0.15, kHalf = 0.5;
  double pauses = 0, shorter = 0;
  for (const Burst& burst : whole_bursts(seen)) {
    for (std::size_t i = 1; i < burst.done.size() && burst.at_once >= kMany; ++i) {
      ++pauses;
      shorter += seconds(burst.done[i] - burst.done[i - 1]) < kHalf * apart_s;
    }
  }
  return pauses > 0 && shorter < kFew * pauses;
}

double serial_deviation(const Burst& burst, double service_s) {
  std::vector<double> turns(burst.done.size());
  std::iota(turns.begin(), turns.end(), 1);
  return late_deviation(burst, turns, service_s);
}

PoolFit fit_serial(const Observations& seen) {
  const double alone_s = alone_seconds(seen);
  const std::vector<Burst> typical = typical_bursts(seen);
  std::vector<Weighted> ratios{{alone_s, 1}};
  for (const Burst& burst : typical)
    ratios.emplace_back(burst.makespan_s() / burst.at_once, weight_of(burst.at_once));
  PoolFit fit{1, weighted_median(ratios)};
  fit.error = mean_error(typical, alone_s / fit.service_s,
                         [&](const Burst& burst) { return serial_deviation(burst, fit.service_s); });
  return fit;
}

bool has_rounds(const Observations& seen, int parallelism, double service_s) {
  int rounds = 0, reported = 0;
  for (const Burst& burst : whole_bursts(seen)) {
    if (burst.at_once <= parallelism) continue;
    ++reported;
    const auto low = static_cast<std::size_t>(std::max(1, parallelism * 4 / 5));
    const auto high = static_cast<std::size_t>(std::min(burst.at_once - 1, parallelism * 5 / 4 + 1));
    for (std::size_t i = low; i <= high; ++i) {
      if (seconds(burst.done[i] - burst.done[i - 1]) < kGap * service_s) continue;
      ++rounds;
      break;
    }
  }
  return 2 * rounds >= reported && reported > 0;
}

int first_round(const Burst& burst, double service_s) {
  constexpr double kFirst = 2;  // the first round ends before that
  constexpr double kClear = 2;  // so many times longer than any between the replies before it
  double longest = 0;
  for (std::size_t i = 1; i < burst.done.size(); ++i) {
    const double before = seconds(burst.done[i - 1]);
    if (before > kFirst * service_s) return 0;
    const double pause = seconds(burst.done[i]) - before;
    if (pause >= kGap * service_s) return pause > kClear * longest ? static_cast<int>(i) : 0;
    longest = std::max(longest, pause);
  }
  return burst.done.empty() || burst.makespan_s() > kFirst * service_s ? 0 : burst.at_once;
}

FirstRounds first_rounds(const Observations& seen, double service_s) {
  std::map<int, int> times;
  FirstRounds rounds;
  for (const Burst& burst : seen.bursts) {
    const int round = first_round(burst, service_s);
    if (round == 0 || round == burst.at_once) continue;
    ++rounds.reported;
    ++times[round];
  }
  for (const auto& [round, count] : times) {
    if (2 * count < rounds.reported) continue;
    rounds.usual = round;
    const auto larger = std::ranges::count_if(
        whole_bursts(seen), [usual = round](const Burst& burst) { return burst.at_once > usual; });
    rounds.sure = round > 1 && count > 1 && 2 * count > larger;
  }
  return rounds;
}

double deviation(const Burst& burst, const PoolFit& fit) {
  const std::vector<double> shape = pool_replies(burst.at_once, fit.parallelism,
                                                 fit.overhead_s / fit.service_s, fit.ahead_s / fit.service_s);
  return fit.late ? late_deviation(burst, shape, fit.service_s) : deviation(burst, shape, fit.service_s);
}

SharingFit fit_sharing(const Observations& seen, double alone_s) {
  constexpr int kFewest = 4, kMost = 16;  // fewer finish together by chance, more than a pool takes at once
  constexpr double kLateFirst = 1.6;      // first come, first served answers the first one in its own time
  constexpr double kSeveral = 1.45;
  // Threads that wait for an interpreter lock look for it every 5 ms: many of them are more than one.
  constexpr double kSeveralThreads = 1.7;
  constexpr int kFewThreads = 8;
  // On a busy machine each look at the lock waits for a core as well, so many seem to run together. Two of
  // them do not: they look too seldom.
  constexpr double kTwoTogether = 1.5, kMoreThanTwo = 2.2;
  double two = 0, most = 0;
  std::vector<double> firsts, speeds, wanted;
  for (const Burst& burst : whole_bursts(seen)) {
    if (burst.at_once == 2) two = std::max(two, burst.runnable.value_or(0));
    most = std::max(most, burst.runnable.value_or(0));
    if (burst.at_once < kFewest) continue;
    if (burst.runnable && burst.at_once <= kFewThreads) wanted.push_back(*burst.runnable);
    if (burst.at_once > kMost) continue;
    firsts.push_back(seconds(burst.done.front()) / alone_s);
    speeds.push_back(burst.at_once * alone_s / burst.makespan_s());
  }
  if (!wanted.empty()) {
    const double several = median_of(wanted);
    const bool in_turns = two > 0 && two < kTwoTogether && most > kMoreThanTwo;
    return {several > kSeveralThreads && !in_turns, several, true};
  }
  if (firsts.empty()) return {};
  const double speed = median_of(speeds);
  return {median_of(firsts) > kLateFirst && speed > kSeveral, speed, false};
}

bool waits_for_cores(const Observations& seen) {
  constexpr double kLittle = 0.12;
  return seen.cpu_share && *seen.cpu_share * seen.used_share < kLittle;
}

bool computes_alone(const Observations& seen) {
  constexpr double kMost = 0.4;  // not more: on a busy machine it may have been moved about
  return seen.cpu_share && *seen.cpu_share > kMost && !waits_for_cores(seen);
}

bool has_waited(const KeptBurst& burst, const Observations& seen) {
  constexpr double kWanted = 0.75;
  if (computes_alone(seen) && burst.runnable)
    return *burst.runnable < kWanted * static_cast<double>(burst.connections.size());
  return seconds(*std::ranges::max_element(burst.done)) > kWaited * alone_seconds(seen);
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
  constexpr double kMaxRounds = 4.5;
  constexpr double kNoneNear = 0.1;
  double sum = 0;
  int reported = 0;
  for (const Nanos at : burst.done) {
    const double rounds = seconds(at) / service_s;
    if (rounds > kMaxRounds) continue;
    sum += 2 * std::abs(rounds - std::max(1.0, std::round(rounds)));
    ++reported;
  }
  return reported == 0 ? kNoneNear : sum / reported;
}

std::optional<bool> dealt_evenly(const Observations& seen, int workers, double service_s) {
  int even = 0, reported = 0;
  for (const Burst& burst : whole_bursts(seen)) {
    if (burst.at_once < 2) continue;
    const double rounds = std::ceil(static_cast<double>(burst.at_once) / workers);
    if (rounds == burst.at_once) continue;
    ++reported;
    if (burst.makespan_s() < (rounds + 0.5) * 1.03 * service_s) ++even;
  }
  if (reported == 0) return std::nullopt;
  return 5 * even >= 4 * reported;
}

}  // namespace lab
