// What the detectors share; nobody outside this folder includes it.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "harness/findings/finding.hpp"
#include "harness/findings/spans.hpp"
#include "harness/trace/loop_activity.hpp"
#include "harness/trace/route_steps.hpp"

namespace lab {

// CPython lets a thread compute for 5 ms before another gets the lock (sys.setswitchinterval), and a thread
// wakes up late by as much on a busy machine: what waits no longer than that waits for no one. The rest is
// room for the machine's noise.
inline constexpr Nanos kWorthTelling = 6 * kMillisecond;

/// A part of a step in which its request held the loop.
struct LoopUse {
  std::uint32_t request = 0;
  std::int64_t step = 0;
  Nanos from = 0, to = 0;
  double planned = 1;  ///< the share of it that the plan accounts for; the rest is the machine's delay
  bool waits = false;  ///< asleep, or for another server, instead of computing
};

/// The evidence of a scene in the forms in which several detectors need it.
struct TraceIndex {
  explicit TraceIndex(const RunContext& from);

  const RunContext& scene;
  Occupancy occupancy;
  std::vector<RouteSteps> steps;
  std::map<std::int32_t, std::vector<LoopUse>> loop_uses;  ///< by worker, in order of time

  std::vector<bool> enqueues;  ///< by route: its reply is the id of a job, by its plan or as it was seen

  /// None where the request is not of this scene.
  const RequestRecord* record(std::uint32_t request) const;
  const Route& route(const RequestRecord& record) const { return scene.routes[record.route]; }
  /// When it waited for the loop and for nothing else: unread, or its wait was over and it was not resumed.
  Spans waits_for_loop(const RequestRecord& record) const;

 private:
  /// Since when nothing but the loop was missing, at the moment that a hold of it began.
  Nanos ready_since(const RequestRecord& record, const Hold& hold) const;
};

/// When each request computed: with a lock, while it held it; otherwise as long as its steps took. Of a
/// process that has such a lock without telling, one request stands for all.
std::map<std::uint32_t, Spans> computing_of(const TraceIndex& clues);

// Each adds what it finds.
void find_loop_blocked(const TraceIndex& clues, std::vector<Finding>& findings);
void find_gathered_blocking(const TraceIndex& clues, std::vector<Finding>& findings);
void find_exhausted(const TraceIndex& clues, std::vector<Finding>& findings);
void find_held_threads(const TraceIndex& clues, std::vector<Finding>& findings);
void find_uneven_deal(const TraceIndex& clues, std::vector<Finding>& findings);
void find_crowded_cores(const TraceIndex& clues, std::vector<Finding>& findings);
void find_broken_promises(const TraceIndex& clues, std::vector<Finding>& findings);
void find_lost_work(const TraceIndex& clues, std::vector<Finding>& findings);
void find_queue_answers(const TraceIndex& clues, std::vector<Finding>& findings);
void find_slow_ways(const TraceIndex& clues, std::vector<Finding>& findings);
void find_overload(const TraceIndex& clues, std::vector<Finding>& findings);

}  // namespace lab
