// What the detectors share; nobody outside this folder includes it.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <utility>
#include <vector>

#include "harness/findings/finding.hpp"
#include "harness/trace/occupancy.hpp"
#include "harness/trace/route_steps.hpp"

namespace lab {

using Span = std::pair<Nanos, Nanos>;
using Spans = std::vector<Span>;

/// The time that both have in common, 0 where they are apart.
inline Nanos overlap(const Span& a, const Span& b) {
  return std::max<Nanos>(0, std::min(a.second, b.second) - std::max(a.first, b.first));
}

/// When at least `least` of these are true at once, in order and without overlaps.
Spans at_least(int least, const Spans& all);

/// The union of spans, in order and without overlaps.
inline Spans merged(const Spans& spans) {
  return at_least(1, spans);
}

inline void append(Spans& to, const Spans& more) {
  to.insert(to.end(), more.begin(), more.end());
}

Nanos total(const Spans& spans);

/// Spans of time that may overlap, each with a weight; says how much of them lies between two moments, in
/// weighted nanoseconds. Add all, prepare once, then ask.
class Cumulative {
 public:
  void add(Nanos from, Nanos to, double weight = 1) {
    if (to <= from) return;
    changes_.emplace_back(from, weight);
    changes_.emplace_back(to, -weight);
  }
  void add(const Spans& spans) {
    for (const auto& [from, to] : spans) add(from, to);
  }
  void prepare();

  double between(Nanos from, Nanos to) const { return to > from ? until(to) - until(from) : 0; }

 private:
  struct Point {
    Nanos at;
    double sum, slope;
  };

  double until(Nanos moment) const;

  std::vector<std::pair<Nanos, double>> changes_;
  std::vector<Point> points_;
};

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
std::int64_t members_of(const RunContext& scene, Resource resource);

using Findings = std::vector<Finding>;

/// A number of a finding, counted or in seconds.
struct Number {
  template <class T>
  Number(T counted) : value(static_cast<double>(counted)) {}
  double value;
};

/// Adds a finding whose text is `format` with the arguments in it.
template <class... Args>
void report(Findings& findings, const char* id, double cost_s,
            std::initializer_list<std::pair<const char*, Number>> numbers, fmt::format_string<Args...> format,
            Args&&... args) {
  Finding& finding =
      findings.emplace_back(Finding{id, fmt::format(format, std::forward<Args>(args)...), cost_s});
  for (const auto& [name, number] : numbers) finding.numbers.emplace(name, number.value);
}

// Each adds what it finds.
using Detector = void(const TraceIndex& clues, Findings& findings);
Detector find_loop_blocked, find_gathered_blocking, find_exhausted, find_held_threads, find_uneven_deal,
    find_crowded_cores, find_forgotten, find_dead_workers, find_lost_jobs, find_abandoned, find_own_counters,
    find_unknown_ids, find_full_queue, find_nagle, find_late_generator, find_overload;

}  // namespace lab
