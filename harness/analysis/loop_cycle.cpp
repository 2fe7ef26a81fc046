#include "harness/analysis/loop_cycle.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <tuple>

#include "harness/trace/route_steps.hpp"

namespace lab {

namespace {

/// At one moment the loop is given back before it is taken.
int rank_of(CycleEvent what) {
  switch (what) {
    case CycleEvent::awaits:
    case CycleEvent::yields:
    case CycleEvent::ends: return 0;
    case CycleEvent::arrives:
    case CycleEvent::ready: return 1;
    default: return 2;
  }
}

/// Follows one request through the events of its worker.
class Follower {
 public:
  Follower(const std::vector<const Event*>& events, const RequestRecord& record, const RouteSteps& steps,
           std::vector<CycleChange>& changes)
      : events_(events), sent_(record.sent), steps_(steps), changes_(changes) {}

  void run() {
    for (std::size_t i = 0; i < events_.size(); ++i) follow(i);
  }

 private:
  void add(Nanos at, CycleEvent what) { changes_.push_back({at, what, events_.front()->request}); }

  void follow(std::size_t i) {
    const Event& event = *events_[i];
    const bool loop = event.resource == Resource::loop;
    switch (event.kind) {
      case EventKind::read:
        // It queues for the loop from the moment that its bytes lie in the socket.
        add(sent_ > 0 ? std::min(sent_, event.at) : event.at, CycleEvent::arrives);
        break;
      case EventKind::acquire:
        if (loop) take(event.at);
        break;
      case EventKind::release:
        if (loop) give_back(event.at, i);
        break;
      case EventKind::step_begin: open_[event.value] = event.at; break;
      case EventKind::step_end: end_step(event); break;
      case EventKind::finished: over_ = true; break;
      case EventKind::cancelled:
        if (!holds_) add(event.at, CycleEvent::ends);
        over_ = true;
        break;
      default: break;
    }
  }

  /// When the wait of a step was over that somebody noted at `at`.
  Nanos over_at(std::int64_t step, Nanos began, Nanos at) const {
    const bool timed = steps_.waits(step) && steps_.unhindered(step) > 0;
    return timed ? std::min(began + steps_.unhindered(step), at) : at;
  }

  void take(Nanos at) {
    // A real loop notes the end of a wait when it comes to it; the wait was over before.
    if (waits_)
      add(open_.empty() ? at : over_at(open_.begin()->first, open_.begin()->second, at), CycleEvent::ready);
    add(at, started_ ? CycleEvent::resumes : CycleEvent::starts);
    started_ = true;
    holds_ = true;
    waits_ = false;
  }

  void give_back(Nanos at, std::size_t i) {
    holds_ = false;
    bool begins = false;
    bool comes_back = false;
    bool ends = over_;
    for (std::size_t next = i + 1; next < events_.size() && !begins && !comes_back; ++next) {
      begins = events_[next]->kind == EventKind::step_begin;
      comes_back = events_[next]->kind == EventKind::acquire && events_[next]->resource == Resource::loop;
      ends |= events_[next]->kind == EventKind::finished;
    }
    if (!open_.empty() || begins) {
      waits_ = true;
      return add(at, CycleEvent::awaits);
    }
    if (comes_back) return add(at, CycleEvent::yields);
    if (ends) add(at, CycleEvent::ends);
  }

  void end_step(const Event& event) {
    const auto begun = open_.find(event.value);
    if (begun == open_.end()) return;
    const Nanos began = begun->second;
    open_.erase(begun);
    if (holds_ || !waits_ || !open_.empty()) return;
    waits_ = false;
    add(over_at(event.value, began, event.at), CycleEvent::ready);
  }

  const std::vector<const Event*>& events_;
  Nanos sent_;
  const RouteSteps& steps_;
  std::vector<CycleChange>& changes_;
  std::map<std::int64_t, Nanos> open_;  // steps, by index
  bool started_ = false, holds_ = false, waits_ = false, over_ = false;
};

/// All changes in order of time. What happens to one request stays in its own order, however short it was.
std::vector<CycleChange> in_order(const std::vector<std::vector<CycleChange>>& lives) {
  using Next = std::tuple<Nanos, int, std::size_t>;  // of each request: when, its rank, whose
  std::priority_queue<Next, std::vector<Next>, std::greater<>> coming;
  std::vector<std::size_t> next(lives.size(), 0);
  const auto wait_for = [&](std::size_t whose) {
    if (next[whose] == lives[whose].size()) return;
    const CycleChange& change = lives[whose][next[whose]];
    coming.emplace(change.at, rank_of(change.what), whose);
  };
  for (std::size_t whose = 0; whose < lives.size(); ++whose) wait_for(whose);
  std::vector<CycleChange> changes;
  while (!coming.empty()) {
    const std::size_t whose = std::get<2>(coming.top());
    coming.pop();
    changes.push_back(lives[whose][next[whose]++]);
    wait_for(whose);
  }
  return changes;
}

void remove(std::vector<std::uint32_t>& set, std::uint32_t request) {
  set.erase(std::remove(set.begin(), set.end(), request), set.end());
}

}  // namespace

std::string_view to_string(CycleEvent event) {
  constexpr std::string_view kWords[] = {"arrives", "starts", "awaits", "is ready",
                                         "goes on", "yields", "ends"};
  return kWords[static_cast<std::size_t>(event)];
}

std::vector<CycleChange> loop_changes(const Events& events, std::span<const RequestRecord> records,
                                      const std::vector<Route>& routes, std::uint16_t worker) {
  std::map<std::uint32_t, std::vector<const Event*>> by_request;
  for (const Event& event : events) {
    if (event.worker == worker && event.request != 0) by_request[event.request].push_back(&event);
  }
  const std::vector<RouteSteps> steps = steps_of_routes(routes);
  std::vector<std::vector<CycleChange>> lives;
  for (const auto& [request, mine] : by_request) {
    const RequestRecord* record = find_record(records, request);
    if (record == nullptr || record->route >= steps.size()) continue;
    std::vector<CycleChange>& life = lives.emplace_back();
    Follower(mine, *record, steps[record->route], life).run();
    // A server notes that it read a request after it gave the loop to it.
    std::ranges::stable_sort(life, [](const CycleChange& a, const CycleChange& b) {
      const bool arrives = a.what == CycleEvent::arrives && b.what != CycleEvent::arrives;
      return a.at != b.at ? a.at < b.at : arrives;
    });
  }
  return in_order(lives);
}

std::vector<CycleStep> loop_cycle(const Events& events, std::span<const RequestRecord> records,
                                  const std::vector<Route>& routes, std::uint16_t worker) {
  std::vector<CycleStep> cycle;
  CycleStep now;
  for (const CycleChange& change : loop_changes(events, records, routes, worker)) {
    remove(now.ready, change.request);
    remove(now.waiting, change.request);
    if (now.running == change.request) now.running.reset();
    switch (change.what) {
      case CycleEvent::starts:
      case CycleEvent::resumes:
        // Two threads' stamps may overlap by a microsecond; a loop never does.
        if (now.running) now.ready.push_back(*now.running);
        now.running = change.request;
        break;
      case CycleEvent::arrives:
      case CycleEvent::ready:
      case CycleEvent::yields: now.ready.push_back(change.request); break;
      case CycleEvent::awaits: now.waiting.push_back(change.request); break;
      case CycleEvent::ends: break;
    }
    static_cast<CycleChange&>(now) = change;
    cycle.push_back(now);
  }
  return cycle;
}

std::vector<PathSpan> request_path(const RequestRecord& record, const Events& events) {
  std::vector<PathSpan> path;
  if (record.sent == 0) return path;
  const auto replied = std::ranges::find_if(events, [&](const Event& event) {
    return event.kind == EventKind::replied && event.request == record.id;
  });
  const auto add = [&path](std::string_view name, Nanos from, Nanos to) {
    if (from != 0 && to != 0) path.push_back({name, from, std::max(from, to)});
  };
  const bool connects = record.accepted > record.intended;
  if (connects) add("accept", record.intended, record.accepted);
  add("parse", connects ? std::max(record.sent, record.accepted) : record.sent, record.read);
  add("route", record.read, record.started);
  add("handler", record.started, record.finished);
  const Nanos written = replied == events.end() ? 0 : replied->at;
  add("write", record.finished, written);
  add("reply", written != 0 ? written : record.finished, record.received);
  return path;
}

}  // namespace lab
