#include <algorithm>
#include <map>
#include <set>

#include "harness/analysis/why.hpp"
#include "harness/trace/occupancy.hpp"
#include "harness/trace/route_steps.hpp"

namespace lab {

namespace {

/// Paints later facts over earlier ones: first the stamps' phases, then steps, what was held, and what was
/// lacking.
class Painter {
 public:
  Painter(const RequestRecord& record, Nanos end) : cuts_{record.sent, end} {}

  void paint(Nanos from, Nanos to, LaneState state) {
    from = std::max(from, cuts_.front());
    to = std::min(to, cuts_.back());
    if (from >= to) return;
    layers_.push_back({from, to, state});
    marks_.push_back(from);
    marks_.push_back(to);
  }

  std::vector<LaneSegment> segments(Nanos zero) {
    std::ranges::sort(marks_);
    marks_.erase(std::unique(marks_.begin(), marks_.end()), marks_.end());
    std::vector<LaneSegment> result;
    for (std::size_t i = 0; i + 1 < marks_.size(); ++i) {
      const LaneState state = state_at(marks_[i]);
      if (!result.empty() && result.back().state == state) {
        result.back().to_s = seconds(marks_[i + 1] - zero);
      } else {
        result.push_back({seconds(marks_[i] - zero), seconds(marks_[i + 1] - zero), state});
      }
    }
    return result;
  }

 private:
  struct Layer {
    Nanos from, to;
    LaneState state;
  };

  LaneState state_at(Nanos at) const {
    LaneState state = LaneState::runnable;
    for (const Layer& layer : layers_) {
      if (layer.from <= at && at < layer.to) state = layer.state;
    }
    return state;
  }

  std::vector<Nanos> cuts_;
  std::vector<Nanos> marks_;
  std::vector<Layer> layers_;
};

Lane make_lane(const RequestRecord& record, const Occupancy& occupancy, const std::vector<Route>& routes,
               const std::vector<RouteSteps>& steps, Nanos zero, Nanos last, LaneState before_read) {
  Lane lane;
  lane.request = record.id;
  lane.route = routes[record.route].name;
  lane.worker = record.worker;
  lane.answered = record.received != 0;
  lane.end_s = lane.answered ? seconds(record.received - zero) : 0;
  const Nanos end = record.received == 0 ? last : record.received;
  Painter painter(record, end);
  painter.paint(record.sent, record.read == 0 ? end : record.read, before_read);
  if (record.read != 0) painter.paint(record.read, end, LaneState::runnable);
  if (record.finished != 0) painter.paint(record.finished, end, LaneState::reply);
  for (const StepSpan& step : occupancy.steps_of(record.id)) {
    const Nanos planned_end = step.from + steps[record.route].unhindered(step.index);
    painter.paint(step.from, std::min(step.to, planned_end), LaneState::waiting);
  }
  for (const Hold& hold : occupancy.holds_of(record.id)) {
    if (hold.resource == Resource::loop) painter.paint(hold.from, hold.to, LaneState::loop);
    if (hold.resource == Resource::pool || hold.resource == Resource::thread) {
      painter.paint(hold.from, hold.to, LaneState::pool);
    }
  }
  for (const Hold& hold : occupancy.holds_of(record.id)) {
    if (hold.resource == Resource::gil)
      painter.paint(idle_since(record, hold, occupancy), hold.from, LaneState::lock);
  }
  for (const CoreGap& pause : occupancy.pauses_of(record.id))
    painter.paint(pause.from, pause.to, LaneState::runnable);
  lane.segments = painter.segments(zero);
  if (lane.segments.empty())
    lane.segments.push_back({seconds(end - zero), seconds(end - zero), LaneState::reply});
  return lane;
}

// Threads wake up late and loops have small work of their own: what waits less than this waits for no one.
constexpr Nanos kWorthReporting = 5 * kMillisecond;

/// Nanoseconds of a hold in which its request waited, and in which it computed.
std::pair<Nanos, Nanos> steps_within(const Hold& hold, const Occupancy& occupancy, const RouteSteps& route) {
  std::pair<Nanos, Nanos> sums{0, 0};
  for (const StepSpan& step : occupancy.steps_of(hold.request)) {
    (route.waits(step.index) ? sums.first : sums.second) +=
        overlap({hold.from, hold.to}, {step.from, step.to});
  }
  return sums;
}

/// Until when it waited for the loop: a loop may read many requests before it starts the first of their
/// handlers (uvloop).
Nanos loop_took_it(const RequestRecord& record, const Occupancy& occupancy) {
  constexpr Nanos kStarting = 50 * kMicrosecond;
  for (const Hold& hold : occupancy.holds_of(record.id)) {
    const bool starts_it = hold.from <= record.started + kStarting && record.started <= hold.to;
    if (hold.resource == Resource::loop && starts_it) return record.started;
  }
  return record.read;
}

/// The parts of a request's life in which it can only wait for this resource.
Spans waiting_spans(const RequestRecord& record, Resource resource, const Occupancy& occupancy) {
  if (resource == Resource::loop) return {{record.sent, loop_took_it(record, occupancy)}};
  if (resource == Resource::thread) return {{record.sent, record.read}};
  Spans spans;
  // A loop needs the lock to read a request, too.
  if (resource == Resource::gil) spans.emplace_back(record.sent, record.read);
  for (const Hold& hold : occupancy.holds_of(record.id)) {
    if (hold.resource == resource) spans.emplace_back(idle_since(record, hold, occupancy), hold.from);
  }
  if (spans.empty() && resource == Resource::pool) return {{record.read, record.started}};
  return spans;
}

/// The lock is held by what runs on the loop: whoever waits for it waits for the loop.
bool is_the_loops_own(const Hold& hold, const Occupancy& occupancy) {
  if (hold.resource != Resource::gil) return false;
  const std::vector<Hold>& holds = occupancy.holds_of(hold.request);
  return std::ranges::any_of(holds, [&](const Hold& other) {
    return other.resource == Resource::loop && other.from <= hold.from && hold.to <= other.to;
  });
}

/// When no member of a resource was free, per worker: `capacity` of them held at the same time.
std::map<std::int32_t, Spans> exhausted(Resource resource, const Occupancy& occupancy, int capacity) {
  std::map<std::int32_t, Spans> spans;
  for (const Hold& hold : occupancy.holds) {
    if (hold.resource == resource && hold.to > hold.from && !is_the_loops_own(hold, occupancy))
      spans[hold.worker].emplace_back(hold.from, hold.to);
  }
  // A member that is handed on at once was not free in between.
  for (auto& [worker, held] : spans) held = at_least(capacity, held);
  return spans;
}

/// The median length of its holds by requests.
Nanos typical(Resource resource, const Occupancy& occupancy) {
  std::vector<Nanos> lengths;
  for (const Hold& hold : occupancy.holds) {
    if (hold.resource == resource && hold.request != 0) lengths.push_back(hold.to - hold.from);
  }
  if (lengths.empty()) return 0;
  const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(lengths.size() / 2);
  std::nth_element(lengths.begin(), middle, lengths.end());
  return *middle;
}

Queue queue_at(Resource resource, int capacity, std::span<const RequestRecord> records,
               const Occupancy& occupancy, const std::vector<RouteSteps>& routes) {
  std::set<std::int32_t> waited_on;                   // workers
  std::vector<std::pair<std::int32_t, Spans>> waits;  // by worker, of each request
  for (const RequestRecord& record : records) {
    if (record.sent == 0 || record.read == 0 || record.started == 0) continue;
    waits.emplace_back(record.worker, waiting_spans(record, resource, occupancy));
    waited_on.insert(record.worker);
  }

  Queue queue;
  queue.resource = resource;
  Nanos held_time = 0;
  Nanos held_waiting = 0;
  Nanos held_computing = 0;
  for (const Hold& hold : occupancy.holds) {
    const RequestRecord* holder = hold.resource == resource ? find_record(records, hold.request) : nullptr;
    if (holder == nullptr || !waited_on.contains(hold.worker)) continue;
    held_time += hold.to - hold.from;
    const auto [waited, computed] = steps_within(hold, occupancy, routes[holder->route]);
    held_waiting += waited;
    held_computing += computed;
  }
  if ((held_waiting + held_computing) * 2 < held_time)
    return queue;  // held by its own overhead, not by any plan

  std::map<std::int32_t, Cumulative> full;
  for (const auto& [worker, spans] : exhausted(resource, occupancy, capacity)) {
    full[worker].add(spans);
    full[worker].prepare();
    queue.exhausted = std::max(queue.exhausted, total(spans));
  }
  queue.typical_hold = typical(resource, occupancy);
  for (const auto& [worker, spans] : waits) {
    const auto none_free = full.find(worker);
    if (none_free == full.end()) continue;
    Nanos waited = 0;
    for (const auto& [from, to] : spans) waited += static_cast<Nanos>(none_free->second.between(from, to));
    if (waited < kWorthReporting) continue;
    ++queue.requests;
    queue.waited += waited;
    queue.longest = std::max(queue.longest, waited);
  }
  queue.behind_waiting =
      static_cast<Nanos>(static_cast<double>(queue.waited) * static_cast<double>(held_waiting) /
                         static_cast<double>(std::max<Nanos>(held_time, 1)));
  return queue;
}

}  // namespace

std::vector<Lane> make_lanes(std::span<const RequestRecord> records, const Occupancy& occupancy,
                             const std::vector<Route>& routes, const Case& load_case, std::size_t limit) {
  Nanos zero = 0;
  Nanos last = 0;
  for (const RequestRecord& record : records) {
    if (record.sent == 0) continue;
    if (zero == 0 || record.sent < zero) zero = record.sent;
    last = std::max({last, record.received, record.sent});
  }
  const std::vector<RouteSteps> steps = steps_of_routes(routes);
  std::vector<Lane> lanes;
  for (const RequestRecord& record : records) {
    if (lanes.size() == limit) break;
    if (record.sent == 0) continue;
    const bool starts = record.load < load_case.loads.size() && load_case.loads[record.load].client_process;
    lanes.push_back(make_lane(record, occupancy, routes, steps, zero, last,
                              starts ? LaneState::unsent : LaneState::unread));
  }
  return lanes;
}

Nanos idle_since(const RequestRecord& record, const Hold& hold, const Occupancy& occupancy) {
  Nanos since = record.read;
  const auto consider = [&](Nanos moment) {
    if (moment <= hold.from) since = std::max(since, moment);
  };
  for (const StepSpan& step : occupancy.steps_of(record.id)) consider(step.to);
  for (const Hold& other : occupancy.holds_of(record.id)) {
    if (other.from < hold.from) consider(other.from);
    consider(other.to);
  }
  return since;
}

std::vector<Queue> find_queues(std::span<const RequestRecord> records, const Occupancy& occupancy,
                               const std::vector<Route>& routes, const Members& members) {
  std::vector<Queue> queues;
  const std::vector<RouteSteps> steps = steps_of_routes(routes);
  const std::pair<Resource, int> resources[] = {{Resource::loop, 1},
                                                {Resource::pool, members.pool},
                                                {Resource::thread, members.pool},
                                                {Resource::gil, 1},
                                                {Resource::connection, members.connections},
                                                {Resource::queue, members.queue_workers}};
  for (const auto& [resource, capacity] : resources) {
    if (capacity == 0) continue;
    Queue queue = queue_at(resource, capacity, records, occupancy, steps);
    if (queue.requests > 0) queues.push_back(queue);
  }
  return queues;
}

}  // namespace lab
