#include <algorithm>
#include <utility>

#include "harness/diagnosis/examiner.hpp"

namespace lab {

int Examiner::served_of(const std::vector<Reply>& replies) {
  int served = 0;
  for (const Reply& reply : replies) {
    served += reply.outcome == Outcome::ok;
    if (reply.outcome == Outcome::bad_status) seen_.limit_probe->status = reply.status;
  }
  return served;
}

/// Even streams, the second one slower for rates below a few a second. The latter half counts: a bucket that
/// was full is empty by then.
std::optional<double> Examiner::find_rate() {
  constexpr int kFewest = 4;
  std::optional<double> per_second;
  for (const auto& [count, gap] : {std::pair{200, 5 * kMillisecond}, std::pair{100, 50 * kMillisecond}}) {
    if (!affordable(count * gap + service(), 1) || over()) break;
    const std::vector<Reply> replies = fire(staggered(count, gap, false), left());
    const int served = served_of({replies.begin() + count / 2, replies.end()});
    per_second = served / (seconds(gap) * (count / 2.0));
    if (served >= kFewest) break;
  }
  return per_second;
}

void Examiner::probe_limit() {
  int at_once = refused_alone_ != 0 ? 1 : 0;
  for (const Burst& burst : seen_.bursts) {
    if (burst.refused == 0) continue;
    const int served = burst.at_once - burst.refused;
    at_once = at_once == 0 ? served + 1 : std::min(at_once, served + 1);
  }
  if (at_once == 0 || over()) return;
  LimitProbe& probe = seen_.limit_probe.emplace();
  probe.status = refused_alone_;
  probe.at_once = at_once;
  if (refused_alone_ == 0) {
    // Directly after all were served none is in flight, yet what comes in a second has not come in.
    probe.first = served_of(fire(staggered(at_once, 0, false), left()));
    probe.again = served_of(fire(staggered(at_once, 0, false), left()));
    probe.spread = served_of(fire(staggered(at_once, service() * 4 / 5 / at_once, false), left()));
    const int room = at_once - 1;
    probe.in_flight = 5 * probe.first >= 4 * room && 5 * probe.again >= 4 * room && probe.spread < at_once;
  }
  if (!probe.in_flight) probe.per_second = find_rate();
}

}  // namespace lab
