#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "harness/diagnosis/burst_fit.hpp"
#include "harness/diagnosis/verdict.hpp"

namespace lab {

namespace {

/// Those of the latencies that are far beyond `alone_s`; none where they differ, as what a busy machine does
/// to them differs.
std::vector<double> stalled_alike(const std::vector<double>& latencies, double alone_s,
                                  double alike_within = 0.2) {
  constexpr double kLeast = 0.02, kLeastShare = 1;  // seconds; of one alone
  std::vector<double> stalled;
  for (const double latency : latencies) {
    if (latency - alone_s > std::max(kLeast, kLeastShare * alone_s)) stalled.push_back(latency);
  }
  if (stalled.size() < 2) return {};
  const double usual = median_of(stalled);
  const auto alike = std::ranges::count_if(
      stalled, [&](double latency) { return std::abs(latency - usual) < alike_within * (usual - alone_s); });
  return 5 * alike >= 4 * std::ssize(stalled) ? stalled : std::vector<double>{};
}

/// Nearer to them than to those that are in time.
bool is_straggler(double latency_s, const Stragglers& stragglers, double alone_s) {
  return latency_s > (alone_s + stragglers.took_s) / 2;
}

/// The median of how much of the rest of a slow request a ping took, beside at least `low` and at most `high`
/// of them; none where there was no such ping.
std::optional<double> share_waited(const Observations& seen, int low, int high) {
  constexpr Nanos kShort = 2 * kMillisecond;
  const double free_s = ping_alone_seconds(seen);
  std::vector<PingBeside> pings = seen.pings;
  std::erase_if(pings, [&](const PingBeside& ping) { return ping.at_once < low || ping.at_once > high; });
  // Of a ping that is sent late little is left to wait for, and any delay is a large share of it.
  constexpr Nanos kEarly = 2;
  Nanos most = 0;
  for (const PingBeside& ping : pings) most = std::max(most, ping.first_left);
  std::vector<double> shares;
  for (const PingBeside& ping : pings) {
    if (ping.first_left >= std::max(kShort, most / kEarly))
      shares.push_back((seconds(ping.latency) - free_s) / seconds(ping.first_left));
  }
  if (shares.empty()) return std::nullopt;
  return median_of(shares);
}

/// Whether a ping ever waited for the most of what runs one at a time of the requests beside it, or for what
/// holds up all others now and then.
std::optional<bool> waited_for_parts(const Observations& seen, const Diagnosis& verdict) {
  constexpr double kMost = 0.4;
  constexpr int kMany = 4;
  std::optional<bool> waited;
  for (const PingBeside& ping : seen.pings) {
    if (ping.at_once < kMany) continue;
    const double parts = verdict.stalls ? verdict.stalls->took_s : ping.at_once * verdict.serial_part_s;
    waited = waited.value_or(false) || seconds(ping.latency) - ping_alone_seconds(seen) > kMost * parts;
  }
  return waited;
}

}  // namespace

std::optional<Stalls> find_stalls(const Observations& seen) {
  constexpr std::size_t kFewest = 10;  // requests alone
  constexpr double kSome = 0.6, kMoreThanOne = 1.5;
  constexpr int kFew = 4;  // at once: rarely is more than one of them slow
  constexpr int kMany = 16;
  constexpr double kHalf = 0.3;
  if (seen.alone.size() < kFewest) return std::nullopt;
  const double alone_s = alone_seconds(seen);
  const std::vector<double> latencies = in_seconds({seen.alone.begin() + 1, seen.alone.end()});
  const std::vector<double> stalled = stalled_alike(latencies, alone_s);
  if (stalled.empty() || 3 * stalled.size() > latencies.size()) return std::nullopt;
  const double took = median_of(stalled);
  const double extra = took - alone_s;
  double lost = 0, requests = 0, most = 0;
  std::vector<double> halves;  // how late half of the replies to many were
  int quick = 0;
  std::map<int, std::pair<double, double>> range;  // of what bursts of a size took longer
  for (const Burst& burst : whole_bursts(seen)) {
    const double longer = burst.makespan_s() - alone_s;
    lost += longer;
    requests += burst.at_once;
    most = std::max(most, longer);
    quick += burst.at_once <= kFew && longer < kSome * extra;
    if (burst.at_once >= kMany) halves.push_back(seconds(burst.done[burst.done.size() / 2]) - alone_s);
    auto& [low, high] = range.try_emplace(burst.at_once, longer, longer).first->second;
    low = std::min(low, longer);
    high = std::max(high, longer);
  }
  const auto varied = std::ranges::count_if(
      range, [&](const auto& each) { return each.second.second - each.second.first > kSome * extra; });
  // Those that hold up nobody are late themselves, and most others are in time.
  if (!halves.empty() && median_of(halves) < kHalf * extra) return std::nullopt;
  // One at a time, or few, are never quick together and always take as long; and those that are slow
  // themselves but hold up nobody never add up.
  if (quick < 2 || varied < 2 || most < kMoreThanOne * extra) return std::nullopt;
  return Stalls{lost / took / requests, took};
}

std::optional<Stragglers> find_stragglers(const Observations& seen) {
  constexpr int kFew = 16;  // at once: what waits for others does not take the same time each time
  constexpr double kSome = 0.01, kMost = 0.5, kFewest = 3;
  constexpr double kRare = 0.002, kVeryAlike = 0.05;  // no disturbance delays three by the same time
  if (seen.alone.size() < 3) return std::nullopt;
  const double alone_s = alone_seconds(seen);
  // The first one may be as late for the same reason, or because the server warmed up.
  const bool warmed_up = find_warm_up(seen).has_value();
  std::vector<double> latencies = in_seconds({seen.alone.begin() + warmed_up, seen.alone.end()});
  for (const Burst& burst : whole_bursts(seen)) {
    if (burst.at_once > kFew) continue;
    for (const Nanos at : burst.done) latencies.push_back(seconds(at));
  }
  const std::vector<double> stalled = stalled_alike(latencies, alone_s);
  if (stalled.empty()) return std::nullopt;
  const Stragglers stragglers{0, median_of(stalled)};
  double late = static_cast<double>(stalled.size());
  double all = static_cast<double>(latencies.size());
  double least = 1;  // of the largest bursts: in a pool most of them are late each time
  for (const Burst& burst : whole_bursts(seen)) {
    const auto slow = static_cast<double>(std::ranges::count_if(
        burst.done, [&](Nanos at) { return is_straggler(seconds(at), stragglers, alone_s); }));
    if (burst.at_once >= seen.most_at_once / 2) least = std::min(least, slow / burst.at_once);
    if (burst.at_once <= kFew) continue;
    all += burst.at_once;
    late += slow;
  }
  const double share = late / all;
  const double some = stalled_alike(latencies, alone_s, kVeryAlike).empty() ? kSome : kRare;
  if (late < kFewest || share < some || share > kMost || least > kMost / 2) return std::nullopt;
  return Stragglers{share, stragglers.took_s};
}

Observations without(const Stragglers& stragglers, Observations seen) {
  const double alone_s = alone_seconds(seen);
  for (Burst& burst : seen.bursts) {
    Nanos last = to_nanos(alone_s);  // of those in time
    for (const Nanos at : burst.done) {
      if (!is_straggler(seconds(at), stragglers, alone_s)) last = std::max(last, at);
    }
    for (Nanos& at : burst.done) at = std::min(at, last);
  }
  return seen;
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

bool computes_in_turns(const Observations& seen) {
  constexpr int kSeveral = 4;
  constexpr double kLittle = 0.5;
  std::vector<double> shares;
  for (const Burst& burst : whole_bursts(seen)) {
    if (burst.at_once >= kSeveral && burst.one_thread) shares.push_back(*burst.one_thread);
  }
  return !shares.empty() && median_of(shares) < kLittle;
}

std::optional<bool> is_loop_blocked(const Observations& seen, const Diagnosis& verdict) {
  constexpr double kSuffers = 0.6;
  if (seen.pings_alone.empty()) return std::nullopt;
  if (verdict.stalls || verdict.serial_part_s > 0) return waited_for_parts(seen, verdict);
  if (verdict.execution == Execution::workers) {
    // Beside a single slow request the other workers answer the ping: all of them must be busy.
    const auto beside_all = share_waited(seen, 2 * verdict.parallelism, 1 << 20);
    if (!beside_all) return std::nullopt;
    return *beside_all > kSuffers;
  }
  const auto beside_one = share_waited(seen, 1, 1);
  if (!beside_one) return std::nullopt;
  // Other processes may have answered the ping.
  if (verdict.execution == Execution::unknown && seen.processes != 1 && *beside_one <= kSuffers)
    return std::nullopt;
  if (verdict.execution != Execution::serial || *beside_one <= kSuffers) return *beside_one > kSuffers;
  if (seen.idle_holds) return false;  // its only thread is busy with another connection, not with a loop
  if (verdict.bound_by == BoundBy::cpu && computes_in_turns(seen)) return false;
  // Beside one computing request an interpreter lock costs some milliseconds too. Of several a blocked loop
  // ends at least the first before it turns to the ping, while those that take turns at a lock end late.
  constexpr double kAllOfIt = 0.85;
  const auto beside_some = share_waited(seen, 4, 4);
  if (beside_some && *beside_some <= kAllOfIt) return false;
  // Through a longer burst each ping waits as well; otherwise something else held up those beside one.
  constexpr double kLittle = 0.3;
  const auto beside_many = share_waited(seen, 5, 1 << 20);
  return beside_many && *beside_many < kLittle ? std::nullopt : std::optional(true);
}

std::vector<std::string> caveats(const Observations& seen, const Diagnosis& verdict, bool explained) {
  std::vector<std::string> caveats;
  using Caveat = std::pair<bool, std::string>;
  const auto add = [&](const Caveat& caveat) {
    if (caveat.first) caveats.push_back(caveat.second);
    return caveat.first;
  };
  /// Of several that say the same, more or less, the first that applies.
  const auto add_first = [&](const std::vector<Caveat>& all) {
    if (!explained) std::ranges::find_if(all, add);
  };
  const bool pinged = !seen.pings_alone.empty();
  switch (verdict.execution) {
    case Execution::unknown:
      add({verdict.limit && verdict.limit->status == 0,
           "work after each reply, one at a time, would look the same"});
      break;
    case Execution::serial:
      add_first({{!pinged && seen.ping_given,
                  "a blocked loop, a lock and a pool of one look the same: no --ping was answered"},
                 {!pinged && verdict.bound_by == BoundBy::cpu,
                  "an interpreter lock (GIL) or a blocked loop? --ping decides: with a lock a ping loses "
                  "only milliseconds"},
                 {!pinged, "without --ping, a lock or a pool of one would look the same"},
                 {verdict.loop_blocked == true,
                  "a single thread for everything (a pool of one) would look the same"},
                 {true, "a lock and a pool of one would look the same"}});
      break;
    case Execution::pool:
      add_first(
          {{verdict.shared,
            fmt::format("how large the pool is: {} cores compute, so more threads than that look the same",
                        verdict.parallelism)},
           {verdict.balanced == false,
            "equal bursts differ: there may be several workers with a pool each, so it may be larger"},
           {seen.closes,
            "it closes every connection, so workers that take one request at a time look like a pool"},
           {verdict.pools == 0 && !seen.idle_holds,
            "several workers with a smaller pool each would look the same"}});
      break;
    case Execution::workers:
      add({verdict.balanced == false, "there may be more workers that got no connection"});
      break;
    case Execution::concurrent:
      add({!verdict.limit,
           fmt::format("a limit above {}; --max-concurrency raises what is tried", seen.most_at_once)});
      add({verdict.serial_part_s == 0 && verdict.overhead_s > 0.001,
           fmt::format("each further request adds {:.1f} ms: a part of it runs one at a time",
                       verdict.overhead_s * 1e3)});
      add({verdict.serial_part_s > 0 && verdict.loop_blocked != true,
           fmt::format("a limit of {:.0f} requests a second would look the same",
                       1 / verdict.serial_part_s)});
      break;
  }
  add({verdict.execution != Execution::unknown && verdict.bound_by == BoundBy::unknown,
       seen.cpu_share
           ? fmt::format(
                 "whether it waits or computes: it had a core, or waited for one, {:.0f} % of the time",
                 *seen.cpu_share * 100)
           : "whether it waits or computes: its process is not on this machine, or not this user's"});
  add({verdict.varies,
       fmt::format("a request alone takes {:.0f} ms or, as often, {:.0f} ms, so all numbers are about right",
                   alone_seconds(seen) * 1e3, slow_alone_seconds(seen) * 1e3)});
  add({seen.overflowed_at > 0,
       fmt::format(
           "its backlog overflowed at {}: larger bursts do not count, and under load connections wait "
           "for seconds",
           seen.overflowed_at)});
  for (const auto& [kind, count] : seen.failures) {
    add({!verdict.limit || kind != fmt::format("status_{}", verdict.limit->status),
         fmt::format("{} of {} requests failed ({}); their bursts do not count", count, seen.sent, kind)});
  }
  return caveats;
}

}  // namespace lab
