#include "harness/findings/spans.hpp"

#include <algorithm>

namespace lab {

Spans merged(Spans spans) {
  std::sort(spans.begin(), spans.end());
  Spans result;
  for (const Span& span : spans) {
    if (!result.empty() && span.first <= result.back().second) {
      result.back().second = std::max(result.back().second, span.second);
    } else {
      result.push_back(span);
    }
  }
  return result;
}

Spans both(const Spans& a, const Spans& b) {
  Spans result;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const Nanos from = std::max(a[i].first, b[j].first);
    const Nanos to = std::min(a[i].second, b[j].second);
    if (to > from) result.emplace_back(from, to);
    ++(a[i].second < b[j].second ? i : j);
  }
  return result;
}

Spans at_least(int least, const std::vector<Spans>& all) {
  std::vector<std::pair<Nanos, int>> changes;
  for (const Spans& spans : all) {
    for (const auto& [from, to] : spans) {
      changes.emplace_back(from, +1);
      changes.emplace_back(to, -1);
    }
  }
  std::sort(changes.begin(), changes.end());
  Spans result;
  int now = 0;
  Nanos since = 0;
  for (const auto& [at, by] : changes) {
    const bool was = now >= least;
    now += by;
    if (!was && now >= least) since = at;
    if (was && now < least && at > since) result.emplace_back(since, at);
  }
  return result;
}

Nanos total(const Spans& spans) {
  Nanos sum = 0;
  for (const auto& [from, to] : spans) sum += to - from;
  return sum;
}

}  // namespace lab
