#include "lab/servers/worker/restart_policy.hpp"

#include <algorithm>

namespace lab {

namespace {
constexpr Nanos kYoung = kSecond;
constexpr Nanos kWindow = 10 * kSecond;
constexpr std::size_t kMaxYoungDeaths = 5;
// Five restarts after delays of 0, 10, 20, 40 and 80 ms: a server that cannot run has said so within a
// second.
constexpr Nanos kFirstDelay = 10 * kMillisecond;
}  // namespace

std::optional<Nanos> RestartPolicy::on_death(Nanos now, Nanos lived, bool replied) {
  if (lived >= kYoung && replied) return now;
  while (!young_deaths_.empty() && now - young_deaths_.front() > kWindow) young_deaths_.pop_front();
  young_deaths_.push_back(now);
  const std::size_t deaths = young_deaths_.size();
  if (deaths > kMaxYoungDeaths) return std::nullopt;
  return deaths == 1 ? now : now + (kFirstDelay << (deaths - 2));
}

}  // namespace lab
