#pragma once

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

}  // namespace lab
