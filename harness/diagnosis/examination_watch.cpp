#include <algorithm>

#include "harness/diagnosis/examiner.hpp"

namespace lab {

/// Often enough that nothing of a tenth of a second is missed; a slow route less often than it answers.
Nanos Examiner::watch_gap() const {
  constexpr Nanos kOften = 100 * kMillisecond;
  return options_.ping ? kOften : std::max(kOften, 2 * service());
}

/// One by one in even steps, whether the one before is answered or not, so that a pause shows in all that it
/// held up. A few seconds at a time: an interruption ends it soon.
void Examiner::watch() {
  constexpr Nanos kPart = 5 * kSecond;
  const Nanos gap = watch_gap();
  const Nanos began = subject_.now();
  while (subject_.now() - began < options_.watch && !subject_.interrupted()) {
    const Nanos from = subject_.now() - began;
    const auto count = static_cast<int>(std::min(kPart, options_.watch - from) / gap);
    if (count == 0) break;
    std::vector<Shot> shots = staggered(count, gap, false);
    for (Shot& shot : shots) shot.ping = options_.ping;
    for (const Reply& reply : fire(shots, gap * count + options_.timeout, false)) {
      if (reply.outcome == Outcome::unsent) continue;
      seen_.watched.push_back({from + reply.sent, reply.latency(), reply.outcome == Outcome::ok});
    }
  }
}

}  // namespace lab
