#include "harness/trace/event_collector.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "harness/trace/occupancy.hpp"

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

template <class Done>
void EventCollector::drain_until(Nanos until, Nanos pause, Done&& done) {
  if (rings_ == nullptr) return;
  for (drain(); !done() && monotonic_now() < until; drain()) sleep_until(monotonic_now() + pause);
}

std::size_t EventCollector::await_accepted(std::span<const std::uint16_t> ports, Nanos until) {
  const auto is_missing = [this](std::uint16_t port) { return !port_accepted_[port]; };
  auto next = ports.begin();
  drain_until(until, kBetweenLooks, [&] {
    next = std::find_if(next, ports.end(), is_missing);
    return next == ports.end();
  });
  return rings_ == nullptr ? 0 : static_cast<std::size_t>(std::count_if(next, ports.end(), is_missing));
}

void EventCollector::await_replied(std::span<const RequestRecord> records, Nanos until) {
  auto next = records.begin();
  drain_until(until, kBetweenLooks, [&] {
    next = std::find_if(next, records.end(), [this](const RequestRecord& record) {
      const bool answered = record.outcome == Outcome::ok || record.outcome == Outcome::bad_status;
      return answered && (record.id >= replied_.size() || !replied_[record.id]);
    });
    return next == records.end();
  });
}

void EventCollector::await_ends(Nanos patience, Nanos until) {
  OpenWork open;
  std::size_t seen = 0;
  Nanos heard = monotonic_now();
  drain_until(until, kMillisecond, [&] {
    const Nanos now = monotonic_now();
    for (; seen < events_.size(); ++seen) {
      if (events_[seen].kind != EventKind::turn) heard = now;
      open.add(events_[seen]);
    }
    return now - heard >= (open.empty() ? std::min(kQuiet, patience) : patience);
  });
}

Events EventCollector::take(Nanos began) {
  std::erase_if(events_, [began](const Event& event) { return event.at < began; });
  std::ranges::stable_sort(events_, earlier);
  return std::exchange(events_, {});
}

Events EventCollector::take_accepted() {
  std::ranges::stable_sort(accepted_, earlier);
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
  std::ranges::sort(by_port);
  for (std::size_t index = 0; index < records.size(); ++index) {
    RequestRecord& record = records[index];
    if (ports[index] == 0) continue;
    const Nanos latest = record.read != 0 ? record.read : std::numeric_limits<Nanos>::max();
    const auto after = std::ranges::upper_bound(by_port, std::pair{ports[index], latest});
    if (after != by_port.begin() && std::prev(after)->first == ports[index]) {
      record.accepted = std::prev(after)->second;
    }
  }
}

}  // namespace lab
