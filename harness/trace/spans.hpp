#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "lab/core/clock.hpp"

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

}  // namespace lab
