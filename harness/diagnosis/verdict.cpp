#include "harness/diagnosis/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "harness/diagnosis/burst_fit.hpp"

namespace lab {

namespace {

constexpr double kTooFastSeconds =
    0.0005;                             // below that it is the server's and this side's own work that is seen
constexpr double kFastSeconds = 0.002;  // below that only a clear picture counts
constexpr double kFits = 0.2;           // mean deviation of a burst that fits
constexpr double kFitsGrid = 0.3;       // of one that fits workers, 0.5 being chance
constexpr double kGood = 0.25;          // of all of them
constexpr double kOwnWork = 0.003;      // seconds that a request costs any server on its only loop or lock
constexpr double kSure = 0.6;           // what is less likely is not said

struct Candidate {
  Execution execution = Execution::unknown;
  double error = 1;  ///< of the bursts
  double pairs = 0;  ///< log likelihood of the pairs
  PoolFit fit{};
};

BoundBy bound_by(const Observations& seen) {
  constexpr double kWaits = 0.25;
  if (computes_alone(seen)) return BoundBy::cpu;
  const bool waits = seen.cpu_share && (*seen.cpu_share < kWaits || waits_for_cores(seen));
  return waits ? BoundBy::waiting : BoundBy::unknown;
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
/// (burst_fit.hpp). Equal odds beforehand.
std::vector<double> probabilities(const std::vector<Candidate>& candidates, double weight) {
  double scale = 1;
  for (const Candidate& each : candidates) scale = std::min(scale, each.error);
  scale = std::max(scale, 0.04);
  std::vector<double> logs;
  for (const Candidate& each : candidates) logs.push_back(each.pairs - weight * each.error / scale);
  const double most = *std::ranges::max_element(logs);
  double sum = 0;
  for (double& log : logs) sum += log = std::exp(log - most);
  for (double& log : logs) log /= sum;
  return logs;
}

/// How many bursts there are, and for how many `fits` says that they are as the verdict says.
template <class Fits>
void count_fitting(const Observations& seen, Diagnosis& verdict, Fits&& fits) {
  for (const Burst& burst : whole_bursts(seen)) {
    ++verdict.bursts;
    verdict.fitting += fits(burst);
  }
}

/// The most at once that were all answered; 0: none.
int largest_whole(const Observations& seen) {
  int largest = 0;
  for (const Burst& burst : whole_bursts(seen)) largest = std::max(largest, burst.at_once);
  return largest;
}

/// How well the bursts fit workers, one request each at a time, whose connections were dealt in some way: as
/// well as they fit a pool where the dealing was even. The pool is the simpler explanation, unless pairs
/// speak against it.
Candidate workers(const Observations& seen, const PairLikelihood& pairs, double pool_error, double alone_s) {
  constexpr double kWithPairs = -1, kWithoutPairs = -4;
  std::vector<double> errors, largest;
  const int most = largest_whole(seen);
  const auto bursts = whole_bursts(seen);
  for (const Burst& burst : bursts) {
    errors.push_back(grid_deviation(burst, alone_s));
    if (burst.at_once == most) largest.push_back(burst.makespan_s());
  }
  // Without a pair that waited there would have to be more workers than connections were kept.
  const bool none_waited = pairs.pairs > 0 && pairs.waiting == 0;
  const bool as_many_as_requests = median_of(largest) < kWaited * alone_s;
  // Nothing ever ran beside anything else: a disturbed machine makes one by one take longer, never shorter.
  constexpr double kSideBySide = 0.85;
  const bool overlapped = std::ranges::any_of(bursts, [&](const Burst& burst) {
    return burst.at_once >= 4 && burst.makespan_s() < kSideBySide * burst.at_once * alone_s;
  });
  if (none_waited || as_many_as_requests || (!overlapped && pairs.waiting == pairs.pairs))
    return {Execution::workers, 1, kWithoutPairs};
  return {Execution::workers, std::min(median_of(errors), pool_error),
          pairs.workers + (pairs.pairs == 0 ? kWithoutPairs : kWithPairs)};
}

/// A busy machine, and the server's own work, make bursts slower, so that their fit may say more than one
/// alone takes.
Diagnosis of_fit(const Observations& seen, Execution execution, const PoolFit& fit) {
  constexpr double kAlone = 1.05;
  const double alone_s = alone_seconds(seen);
  Diagnosis verdict;
  verdict.execution = execution;
  verdict.bound_by = bound_by(seen);
  verdict.parallelism = fit.parallelism;
  verdict.service_s = fit.service_s > kAlone * alone_s ? alone_s : fit.service_s;
  verdict.overhead_s = fit.overhead_s;
  verdict.ahead_s = fit.ahead_s;
  return verdict;
}

/// A pool that is almost as large as the largest burst and none at all differ by a few late replies; and none
/// without rounds is a pool. Where most bursts agree how many are in the first round, so many it is.
PoolFit best_pool(const Observations& seen, std::vector<PoolFit> fits, double alone_s) {
  constexpr double kClearlyBetter = 0.01, kAsGood = 0.05;
  const int largest = fits.back().parallelism;
  const double error_of_all = fits.back().error;
  const FirstRounds rounds = first_rounds(seen, alone_s);
  const int agreed = rounds.usual;
  std::erase_if(fits, [&](const PoolFit& fit) {
    if (fit.parallelism < 2 || fit.parallelism >= largest) return false;
    const bool too_large = rounds.sure && fit.parallelism > agreed;
    return too_large || !contradiction(seen, of_fit(seen, Execution::pool, fit)).empty();
  });
  PoolFit pool = best_between(fits, 2, largest - 1);
  if (pool.error + kClearlyBetter >= error_of_all) pool = best_between(fits, 2, largest * 9 / 10);
  if (agreed > 1 && agreed < largest) {
    const PoolFit counted = best_between(fits, agreed, agreed);
    if (counted.error < pool.error + kAsGood) pool = counted;
  }
  // Only bursts that agree show one as large as that: a busy machine makes the last replies late too.
  constexpr int kLarge = 64;
  if (pool.parallelism > kLarge && pool.parallelism != agreed) pool.error = 1;
  if (!has_rounds(seen, pool.parallelism, alone_s)) pool.error = 1;
  return pool;
}

/// A pool behind another stage, where that says clearly more than one without.
PoolFit best_staged(const Observations& seen, double error_of_others, bool sure_of_rounds) {
  constexpr double kGoodFit = 0.1;
  const double clearly_better = sure_of_rounds ? 0.01 : 0.03;
  PoolFit staged = fit_staged(seen);
  const double total_s = staged.service_s + staged.ahead_s;
  const bool rounds = staged.error < 1 && has_rounds(seen, staged.parallelism, staged.service_s);
  const bool as_alone = std::abs(total_s / alone_seconds(seen) - 1) < kGoodFit;
  if (!rounds || !as_alone || staged.error > std::min(kGoodFit, error_of_others - clearly_better))
    staged.error = 1;
  return staged;
}

/// What can be said at all; otherwise the reason why not.
std::string unsupported_reason(const Observations& seen) {
  if (seen.alone.empty()) return "the request got no reply";
  if (seen.interrupted) return "it was interrupted";
  const double alone_s = alone_seconds(seen);
  if (alone_s < kTooFastSeconds) {
    return fmt::format(
        "a request takes {:.2f} ms: too fast to measure beside the work of sending it; take a "
        "slower route",
        alone_s * 1e3);
  }
  if (largest_whole(seen) >= 4) return "";
  if (seen.overflowed_at > 0)
    return fmt::format("its backlog overflowed at {}; raise the backlog of listen()", seen.overflowed_at);
  if (!seen.failures.empty()) return "requests failed";
  return fmt::format(
      "a request takes {:.2g} s: too slow for this budget; give a larger --budget and --timeout", alone_s);
}

/// The service time for which the floor of the verdict holds to the last digit.
double least_service(const Observations& seen, Diagnosis verdict) {
  double least = verdict.service_s;
  verdict.service_s = 1;
  for (const auto& [at_once, all] : makespans_by_size(seen))
    least = std::min(least, median_of(all) / floor_seconds(verdict, at_once));
  return least;
}

/// Those that compute at the same time: as many as want a core, or as there are cores.
void conclude_computing(const Observations& seen, const SharingFit& sharing, Diagnosis& verdict) {
  constexpr double kSlowed = 2;  // by others, at most
  const int wanted = std::max(1, static_cast<int>(std::lround(sharing.parallelism)));
  verdict.shared = sharing.shared;
  verdict.parallelism = sharing.shared ? std::max(2, wanted) : 1;
  if (sharing.counted && seen.cores > 0) verdict.parallelism = std::min(verdict.parallelism, seen.cores);
  // Where others compute too, a request alone takes longer than what it computes.
  verdict.service_s = seconds(*std::ranges::min_element(seen.alone));
  verdict.service_s = std::max(least_service(seen, verdict), verdict.service_s / kSlowed);
  count_fitting(seen, verdict, [&](const Burst& burst) {
    const bool as_expected =
        std::abs(burst.makespan_s() / expected_makespan(verdict, burst.at_once) - 1) < 0.35;
    if (!burst.runnable) return as_expected;
    // Threads that wait for a lock look like several on a busy machine, yet take the time of one by one.
    return (*burst.runnable > 1.3) == sharing.shared || (!sharing.shared && as_expected);
  });
}

void find_residual(const Observations& seen, Diagnosis& verdict) {
  if (verdict.service_s == 0) return;
  std::vector<double> residuals;
  for (const Burst& burst : whole_bursts(seen))
    residuals.push_back(std::abs(burst.makespan_s() - expected_makespan(verdict, burst.at_once)));
  if (!residuals.empty()) verdict.residual_s = median_of(residuals);
}

/// With Jeffreys' estimate of how many of all bursts would fit: eight of eight are not yet all of them.
double share_that_fits(const Diagnosis& verdict) {
  return (verdict.fitting + 0.5) / (verdict.bursts + 1.0);
}

/// Several workers, each with a pool of its own, as large together as the most that ran together.
Diagnosis uneven_pool(const Observations& seen, const PoolFit& pool, double odds) {
  Diagnosis verdict = of_fit(seen, Execution::pool, pool);
  verdict.balanced = false;
  const double alone_s = alone_seconds(seen);
  // One late reply makes a round one larger: what is seen twice counts.
  std::map<int, int> times;
  for (const Burst& burst : whole_bursts(seen)) {
    const int round = first_round(burst, alone_s);
    if (++times[round] > 1) verdict.parallelism = std::max(verdict.parallelism, round);
  }
  // Each pool gives its replies in rounds.
  count_fitting(seen, verdict,
                [&](const Burst& burst) { return grid_deviation(burst, alone_s) < kFitsGrid; });
  verdict.confidence = odds * share_that_fits(verdict);
  return verdict;
}

/// So many workers that no burst was faster than they can be; none where that is far from those that the kept
/// connections were with: then their pairs waited for something else. Where none was kept, the least number.
std::optional<int> workers_by_floor(const Observations& seen, double alone_s) {
  constexpr int kMost = 64;
  const int counted = std::max(2, count_workers(seen));
  const bool paired = weigh_pairs(seen).pairs > 0;
  Diagnosis verdict = of_fit(seen, Execution::workers, {counted, alone_s});
  for (int count = counted; count <= (paired ? counted + counted / 3 : kMost); ++count) {
    verdict.parallelism = count;
    if (contradiction(seen, verdict).empty()) return count;
  }
  return std::nullopt;
}

/// The verdict that a candidate stands for.
Diagnosis verdict_of(const Observations& seen, const Candidate& candidate, const SharingFit* computing) {
  const double alone_s = alone_seconds(seen);
  Diagnosis verdict = of_fit(seen, candidate.execution, candidate.fit);
  if (candidate.execution == Execution::workers) {
    const int workers = workers_by_floor(seen, alone_s).value_or(std::max(2, count_workers(seen)));
    verdict = of_fit(seen, Execution::workers, {workers, alone_s});
    verdict.balanced = dealt_evenly(seen, verdict.parallelism, alone_s);
    count_fitting(seen, verdict, [&](const Burst& burst) {
      return (computing != nullptr && computing->shared) || grid_deviation(burst, alone_s) < kFitsGrid;
    });
  } else if (computing != nullptr) {
    conclude_computing(seen, *computing, verdict);
  } else {
    const bool one = candidate.execution == Execution::serial;
    count_fitting(seen, verdict, [&](const Burst& burst) {
      return (one ? serial_deviation(burst, candidate.fit.service_s) : deviation(burst, candidate.fit)) <
             kFits;
    });
  }
  return verdict;
}

/// Why a verdict that nothing contradicts is not given all the same.
std::string doubtful(const Candidate& candidate, const Diagnosis& verdict, double alone_s) {
  if (candidate.error > kGood) return "the bursts fit no execution model that lab diagnose knows";
  if (verdict.confidence < kSure)
    return "the bursts fit several execution models, or too few of them fit one";
  if (alone_s < kFastSeconds && (verdict.confidence < 0.9 || candidate.error > 0.1)) {
    return fmt::format("a request takes {:.1f} ms: too fast for a clear picture; take a slower route",
                       alone_s * 1e3);
  }
  return "";
}

/// The likeliest that no measurement contradicts; none where there is none.
std::optional<Diagnosis> likeliest(const Observations& seen, std::vector<Candidate> candidates,
                                   const SharingFit* computing) {
  const double alone_s = alone_seconds(seen);
  const double weight = weight_of_bursts(seen);
  while (!candidates.empty()) {
    const std::vector<double> odds = probabilities(candidates, weight);
    const auto best = std::ranges::max_element(odds) - odds.begin();
    const Candidate candidate = candidates[static_cast<std::size_t>(best)];
    Diagnosis verdict = verdict_of(seen, candidate, computing);
    // What many at once take longer is no time of one request.
    if (candidate.execution == Execution::concurrent)
      verdict.service_s = std::min(verdict.service_s, alone_s);
    if (candidate.error < 1 && contradiction(seen, verdict).empty()) {
      if (candidate.execution == Execution::workers) verdict.service_s = least_service(seen, verdict);
      if (verdict.ahead_s > 0) verdict.service_s = std::min(verdict.service_s, alone_s - verdict.ahead_s);
      verdict.confidence = odds[static_cast<std::size_t>(best)] * share_that_fits(verdict);
      verdict.reason = doubtful(candidate, verdict, alone_s);
      return verdict;
    }
    candidates.erase(candidates.begin() + best);
  }
  return std::nullopt;
}

/// Where a request takes another time each time: by the times that one alone took, as if drawn by lot.
Diagnosis weigh_varied(const Observations& seen) {
  constexpr double kClearlyBetter = 0.02, kFitsVaried = 0.35, kLonger = 1.3, kGoodVaried = 0.12;
  std::vector<PoolFit> fits = fit_varied(seen);
  PoolFit part = fits.back();
  fits.pop_back();
  const PoolFit& all = fits.back();
  PoolFit pool = best_between(fits, 2, all.parallelism - 1);
  if (pool.error + kClearlyBetter > all.error) pool.error = 1;
  (evenly_spaced(seen, part.overhead_s) ? pool : part).error = 1;
  const std::vector<Candidate> candidates{{Execution::serial, fits.front().error, 0, fits.front()},
                                          {Execution::pool, pool.error, 0, pool},
                                          {Execution::concurrent, all.error, 0, all},
                                          {Execution::concurrent, part.error, 0, part}};
  const std::vector<double> odds = probabilities(candidates, weight_of_bursts(seen));
  const auto best = static_cast<std::size_t>(std::ranges::max_element(odds) - odds.begin());
  const Candidate& candidate = candidates[best];
  Diagnosis verdict = of_fit(seen, candidate.execution, candidate.fit);
  verdict.varies = true;
  count_fitting(seen, verdict, [&](const Burst& burst) {
    return varied_deviation(seen, burst, candidate.fit) < kFitsVaried;
  });
  verdict.service_s = std::min(least_service(seen, verdict), alone_seconds(seen));
  verdict.confidence = odds[best] * share_that_fits(verdict);
  verdict.reason = doubtful(candidate, verdict, alone_seconds(seen));
  if (candidate.execution == Execution::pool && candidate.error > kGoodVaried)
    verdict.reason = "its requests take different times, and so do its bursts";
  // Bursts of one size only, and some of their replies, would show it.
  const bool few_waited = verdict.execution == Execution::pool && 2 * verdict.parallelism > all.parallelism;
  const std::vector<double> largest = makespans_by_size(seen).rbegin()->second;
  const double fastest_s = *std::ranges::min_element(largest);
  const double slowest_s = seconds(*std::ranges::max_element(seen.alone.begin() + 1, seen.alone.end()));
  const bool together = verdict.execution == Execution::concurrent && verdict.overhead_s < kOwnWork;
  const bool some_waited = together && fastest_s > kLonger * slowest_s;
  if (few_waited || some_waited)
    verdict.reason = "its requests take different times, and too few of them at once had to wait";
  // Of workers that were dealt unevenly some had nothing to do.
  if (verdict.execution == Execution::pool && verdict.parallelism < seen.processes - 1)
    verdict.reason = "its requests take different times, and its processes got different numbers of them";
  return verdict;
}

/// Those that run together, but that some hold up all others.
Diagnosis with_stalls(const Observations& seen, const Stalls& stalls) {
  Diagnosis verdict = of_fit(seen, Execution::concurrent, {seen.most_at_once, alone_seconds(seen)});
  verdict.stalls = stalls;
  count_fitting(seen, verdict, [&](const Burst& burst) {
    return std::abs(burst.makespan_s() - expected_makespan(verdict, burst.at_once)) < 2 * stalls.took_s;
  });
  verdict.confidence = share_that_fits(verdict);
  return verdict;
}

/// From what was refused, and from what was asked after it.
std::optional<Limit> find_refusing_limit(const Observations& seen) {
  if (!seen.limit_probe) return std::nullopt;
  const LimitProbe& probe = *seen.limit_probe;
  if (probe.connections > 0) return Limit{probe.connections, 0, probe.status, true};
  // The fewest that were served of more: where one is ready early, another takes its place.
  return Limit{probe.in_flight ? probe.at_once - 1 : 0, probe.per_second.value_or(0), probe.status};
}

/// A server that delays what comes too fast looks like one that serves one at a time, `slope_s` each; but
/// that a request after a pause is served in much less. None where it is not so.
std::optional<Limit> find_delaying_limit(const Observations& seen, double slope_s) {
  constexpr double kMuchLess = 0.6;
  if (seen.rested.size() < 2 || median_seconds(seen.rested) > kMuchLess * slope_s) return std::nullopt;
  return Limit{0, 1 / slope_s, 0};
}

/// What each further request adds; 0: that depends.
double slope_seconds(const Diagnosis& verdict) {
  if (verdict.execution == Execution::serial) return verdict.service_s;
  return verdict.execution == Execution::concurrent && verdict.overhead_s > kOwnWork ? verdict.overhead_s : 0;
}

/// What a limit leaves to be said of how a server executes; none: as if there were none.
std::optional<Diagnosis> hidden_by(const Limit& limit, const Observations& seen) {
  if (limit.in_flight > 0) return std::nullopt;
  Diagnosis verdict;
  verdict.bound_by = bound_by(seen);
  verdict.limit = limit;
  verdict.reason = limit.per_second > 0
                       ? fmt::format("a limit of {:.3g} requests a second hides it", limit.per_second)
                       : "requests are refused, but not a constant number of them";
  return verdict;
}

Diagnosis weigh(const Observations& seen) {
  Diagnosis verdict;
  const auto limit = seen.interrupted || seen.alone.empty() ? std::nullopt : find_refusing_limit(seen);
  verdict.limit = limit;
  verdict.reason = unsupported_reason(seen);
  if (!verdict.reason.empty()) {
    const auto hidden = limit ? hidden_by(*limit, seen) : std::nullopt;
    return hidden ? *hidden : verdict;
  }
  const double alone_s = alone_seconds(seen);
  const bool varied = varies(seen);
  if (const auto stalls = find_stalls(seen); stalls && !limit && !varied) return with_stalls(seen, *stalls);
  const std::vector<PoolFit> fits = fit_pools(seen);
  const PairLikelihood pairs = weigh_pairs(seen);
  const SharingFit sharing = fit_sharing(seen, alone_s);
  // Computing shows in how many threads want a core, so that a busy machine does not hide it.
  const bool counted = computes_alone(seen) && sharing.counted;
  const bool shared = counted ? sharing.shared : sharing.shared && computes_alone(seen);
  const PoolFit serial = fit_serial(seen);
  PoolFit pool = best_pool(seen, fits, alone_s);
  PoolFit all = fits.back();
  // A part that runs one at a time gives replies at even distances, not rounds with pauses between them.
  const FirstRounds rounds = first_rounds(seen, alone_s);
  const bool in_rounds = 3 * rounds.reported > std::ssize(whole_bursts(seen)) && rounds.usual != 1;
  if (rounds.sure || (in_rounds && all.overhead_s > kOwnWork)) all.error = 1;

  // What explains no more than the work that each request costs any server.
  constexpr double kNoBetter = 0.01;
  if (!rounds.sure && all.overhead_s < kOwnWork && all.error < pool.error + kNoBetter) pool.error = 1;

  const PoolFit staged = best_staged(seen, std::min({serial.error, pool.error, all.error}), rounds.sure);
  if (staged.error < pool.error) pool = staged;

  std::optional<Diagnosis> found;
  if (counted || shared) {
    const double usual = shared ? pairs.pool : 0;
    const bool some_waited = shared && pairs.waiting > 0 && pairs.waiting < pairs.pairs;
    found = likeliest(seen,
                      {{shared ? Execution::pool : Execution::serial, 0, usual},
                       {Execution::workers, 0, some_waited ? pairs.workers : usual - 10}},
                      &sharing);
  }
  // What computes follows no other model: their floors and rounds are those of what waits.
  constexpr double kComputesOnly = 0.7;
  const bool only_computes = counted && *seen.cpu_share > kComputesOnly;
  if (varied) found = weigh_varied(seen);
  if (!found && !only_computes) {
    const std::vector<Candidate> candidates{
        {Execution::serial, serial.error, pairs.serial, serial},
        {Execution::pool, pool.error, pairs.pool, pool},
        {Execution::concurrent, all.error, pairs.pool, all},
        workers(seen, pairs, std::min(pool.error, serial.error), alone_s)};
    const std::vector<double> odds = probabilities(candidates, weight_of_bursts(seen));
    // Bursts of one size that sometimes wait and sometimes do not: a pool that is not the same for all.
    const bool mixed = *std::ranges::max_element(odds) < kSure && pool.error < kGood;
    const bool uneven = rounds.reported > 2 && rounds.usual == 0 && pool.error < kGood && pool.ahead_s == 0;
    if ((mixed || uneven) && odds[1] + odds[2] > 0.9) {
      found = uneven_pool(seen, pool, odds[1] + odds[2]);
      if (!contradiction(seen, *found).empty()) found.reset();
    }
    if (!found) found = likeliest(seen, candidates, nullptr);
    // The first round says how many there are; the later ones are uneven.
    if (!found && rounds.sure) {
      found = uneven_pool(seen, {rounds.usual, alone_s}, 1);
      if (!contradiction(seen, *found).empty()) found.reset();
    }
  }
  if (!found) {
    verdict.reason = "the measurements contradict every execution model that lab diagnose knows";
    verdict.bursts = static_cast<int>(whole_bursts(seen).size());
    return verdict;
  }
  found->limit = limit;
  if (found->reason.empty()) {
    const auto delaying = find_delaying_limit(seen, slope_seconds(*found));
    if (delaying) return *hidden_by(*delaying, seen);
  }
  if (limit && limit->in_flight > 0 && found->execution == Execution::concurrent)
    found->parallelism = limit->in_flight;
  return *found;
}

/// Of those that run together: what each adds, where it is more than a server's own work and many at once
/// feel it.
double serial_part(const Observations& seen, const Diagnosis& verdict) {
  constexpr double kFelt = 0.5;
  const bool together = verdict.execution == Execution::concurrent && !verdict.stalls;
  if (!together || verdict.overhead_s < kOwnWork) return 0;
  return seen.most_at_once * verdict.overhead_s > kFelt * verdict.service_s ? verdict.overhead_s : 0;
}

/// Where some take longer and hold up nobody, all run together, and the rest of them says how.
Diagnosis weigh_all(const Observations& seen) {
  const auto stragglers = varies(seen) ? std::nullopt : find_stragglers(seen);
  if (stragglers && !seen.limit_probe && !find_stalls(seen)) {
    Diagnosis verdict = weigh(without(*stragglers, seen));
    verdict.stragglers = stragglers;
    const bool together = verdict.execution == Execution::concurrent && serial_part(seen, verdict) == 0;
    if (together && verdict.reason.empty()) return verdict;
  }
  return weigh(seen);
}

/// How many workers have a pool each; 0: not known.
int count_pools(const Observations& seen, const Diagnosis& verdict) {
  constexpr int kFewest = 5, kSome = 3;
  if (verdict.execution != Execution::pool || seen.lots < kFewest) return 0;
  if (seen.lots_waited < 2) return 1;
  if (seen.lots_waited < kSome) return 0;
  // Each process that listens, or all but their master.
  for (const int workers : {seen.processes, seen.processes - 1}) {
    if (workers > 1 && verdict.parallelism % workers == 0) return workers;
  }
  return 2;
}

}  // namespace

std::optional<double> worst_ping_seconds(const Observations& seen, int at_once) {
  std::optional<double> worst;
  for (const PingBeside& ping : seen.pings) {
    if (ping.at_once == at_once) worst = std::max(worst.value_or(0), seconds(ping.latency));
  }
  return worst;
}

double ping_alone_seconds(const Observations& seen) {
  return seen.pings_alone.empty() ? 0 : median_seconds(seen.pings_alone);
}

Diagnosis conclude(const Observations& seen) {
  Diagnosis verdict = weigh_all(seen);
  // What was changed after it was checked is checked once more: no verdict is above its own table.
  if (verdict.reason.empty() && !too_fast(seen, verdict).empty())
    verdict.reason = "the measurements contradict every execution model that lab diagnose knows";
  if (!verdict.reason.empty()) {
    verdict.execution = Execution::unknown;
    verdict.parallelism = 0;
    verdict.balanced.reset();
    verdict.shared = false;
  }
  verdict.serial_part_s = serial_part(seen, verdict);
  verdict.pools = count_pools(seen, verdict);
  find_residual(seen, verdict);
  verdict.loop_blocked = is_loop_blocked(seen, verdict);
  // Workers that take one request each and close: no connection distinguishes them from a pool, their number
  // does, with or without a master beside them.
  const int others = seen.processes - verdict.parallelism;
  if (verdict.execution == Execution::pool && (seen.closes || verdict.varies) && verdict.parallelism > 1 &&
      (others == 0 || others == 1)) {
    verdict.execution = Execution::workers;
    verdict.balanced = verdict.balanced.value_or(true);
  }
  verdict.unsure = caveats(seen, verdict);
  return verdict;
}

}  // namespace lab
