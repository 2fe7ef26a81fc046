#pragma once

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "lab/core/clock.hpp"

namespace lab {

using Span = std::pair<Nanos, Nanos>;
using Spans = std::vector<Span>;

/// The time that both have in common, 0 where they are apart.
inline Nanos overlap(const Span& a, const Span& b) {
  const Nanos from = a.first > b.first ? a.first : b.first;
  const Nanos to = a.second < b.second ? a.second : b.second;
  return to > from ? to - from : 0;
}

/// The union of spans, in order and without overlaps.
Spans merged(Spans spans);

/// Where both are true; both in order and without overlaps.
Spans both(const Spans& a, const Spans& b);

/// When at least `least` of these are true at once.
Spans at_least(int least, const std::vector<Spans>& all);

Nanos total(const Spans& spans);

/// Spans of time that may overlap, each with a weight; tells how much of them lies between two moments, in
/// weighted nanoseconds. Add all, prepare once, then ask.
class Cumulative {
 public:
  void add(Nanos from, Nanos to, double weight = 1) {
    if (to <= from) return;
    changes_.emplace_back(from, weight);
    changes_.emplace_back(to, -weight);
  }

  void prepare() {
    std::sort(changes_.begin(), changes_.end());
    double slope = 0;
    double sum = 0;
    Nanos at = changes_.empty() ? 0 : changes_.front().first;
    for (const auto& [moment, change] : changes_) {
      sum += slope * static_cast<double>(moment - at);
      at = moment;
      slope += change;
      if (!points_.empty() && points_.back().at == at) points_.pop_back();
      points_.push_back({at, sum, slope});
    }
  }

  double between(Nanos from, Nanos to) const { return to > from ? until(to) - until(from) : 0; }

 private:
  struct Point {
    Nanos at;
    double sum, slope;
  };

  double until(Nanos moment) const {
    const auto after = std::upper_bound(points_.begin(), points_.end(), moment,
                                        [](Nanos value, const Point& point) { return value < point.at; });
    if (after == points_.begin()) return 0;
    const Point& point = *std::prev(after);
    return point.sum + point.slope * static_cast<double>(moment - point.at);
  }

  std::vector<std::pair<Nanos, double>> changes_;
  std::vector<Point> points_;
};

}  // namespace lab
