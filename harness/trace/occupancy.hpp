// The room of traces: events and header fields become who held what and when, and what a server's processes
// used. The client, analysis, findings and diagnosis use it, and what stands above them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/core/event.hpp"

namespace lab {

/// From, to.
using Span = std::pair<Nanos, Nanos>;
using Spans = std::vector<Span>;

inline Nanos length(const Span& span) {
  return span.second - span.first;
}

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

/// What of `whole` lies in none of the spans, which are in order and without overlaps.
Spans gaps(const Spans& spans, const Span& whole);

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

/// One request held one resource.
struct Hold {
  Resource resource = Resource::nothing;
  std::uint16_t worker = 0;
  std::uint16_t unit = 0;
  std::uint32_t request = 0;
  Nanos from = 0, to = 0;
};

/// One step of a request's plan, as it was executed.
struct StepSpan {
  std::uint32_t request = 0;
  std::int64_t index = 0;
  Nanos from = 0, to = 0;
};

/// While a request computed, its thread had no core.
struct CoreGap {
  std::uint32_t request = 0;
  Nanos from = 0, to = 0;
};

/// Who held what, and when, read from a server's (or the model's) events.
struct Occupancy {
  std::vector<Hold> holds;      ///< in order of `from`
  std::vector<StepSpan> steps;  ///< in order of `from`
  std::vector<CoreGap> pauses;  ///< in order of `to`

  /// Builds it from events in time order. What was never released (a killed worker) ends at the last event.
  explicit Occupancy(const Events& events);

  const std::vector<Hold>& holds_of(std::uint32_t request) const { return of(request).holds; }
  const std::vector<StepSpan>& steps_of(std::uint32_t request) const { return of(request).steps; }
  const std::vector<CoreGap>& pauses_of(std::uint32_t request) const { return of(request).pauses; }

 private:
  struct OfRequest {
    std::vector<Hold> holds;
    std::vector<StepSpan> steps;
    std::vector<CoreGap> pauses;
  };
  const OfRequest& of(std::uint32_t request) const;

  std::unordered_map<std::uint32_t, OfRequest> by_request_;
};

/// One turn of a worker's loop: from the first handler's start to the moment at which it asks for more.
struct LoopTurn {
  std::uint16_t worker = 0;
  Nanos from = 0, to = 0;
};

/// The turns in which handlers ran, in order of their ends, read from events in time order. A turn ends with
/// its `turn` event. Where that is missing (a killed worker, a lost event) it ends with the last hold before
/// the loop was nobody's for a millisecond, or before the events end.
class TurnReader {
 public:
  void add(const Event& event);
  std::vector<LoopTurn> take();  ///< once, after the last event

 private:
  struct OpenTurn {
    bool open = false;
    Nanos from = 0, last_release = 0;
    int holders = 0;
  };
  void close(std::uint16_t worker, OpenTurn& loop, Nanos at);

  std::vector<LoopTurn> turns_;
  std::map<std::uint16_t, OpenTurn> loops_;  // by worker
  Nanos last_ = 0;
};

/// All turns of events that are there already.
std::vector<LoopTurn> loop_turns(const Events& events);

/// The longest turn, in nanoseconds; 0 without any.
Nanos longest_gap(const std::vector<LoopTurn>& turns);

/// The part of [from, to] that the busiest worker's loop was busy, 0 to 1.
double utilisation(const std::vector<LoopTurn>& turns, Nanos from, Nanos to);

/// What was begun and has not ended, while events are read: handlers, and steps, which may outlive theirs.
class OpenWork {
 public:
  void add(const Event& event);
  bool empty() const {
    return handlers_.empty() &&
           std::ranges::none_of(steps_, [](const auto& step) { return step.second > 0; });
  }
  /// Whose work it is.
  std::set<std::uint32_t> requests() const;

 private:
  std::set<std::uint32_t> handlers_;
  std::map<std::pair<std::uint32_t, std::int64_t>, int> steps_;  // events of two threads may cross
};

}  // namespace lab
