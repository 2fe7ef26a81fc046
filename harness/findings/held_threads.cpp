// Threads that belong to connections: held although nothing is done for anybody.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "harness/findings/trace_index.hpp"
#include "harness/findings/words.hpp"

namespace lab {

namespace {

enum Kind : std::size_t { held, idle, receiving, kinds };

struct ThreadChange {
  Nanos at;
  int by;
  Kind kind;
};

using Changes = std::vector<ThreadChange>;

struct Threads {
  std::map<std::int32_t, Changes> changes;  ///< by worker
  std::set<std::uint32_t> slow;             ///< requests whose bytes a thread awaited
};

void add(Changes& changes, Kind kind, Nanos from, Nanos to) {
  if (to <= from) return;
  changes.push_back({from, +1, kind});
  changes.push_back({to, -1, kind});
}

// A busy client is slow to send, and slow to close, by some tens of ms; keep-alive lasts for seconds.
constexpr Nanos kSilent = 100 * kMillisecond;

/// A hold apart from its request: before it was read its bytes came in, or the client was silent.
void add_quiet_time(const TraceIndex& clues, const Hold& hold, const Hold* next, Threads& threads) {
  const RequestRecord* own = clues.record(hold.request);
  Nanos busy_from = hold.to;
  Nanos busy_to = hold.to;
  if (own != nullptr && own->read != 0) {
    busy_from = std::clamp(own->read, hold.from, hold.to);
    busy_to = std::clamp(std::max(own->read, own->finished), busy_from, hold.to);
    for (const StepSpan& step : clues.occupancy.steps_of(own->id))
      busy_to = std::clamp(step.to, busy_to, hold.to);
  }
  const RequestRecord* later = next == nullptr ? nullptr : clues.record(next->request);
  const auto sends_slowly = [&](const RequestRecord& request) {
    return clues.scene.load_case.loads[request.load].body_over >= kWorthTelling;
  };
  const auto add_quiet = [&](Nanos from, Nanos to, const RequestRecord* awaited) {
    if (awaited != nullptr && sends_slowly(*awaited)) {
      add(threads.changes[hold.worker], receiving, from, to);
      threads.slow.insert(awaited->id);
    } else if (to - from >= kSilent) {
      add(threads.changes[hold.worker], idle, from, to);
    }
  };
  add_quiet(hold.from, busy_from, own != nullptr ? own : later);
  add_quiet(busy_to, hold.to, nullptr);
}

/// When all of a worker's threads were held, and some of them quietly in this way.
Spans starved(Changes changes, Kind kind, int threads) {
  std::sort(changes.begin(), changes.end(), [](const ThreadChange& a, const ThreadChange& b) {
    return a.at != b.at ? a.at < b.at : a.by > b.by;
  });
  std::array<int, kinds> now{};
  Spans spans;
  Nanos since = 0;
  for (const ThreadChange& change : changes) {
    const bool was = now[held] >= threads && now[kind] > 0;
    now[change.kind] += change.by;
    const bool is = now[held] >= threads && now[kind] > 0;
    if (!was && is) since = change.at;
    if (was && !is) spans.emplace_back(since, change.at);
  }
  return spans;
}

struct Starving {
  std::int64_t victims = 0;
  Nanos lost = 0, longest = 0;
};

Starving victims_of(const TraceIndex& clues, const Threads& threads, Kind kind) {
  Starving starving;
  for (const auto& [worker, all] : threads.changes) {
    Cumulative spans;
    for (const auto& [from, to] : starved(all, kind, clues.scene.members.pool)) spans.add(from, to);
    spans.prepare();
    for (const RequestRecord& record : clues.scene.records) {
      if (record.worker != worker || record.read == 0 || record.sent == 0) continue;
      if (threads.slow.count(record.id) != 0) continue;  // it had a thread, which waited for it
      const auto lost = static_cast<Nanos>(spans.between(record.sent, record.read));
      if (lost < kWorthTelling) continue;
      ++starving.victims;
      starving.lost += lost;
      starving.longest = std::max(starving.longest, lost);
    }
  }
  return starving;
}

}  // namespace

void find_held_threads(const TraceIndex& clues, std::vector<Finding>& findings) {
  Threads threads;
  std::map<std::pair<std::int32_t, std::uint16_t>, const Hold*> following;
  const std::vector<Hold>& holds = clues.occupancy.holds;
  for (auto hold = holds.rbegin(); hold != holds.rend(); ++hold) {
    if (hold->resource != Resource::thread) continue;
    const Hold*& next = following[{hold->worker, hold->unit}];
    add(threads.changes[hold->worker], held, hold->from, hold->to);
    add_quiet_time(clues, *hold, next, threads);
    next = &*hold;
  }
  if (threads.changes.empty()) return;
  const std::int64_t all = std::int64_t{clues.scene.members.pool} * clues.scene.workers;
  const std::string whom = all == 1 ? "the only thread" : fmt::format("one of {} threads", all);
  const auto report_one = [&](const char* id, Kind kind, const char* what, const char* why) {
    const Starving starving = victims_of(clues, threads, kind);
    if (starving.victims == 0) return;
    findings.push_back({id,
                        fmt::format("{}: {} queued {} in total for {} {}, the longest {}.", what,
                                    count(starving.victims, "request"), format_span(starving.lost), whom, why,
                                    format_span(starving.longest)),
                        seconds(starving.lost),
                        {{"victims", static_cast<double>(starving.victims)},
                         {"lost_s", seconds(starving.lost)},
                         {"longest_s", seconds(starving.longest)}}});
  };
  report_one("LAB110", idle, "keep-alive holds the threads", "that belonged to a silent connection");
  report_one("LAB120", receiving, "a slow client holds a thread", "that waited for a client's bytes");
}

}  // namespace lab
