#include "harness/trace/spans.hpp"

#include <iterator>

namespace lab {

Spans at_least(int least, const Spans& all) {
  std::vector<std::pair<Nanos, int>> changes;  // beginnings first: spans that touch are one
  for (const auto& [from, to] : all) {
    changes.emplace_back(from, -1);
    changes.emplace_back(to, +1);
  }
  std::ranges::sort(changes);
  Spans result;
  int missing = least;
  Nanos since = 0;
  for (const auto& [at, by] : changes) {
    if (by < 0 && --missing == 0) since = at;
    if (by > 0 && missing++ == 0 && at > since) result.emplace_back(since, at);
  }
  return result;
}

Nanos total(const Spans& spans) {
  Nanos sum = 0;
  for (const Span& span : spans) sum += length(span);
  return sum;
}

Spans gaps(const Spans& spans, const Span& whole) {
  Spans free;
  Nanos since = whole.first;
  for (const auto& [from, to] : spans) {
    if (from > since) free.emplace_back(since, from);
    since = to;
  }
  if (whole.second > since) free.emplace_back(since, whole.second);
  return free;
}

void Cumulative::prepare() {
  std::ranges::sort(changes_);
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

double Cumulative::until(Nanos moment) const {
  const auto after = std::ranges::upper_bound(points_, moment, {}, &Point::at);
  if (after == points_.begin()) return 0;
  const Point& point = *std::prev(after);
  return point.sum + point.slope * static_cast<double>(moment - point.at);
}

}  // namespace lab
