#include <fmt/format.h>

#include <algorithm>

#include "harness/diagnosis/burst_fit.hpp"
#include "harness/diagnosis/verdict.hpp"

namespace lab {

namespace {

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
  if (verdict.execution != Execution::serial || *beside_one <= kSuffers) return *beside_one > kSuffers;
  if (seen.idle_holds) return false;  // its only thread is busy with another connection, not with a loop
  // Beside one computing request an interpreter lock costs some milliseconds too. Of several a blocked loop
  // ends at least the first before it turns to the ping, while those that take turns at a lock end late.
  constexpr double kAllOfIt = 0.85;
  const auto beside_some = share_waited(seen, 4, 4);
  return !beside_some || *beside_some > kAllOfIt;
}

std::vector<std::string> caveats(const Observations& seen, const Diagnosis& verdict) {
  std::vector<std::string> caveats;
  using Caveat = std::pair<bool, std::string>;
  const auto add = [&](const Caveat& caveat) {
    if (caveat.first) caveats.push_back(caveat.second);
    return caveat.first;
  };
  /// Of several that say the same, more or less, the first that applies.
  const auto add_first = [&](const std::vector<Caveat>& all) { std::ranges::find_if(all, add); };
  const bool pinged = !seen.pings_alone.empty();
  const bool paired =
      std::ranges::any_of(seen.kept, [](const KeptBurst& burst) { return burst.connections.size() == 2; });
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
           {!paired && !seen.idle_holds, "several workers with a smaller pool each would look the same"}});
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
       "whether it waits or computes: its process is not on this machine, or both"});
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
