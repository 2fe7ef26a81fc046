// What the detectors share; nobody outside this folder includes it.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "harness/findings/finding.hpp"
#include "harness/trace/occupancy.hpp"
#include "harness/trace/route_steps.hpp"

namespace lab {

// CPython lets a thread compute for 5 ms before another gets the lock (sys.setswitchinterval), and a thread
// wakes up late by as much on a busy machine: what waits no longer than that waits for no one. The rest is
// room for the machine's noise.
inline constexpr Nanos kWorthReporting = 6 * kMillisecond;

/// A part of a step in which its request held the loop.
struct LoopUse {
  std::uint32_t request = 0;
  std::int64_t step = 0;
  Nanos from = 0, to = 0;
  double planned = 1;  ///< the share of it that the plan accounts for; the rest is the machine's delay
  bool waits = false;  ///< asleep, or for another server, instead of computing
};

/// The evidence of a run in the forms in which several detectors need it.
struct TraceIndex {
  explicit TraceIndex(const RunContext& from);

  const RunContext& run;
  Occupancy occupancy;
  std::vector<RouteSteps> steps;
  std::map<std::int32_t, std::vector<LoopUse>> loop_uses;  ///< by worker, in order of time

  std::vector<bool> enqueues;  ///< by route: its reply is the id of a job, by its plan or as it was seen

  /// None where the request is not of this run.
  const RequestRecord* record(std::uint32_t request) const;
  const Route& route(const RequestRecord& record) const { return run.routes[record.route]; }
  /// When it waited for the loop and for nothing else: unread, or its wait was over and it was not resumed.
  Spans waits_for_loop(const RequestRecord& record) const;

 private:
  /// Since when nothing but the loop was missing, at the moment that a hold of it began.
  Nanos ready_since(const RequestRecord& record, const Hold& hold) const;
};

/// What requests lost in one way.
struct Losses {
  std::int64_t requests = 0;
  Nanos lost = 0, longest = 0;

  void add(Nanos span) {
    ++requests;
    lost += span;
    longest = std::max(longest, span);
  }
};

/// Of the whole server; 0 where the resource has no members that are counted.
std::int64_t members_of(const RunContext& run, Resource resource);

using Findings = std::vector<Finding>;

/// Adds a finding whose text is `format` with the arguments in it.
template <class... Args>
void report(Findings& findings, const char* id, double cost_s, fmt::format_string<Args...> format,
            Args&&... args) {
  findings.push_back({id, fmt::format(format, std::forward<Args>(args)...), cost_s});
}

// Each adds what it finds.
using Detector = void(const TraceIndex& trace, Findings& findings);
Detector find_loop_blocked, find_gathered_blocking, find_exhausted, find_held_threads, find_uneven_deal,
    find_crowded_cores, find_forgotten, find_dead_workers, find_lost_jobs, find_abandoned, find_own_counters,
    find_unknown_ids, find_full_queue, find_nagle, find_late_generator, find_overload;

}  // namespace lab
