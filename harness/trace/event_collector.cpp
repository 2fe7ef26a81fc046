#include "harness/trace/event_collector.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

namespace lab {

namespace {

constexpr std::size_t kPorts = 65536;
// Between the reply and the first step behind it, or between two jobs of a queue.
constexpr Nanos kQuiet = 20 * kMillisecond;
constexpr Nanos kBetweenLooks = 50 * kMicrosecond;
// A request leaves about a dozen events; past this many the vector grows as it needs.
constexpr std::size_t kEventsPerRequest = 16;
constexpr std::size_t kMostReserved = 1'000'000;

std::size_t port_of(const Event& event) {
  return static_cast<std::size_t>(event.value) % kPorts;
}

}  // namespace

EventCollector::EventCollector(EventRings* rings, std::size_t requests) : rings_(rings) {
  if (rings_ == nullptr) return;
  port_accepted_.resize(kPorts);
  replied_.resize(requests + 1);
  events_.reserve(std::min(kEventsPerRequest * (requests + 64), kMostReserved));
  dropped_before_ = rings_->dropped();
}

void EventCollector::drain() {
  if (rings_ == nullptr) return;
  const std::size_t known = events_.size();
  rings_->drain(events_);
  for (std::size_t index = known; index < events_.size(); ++index) {
    const Event& event = events_[index];
    if (event.kind == EventKind::accepted) {
      accepted_.push_back(event);
      port_accepted_[port_of(event)] = true;
    } else if (event.kind == EventKind::replied) {
      if (event.request >= replied_.size()) replied_.resize(2 * std::size_t{event.request} + 1);
      replied_[event.request] = true;
    }
  }
}

std::size_t EventCollector::await_accepted(std::span<const std::uint16_t> ports, Nanos until) {
  if (rings_ == nullptr) return 0;
  std::size_t seen = 0;
  while (true) {
    drain();
    while (seen < ports.size() && port_accepted_[ports[seen]]) ++seen;
    const Nanos now = monotonic_now();
    if (seen == ports.size() || now >= until) break;
    sleep_until(now + kBetweenLooks);
  }
  const auto is_missing = [this](std::uint16_t port) { return !port_accepted_[port]; };
  return static_cast<std::size_t>(
      std::count_if(ports.begin() + static_cast<std::ptrdiff_t>(seen), ports.end(), is_missing));
}

void EventCollector::await_replied(std::span<const RequestRecord> records, Nanos until) {
  if (rings_ == nullptr) return;
  const auto is_missing = [this](const RequestRecord& record) {
    const bool answered = record.outcome == Outcome::ok || record.outcome == Outcome::bad_status;
    return answered && (record.id >= replied_.size() || !replied_[record.id]);
  };
  auto next = records.begin();
  while (true) {
    drain();
    next = std::find_if(next, records.end(), is_missing);
    const Nanos now = monotonic_now();
    if (next == records.end() || now >= until) return;
    sleep_until(now + kBetweenLooks);
  }
}

void EventCollector::await_ends(Nanos patience, Nanos until) {
  if (rings_ == nullptr) return;
  std::set<std::uint32_t> handlers;
  std::map<std::pair<std::uint32_t, std::int64_t>, int> steps;
  std::size_t seen = 0;
  Nanos heard = monotonic_now();
  while (true) {
    drain();
    const Nanos now = monotonic_now();
    for (; seen < events_.size(); ++seen) {
      const Event& event = events_[seen];
      if (event.kind != EventKind::turn) heard = now;
      if (event.request == 0) continue;
      const std::pair<std::uint32_t, std::int64_t> step{event.request, event.value};
      switch (event.kind) {
        case EventKind::started: handlers.insert(event.request); break;
        case EventKind::cancelled:
        case EventKind::finished: handlers.erase(event.request); break;
        case EventKind::step_begin: ++steps[step]; break;
        case EventKind::step_end:
          if (--steps[step] <= 0) steps.erase(step);
          break;
        default: break;
      }
    }
    const bool all_ended = handlers.empty() && steps.empty();
    if (now - heard >= (all_ended ? std::min(kQuiet, patience) : patience) || now >= until) return;
    sleep_until(now + kMillisecond);
  }
}

Events EventCollector::take(Nanos began) {
  std::erase_if(events_, [began](const Event& event) { return event.at < began; });
  std::stable_sort(events_.begin(), events_.end(), earlier);
  return std::exchange(events_, {});
}

Events EventCollector::take_accepted() {
  std::stable_sort(accepted_.begin(), accepted_.end(), earlier);
  return std::exchange(accepted_, {});
}

std::uint64_t EventCollector::dropped() const {
  if (rings_ == nullptr) return 0;
  // What was begun before may have been finished since.
  return std::max(rings_->dropped(), dropped_before_) - dropped_before_;
}

void apply_events(const Events& events, std::vector<RequestRecord>& records) {
  for (const Event& event : events) {
    if (event.request == 0 || event.request > records.size()) continue;
    RequestRecord& record = records[event.request - 1];
    switch (event.kind) {
      case EventKind::accepted: record.accepted = event.at; break;
      case EventKind::read:
        record.read = event.at;
        record.worker = event.worker;
        break;
      case EventKind::started: record.started = event.at; break;
      case EventKind::finished: record.finished = event.at; break;
      default: break;
    }
  }
}

void apply_accepted(const Events& accepted, std::span<const std::uint16_t> ports,
                    std::span<RequestRecord> records) {
  // A port can serve several connections one after another: those of one port stay in the order of time.
  std::vector<std::pair<std::uint16_t, Nanos>> by_port;
  by_port.reserve(accepted.size());
  for (const Event& event : accepted)
    by_port.emplace_back(static_cast<std::uint16_t>(port_of(event)), event.at);
  std::sort(by_port.begin(), by_port.end());
  for (std::size_t index = 0; index < records.size(); ++index) {
    RequestRecord& record = records[index];
    if (ports[index] == 0) continue;
    const Nanos latest = record.read != 0 ? record.read : std::numeric_limits<Nanos>::max();
    const auto after = std::upper_bound(by_port.begin(), by_port.end(), std::pair{ports[index], latest});
    if (after != by_port.begin() && std::prev(after)->first == ports[index]) {
      record.accepted = std::prev(after)->second;
    }
  }
}

}  // namespace lab
