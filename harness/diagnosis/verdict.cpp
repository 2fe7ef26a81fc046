#include "harness/diagnosis/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "harness/diagnosis/burst_fit.hpp"
#include "harness/diagnosis/kept_fit.hpp"

namespace lab {

namespace {

constexpr double kTooFastSeconds =
    0.0005;                             // below that it is the server's and this side's own work that is seen
constexpr double kFastSeconds = 0.002;  // below that only a clear picture counts
constexpr double kFits = 0.2;           // mean deviation of a burst that fits
constexpr double kFitsGrid = 0.3;       // of one that fits workers, 0.5 being chance
constexpr double kGood = 0.25;          // of all of them
constexpr double kSure = 0.6;           // what is less likely is not said

struct Candidate {
  Execution execution = Execution::unknown;
  double error = 1;  ///< of the bursts
  double pairs = 0;  ///< log likelihood of the pairs
};

BoundBy bound_by(const Observations& seen) {
  constexpr double kWaits = 0.25;
  if (computes_alone(seen)) return BoundBy::cpu;
  return seen.cpu_share && *seen.cpu_share < kWaits ? BoundBy::waiting : BoundBy::unknown;
}

PoolFit best_between(const std::vector<PoolFit>& fits, int low, int high) {
  PoolFit best;
  for (const PoolFit& fit : fits) {
    if (fit.parallelism >= low && fit.parallelism <= high && fit.error < best.error) best = fit;
  }
  return best;
}

/// The largest of what the candidates leave to one another, as probabilities that add up to one.
///
/// The deviation of the bursts from a candidate is taken as Laplacian, a burst of n as the root of n
/// independent observations, its scale that of the best candidate but at least 4 %, so that a quiet machine
/// does not make it surer than such deviations allow. Pairs on kept connections have their own likelihoods
/// (kept_fit.hpp). Equal odds beforehand.
std::vector<double> probabilities(const std::vector<Candidate>& candidates, double weight) {
  double scale = 1;
  for (const Candidate& each : candidates) scale = std::min(scale, each.error);
  scale = std::max(scale, 0.04);
  std::vector<double> logs;
  for (const Candidate& each : candidates) logs.push_back(each.pairs - weight * each.error / scale);
  const double most = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (double& log : logs) sum += log = std::exp(log - most);
  for (double& log : logs) log /= sum;
  return logs;
}

std::vector<const Burst*> whole(const Observations& seen) {
  std::vector<const Burst*> bursts;
  for (const Burst& burst : seen.bursts) {
    if (!burst.done.empty()) bursts.push_back(&burst);
  }
  return bursts;
}

/// How well the bursts fit workers, one request each at a time, whose connections were dealt in some way: as
/// well as they fit a pool where the dealing was even. The pool is the simpler explanation, unless pairs
/// speak against it.
Candidate workers(const std::vector<const Burst*>& bursts, const PairLikelihood& pairs, double pool_error,
                  double alone_s) {
  // Without a pair that waited there would have to be more workers than connections were kept.
  constexpr double kWithPairs = -1, kWithoutPairs = -4, kNoneWaited = -6;
  std::vector<double> errors, largest;
  int most = 0;
  for (const Burst* burst : bursts) most = std::max(most, burst->at_once);
  for (const Burst* burst : bursts) {
    errors.push_back(grid_deviation(*burst, alone_s));
    if (burst->at_once == most) largest.push_back(seconds(burst->done.back()));
  }
  // As many workers as requests: no.
  if (median_of(largest) < kWaited * alone_s) return {Execution::workers, 1, kWithoutPairs};
  // Nothing ever ran beside anything else: a disturbed machine makes one by one take longer, never shorter.
  constexpr double kSideBySide = 0.85;
  const bool overlapped = std::any_of(bursts.begin(), bursts.end(), [&](const Burst* burst) {
    return burst->at_once >= 4 && seconds(burst->done.back()) < kSideBySide * burst->at_once * alone_s;
  });
  if (!overlapped && pairs.waiting == pairs.pairs) return {Execution::workers, 1, kWithoutPairs};
  return {Execution::workers, std::min(median_of(errors), pool_error),
          pairs.workers + (pairs.pairs == 0     ? kWithoutPairs
                           : pairs.waiting == 0 ? kNoneWaited
                                                : kWithPairs)};
}

/// A pool that is almost as large as the largest burst and none at all differ by a few late replies; and none
/// without rounds is a pool.
PoolFit best_pool(const Observations& seen, const std::vector<PoolFit>& fits, double alone_s) {
  constexpr double kClearlyBetter = 0.01;
  const int largest = fits.back().parallelism;
  PoolFit pool = best_between(fits, 2, largest - 1);
  if (pool.error + kClearlyBetter >= fits.back().error) pool = best_between(fits, 2, largest * 9 / 10);
  if (!has_rounds(seen, pool.parallelism, alone_s)) pool.error = 1;
  return pool;
}

/// What may be told at all; otherwise the reason why not.
std::string obstacle(const Observations& seen) {
  if (seen.alone.empty()) return "the request got no reply";
  if (seen.interrupted) return "it was interrupted";
  const double alone_s = alone_seconds(seen);
  if (alone_s < kTooFastSeconds) {
    return fmt::format(
        "a request takes {:.2f} ms: too fast to tell from the work of sending it; take a "
        "slower route",
        alone_s * 1e3);
  }
  int largest = 0;
  for (const Burst* burst : whole(seen)) largest = std::max(largest, burst->at_once);
  if (largest >= 4) return "";
  if (seen.overflowed_at > 0)
    return fmt::format("its backlog overflowed at {}: listen for more connections", seen.overflowed_at);
  if (!seen.failures.empty()) return "requests failed";
  return fmt::format("a request takes {:.2g} s: too slow for the time; give a larger --budget and --timeout",
                     alone_s);
}

/// Those that compute at the same time: as many as want a core, or as there are cores.
void conclude_computing(const Observations& seen, const SharingFit& sharing, double alone_s,
                        Diagnosis& verdict) {
  const int wanted = std::max(1, static_cast<int>(std::lround(sharing.parallelism)));
  verdict.shared = sharing.shared;
  verdict.parallelism = sharing.shared ? std::max(2, wanted) : 1;
  if (sharing.counted && seen.cores > 0) verdict.parallelism = std::min(verdict.parallelism, seen.cores);
  verdict.service_s = alone_s;
  for (const Burst* burst : whole(seen)) {
    const double expected = expected_makespan(verdict, burst->at_once);
    const bool as_expected = std::abs(seconds(burst->done.back()) / expected - 1) < 0.35;
    const bool several = burst->runnable && *burst->runnable > 1.3;
    // Threads that wait for a lock look like several on a busy machine, yet take the time of one by one.
    verdict.fitting +=
        burst->runnable ? several == sharing.shared || (!sharing.shared && as_expected) : as_expected;
  }
}

void find_residual(const Observations& seen, Diagnosis& verdict) {
  if (verdict.service_s == 0) return;
  std::vector<double> residuals;
  for (const Burst* burst : whole(seen))
    residuals.push_back(std::abs(seconds(burst->done.back()) - expected_makespan(verdict, burst->at_once)));
  if (!residuals.empty()) verdict.residual_s = median_of(residuals);
}

/// With Jeffreys' estimate of how many of all bursts would fit: eight of eight are not yet all of them.
double share_that_fits(const Diagnosis& verdict) {
  return (verdict.fitting + 0.5) / (verdict.bursts + 1.0);
}

/// Several workers, each with a pool of its own, as large together as the most that ran together.
Diagnosis uneven_pool(const Observations& seen, const PoolFit& pool, double odds) {
  Diagnosis verdict;
  verdict.execution = Execution::pool;
  verdict.bound_by = bound_by(seen);
  verdict.balanced = false;
  verdict.service_s = pool.service_s;
  verdict.overhead_s = pool.overhead_s;
  verdict.parallelism = pool.parallelism;
  for (const Burst* burst : whole(seen)) {
    ++verdict.bursts;
    PoolFit all = pool;
    all.parallelism = burst->at_once;
    verdict.fitting += std::min(deviation(*burst, pool), deviation(*burst, all)) < kFits;
    if (deviation(*burst, all) < kFits) verdict.parallelism = std::max(verdict.parallelism, burst->at_once);
  }
  verdict.confidence = odds * share_that_fits(verdict);
  return verdict;
}

Diagnosis weigh(const Observations& seen) {
  Diagnosis verdict;
  verdict.reason = obstacle(seen);
  if (!verdict.reason.empty()) return verdict;
  const double alone_s = alone_seconds(seen);
  const auto bursts = whole(seen);
  verdict.bursts = static_cast<int>(bursts.size());
  const std::vector<PoolFit> fits = fit_pools(seen);
  const PairLikelihood pairs = weigh_pairs(seen);
  const SharingFit sharing = fit_sharing(seen, alone_s);
  // Computing is told by how many threads want a core, so that a busy machine does not hide it.
  const bool counted = computes_alone(seen) && sharing.counted;
  const bool shared = counted ? sharing.shared : sharing.shared && computes_alone(seen);
  const PoolFit serial = fit_serial(seen);
  const PoolFit pool = best_pool(seen, fits, alone_s);
  const PoolFit all = fits.back();

  std::vector<Candidate> candidates;
  if (counted || shared) {
    candidates = {{shared ? Execution::pool : Execution::serial, 0, shared ? pairs.pool : 0},
                  {Execution::workers, 0,
                   shared && pairs.waiting > 0 && pairs.waiting < pairs.pairs ? pairs.workers : -10}};
  } else {
    candidates = {{Execution::serial, serial.error, pairs.serial},
                  {Execution::pool, pool.error, pairs.pool},
                  {Execution::concurrent, all.error, pairs.pool},
                  workers(bursts, pairs, std::min(pool.error, serial.error), alone_s)};
  }
  const std::vector<double> odds = probabilities(candidates, weight_of_bursts(seen));
  const auto best = static_cast<std::size_t>(std::max_element(odds.begin(), odds.end()) - odds.begin());
  const Candidate& winner = candidates[best];
  const double odds_of_winner = odds[best];
  // Bursts of one size that sometimes wait and sometimes do not: a pool that is not the same for all of them.
  if (odds.size() > 2 && odds_of_winner < kSure && odds[1] + odds[2] > 0.9 && pool.error < kGood)
    return uneven_pool(seen, pool, odds[1] + odds[2]);
  verdict.execution = winner.execution;
  verdict.bound_by = bound_by(seen);
  if (winner.execution == Execution::workers) {
    verdict.parallelism = std::max(2, count_workers(seen));
    verdict.service_s = alone_s;
    verdict.balanced = dealt_evenly(seen, verdict.parallelism, alone_s);
    for (const Burst* burst : bursts)
      verdict.fitting += shared || grid_deviation(*burst, alone_s) < kFitsGrid;
  } else if (counted || shared) {
    conclude_computing(seen, sharing, alone_s, verdict);
  } else {
    const PoolFit fit = winner.execution == Execution::serial ? serial
                        : winner.execution == Execution::pool ? pool
                                                              : all;
    verdict.parallelism = fit.parallelism;
    verdict.service_s = fit.service_s;
    verdict.overhead_s = fit.overhead_s;
    for (const Burst* burst : bursts) {
      const bool one = winner.execution == Execution::serial;
      verdict.fitting += (one ? serial_deviation(*burst, fit.service_s) : deviation(*burst, fit)) < kFits;
    }
  }
  verdict.confidence = odds_of_winner * share_that_fits(verdict);
  if (winner.error > kGood) {
    verdict.reason = "the bursts fit no way of executing that is known here";
  } else if (verdict.confidence < kSure) {
    verdict.reason = "what was seen fits several ways of executing, or too little of it fits one";
  } else if (alone_s < kFastSeconds && (verdict.confidence < 0.9 || winner.error > 0.1)) {
    verdict.reason = fmt::format(
        "a request takes {:.1f} ms: too fast for a clear picture; take a slower route", alone_s * 1e3);
  }
  return verdict;
}

}  // namespace

std::string_view to_string(Execution execution) {
  constexpr std::array<std::string_view, 5> kNames{"unknown", "serial", "pool", "workers", "concurrent"};
  return kNames[static_cast<std::size_t>(execution)];
}

std::string_view to_string(BoundBy bound_by) {
  constexpr std::array<std::string_view, 3> kNames{"unknown", "waiting", "cpu"};
  return kNames[static_cast<std::size_t>(bound_by)];
}

double expected_makespan(const Diagnosis& verdict, int at_once) {
  if (verdict.parallelism == 0) return 0;
  if (verdict.shared)
    return std::max(1.0, static_cast<double>(at_once) / verdict.parallelism) * verdict.service_s;
  return pool_replies(at_once, verdict.parallelism, verdict.overhead_s / verdict.service_s).back() *
         verdict.service_s;
}

Diagnosis conclude(const Observations& seen) {
  Diagnosis verdict = weigh(seen);
  if (!verdict.reason.empty()) {
    verdict.execution = Execution::unknown;
    verdict.parallelism = 0;
    verdict.balanced.reset();
    verdict.shared = false;
  }
  find_residual(seen, verdict);
  verdict.loop_blocked = is_loop_blocked(seen, verdict);
  // Workers that take one request each and close: no connection tells them from a pool, their number does,
  // with or without a master beside them.
  const int others = seen.processes - verdict.parallelism;
  if (verdict.execution == Execution::pool && seen.closes && verdict.parallelism > 1 &&
      (others == 0 || others == 1)) {
    verdict.execution = Execution::workers;
    verdict.balanced = true;
  }
  verdict.unsure = doubts(seen, verdict);
  return verdict;
}

}  // namespace lab
