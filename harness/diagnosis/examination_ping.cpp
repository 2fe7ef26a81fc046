#include <algorithm>
#include <utility>

#include "harness/diagnosis/examiner.hpp"

namespace lab {

void Examiner::ping_beside(int at_once) {
  constexpr int kThroughout = 16;
  const Nanos one = service();
  const Nanos gap = at_once > 1 ? std::min<Nanos>(2 * kMillisecond, one * 3 / (10 * at_once)) : 0;
  std::vector<Shot> shots = staggered(at_once, gap, false);
  const Nanos sent = gap * at_once;
  // The first three while even a single slow one is under way; then until the last one is answered. A backlog
  // that is known to be short has room for those three only.
  std::vector<Nanos> times{one * 15 / 100, one * 35 / 100, one * 50 / 100};
  const Nanos whole = makespan(at_once);
  const Nanos step = std::max<Nanos>(whole / kThroughout, 2 * kMillisecond);
  for (Nanos at = times.back() + step; at < whole - kMillisecond && seen_.overflowed_at == 0; at += step)
    times.push_back(at);
  for (const Nanos at : times)
    shots.push_back({static_cast<std::uint32_t>(shots.size()), true, sent + at, false, false});
  const std::vector<Reply> replies = fire(shots, left());
  const auto pings = replies.begin() + at_once;
  const auto fine = [](const Reply& reply) { return reply.outcome == Outcome::ok; };
  const auto failed = std::find_if_not(pings, replies.end(), fine);
  if (failed != replies.end() && seen_.ping_failure.empty()) seen_.ping_failure = name_of_failure(*failed);
  if (!std::all_of(replies.begin(), replies.end(), fine)) return;
  const auto by_end = [](const Reply& a, const Reply& b) { return a.received < b.received; };
  const Nanos first = std::min_element(replies.begin(), pings, by_end)->received;
  const Nanos last = std::max_element(replies.begin(), pings, by_end)->received;
  for (auto ping = pings; ping != replies.end(); ++ping)
    seen_.pings.push_back({at_once, ping->latency(), first - ping->sent, last - ping->sent});
}

void Examiner::ping_beside() {
  constexpr int kAlone = 6;
  for (int i = 0; i < kAlone && !over(); ++i) {
    const Reply reply = fire({{0, true, 0, true, false}}, left()).front();
    if (reply.outcome != Outcome::ok) {
      seen_.ping_failure = name_of_failure(reply);
      return;
    }
    if (i > 0) seen_.pings_alone.push_back(reply.latency());
  }
  // Beside one, where only a blocked loop hurts; beside more than a few workers hold; and beside many, to
  // show.
  for (const int at_once : {1, 1, 4, 1, 4, 16, options_.most_at_once}) {
    if (at_once > options_.most_at_once || at_once > seen_.most_at_once) continue;
    if (!affordable(expected(at_once) + service(), 1)) continue;
    if (at_once > 4 && expected(at_once) > std::max<Nanos>(kSecond, 2 * service())) continue;
    ping_beside(at_once);
  }
}

}  // namespace lab
