#include "harness/trace/loop_activity.hpp"

#include <algorithm>
#include <map>

namespace lab {

namespace {

// Between two handlers of one turn a loop has only its own small work to do.
constexpr Nanos kAsleep = kMillisecond;

struct OpenTurn {
  bool open = false;
  Nanos from = 0;
  Nanos last_release = 0;
  int holders = 0;
};

}  // namespace

std::vector<LoopTurn> loop_turns(const Events& events) {
  std::vector<LoopTurn> turns;
  std::map<std::uint16_t, OpenTurn> loops;
  const auto close = [&](std::uint16_t worker, OpenTurn& loop, Nanos at) {
    if (loop.open) turns.push_back({worker, loop.from, at});
    loop.open = false;
  };
  for (const Event& event : events) {
    if (event.kind == EventKind::turn) {
      OpenTurn& loop = loops[event.worker];
      close(event.worker, loop, event.at);
      continue;
    }
    if (event.resource != Resource::loop) continue;
    OpenTurn& loop = loops[event.worker];
    if (event.kind == EventKind::acquire) {
      const bool slept = loop.open && loop.holders == 0 && event.at - loop.last_release > kAsleep;
      if (slept) close(event.worker, loop, loop.last_release);
      if (!loop.open) loop = {true, event.at, event.at, loop.holders};
      // A loop has one holder; a second one means that the first died with its worker.
      loop.holders = 1;
    } else if (event.kind == EventKind::release) {
      loop.holders = 0;
      loop.last_release = event.at;
    }
  }
  for (auto& [worker, loop] : loops) {
    close(worker, loop, loop.holders > 0 ? events.back().at : loop.last_release);
  }
  return turns;
}

Nanos longest_gap(const std::vector<LoopTurn>& turns) {
  Nanos longest = 0;
  for (const LoopTurn& turn : turns) longest = std::max(longest, turn.to - turn.from);
  return longest;
}

double utilisation(const std::vector<LoopTurn>& turns, Nanos from, Nanos to) {
  if (to <= from) return 0;
  std::map<std::uint16_t, Nanos> busy;
  Nanos most = 0;
  for (const LoopTurn& turn : turns) {
    Nanos& sum = busy[turn.worker];
    sum += std::max<Nanos>(0, std::min(turn.to, to) - std::max(turn.from, from));
    most = std::max(most, sum);
  }
  return std::min(1.0, static_cast<double>(most) / static_cast<double>(to - from));
}

}  // namespace lab
