#include <algorithm>
#include <map>

#include "harness/why.hpp"

namespace lab {

namespace {

constexpr Nanos kWorthTelling = kMillisecond;

/// How many requests wait at each moment, and the request-time lost up to any moment.
class Waiting {
 public:
  void add(Nanos from, Nanos to) {
    if (to <= from) return;
    changes_.push_back({from, +1});
    changes_.push_back({to, -1});
  }

  void prepare() {
    std::sort(changes_.begin(), changes_.end());
    std::int64_t count = 0;
    Nanos lost = 0;
    Nanos at = changes_.empty() ? 0 : changes_.front().first;
    for (const auto& [moment, change] : changes_) {
      lost += count * (moment - at);
      at = moment;
      count += change;
      points_.push_back({at, lost, count});
    }
  }

  Nanos lost_between(Nanos from, Nanos to) const { return lost_until(to) - lost_until(from); }

 private:
  struct Point {
    Nanos at, lost;
    std::int64_t count;
  };

  Nanos lost_until(Nanos moment) const {
    auto after = std::upper_bound(points_.begin(), points_.end(), moment,
                                  [](Nanos value, const Point& point) { return value < point.at; });
    if (after == points_.begin()) return 0;
    const Point& point = *std::prev(after);
    return point.lost + point.count * (moment - point.at);
  }

  std::vector<std::pair<Nanos, std::int64_t>> changes_;
  std::vector<Point> points_;
};

bool waits_for(const Route& route, const StepSpan& step) {
  const auto index = static_cast<std::size_t>(step.index);
  return index < route.plan.size() && std::holds_alternative<Wait>(route.plan[index].action);
}

/// Nanoseconds of a hold in which its request did nothing but wait.
Nanos waiting_within(const Hold& hold, const Occupancy& occupancy, const Route& route) {
  Nanos sum = 0;
  for (const StepSpan& step : occupancy.steps_of(hold.request)) {
    if (!waits_for(route, step)) continue;
    sum += std::max<Nanos>(0, std::min(hold.to, step.to) - std::max(hold.from, step.from));
  }
  return sum;
}

/// The part of a request's life in which it can only wait for this resource.
std::pair<Nanos, Nanos> waiting_span(const RequestRecord& record, Resource resource) {
  if (resource == Resource::pool) return {record.read, record.started};
  return {record.sent, record.read};
}

Queue queue_at(Resource resource, std::span<const RequestRecord> records, const Occupancy& occupancy,
               const std::vector<Route>& routes) {
  std::map<std::int32_t, Waiting> by_worker;
  for (const RequestRecord& record : records) {
    if (record.sent == 0 || record.read == 0 || record.started == 0) continue;
    const auto [from, to] = waiting_span(record, resource);
    by_worker[record.worker].add(from, to);
  }
  for (auto& [worker, waiting] : by_worker) waiting.prepare();

  Queue queue;
  queue.resource = resource;
  std::map<std::int32_t, Waiting> held;  // when it was held at all, to see who really waited for it
  Nanos held_time = 0;
  Nanos held_waiting = 0;
  for (const Hold& hold : occupancy.holds) {
    if (hold.resource != resource || hold.request == 0 || hold.request > records.size()) continue;
    const auto waiting = by_worker.find(hold.worker);
    if (waiting == by_worker.end()) continue;
    const Route& route = routes[records[hold.request - 1].route];
    held_time += hold.to - hold.from;
    held_waiting += waiting_within(hold, occupancy, route);
    held[hold.worker].add(hold.from, hold.to);
    const Nanos cost = waiting->second.lost_between(hold.from, hold.to);
    if (cost > queue.worst_holder_cost) {
      queue.worst_holder_cost = cost;
      queue.worst_holder = hold.request;
    }
  }
  for (auto& [worker, holding] : held) holding.prepare();
  for (const RequestRecord& record : records) {
    if (record.sent == 0 || record.read == 0 || record.started == 0) continue;
    const auto holding = held.find(record.worker);
    if (holding == held.end()) continue;
    const auto [from, to] = waiting_span(record, resource);
    const Nanos waited = std::min(to - from, holding->second.lost_between(from, to));
    if (waited <= kWorthTelling) continue;
    ++queue.requests;
    queue.waited += waited;
    queue.longest = std::max(queue.longest, waited);
  }
  if (held_time > 0) {
    queue.behind_waiting =
        static_cast<Nanos>(static_cast<double>(queue.waited) * static_cast<double>(held_waiting) /
                           static_cast<double>(held_time));
  }
  return queue;
}

}  // namespace

std::vector<Queue> find_queues(std::span<const RequestRecord> records, const Occupancy& occupancy,
                               const std::vector<Route>& routes) {
  std::vector<Queue> queues;
  for (const Resource resource : {Resource::loop, Resource::pool, Resource::thread}) {
    Queue queue = queue_at(resource, records, occupancy, routes);
    if (queue.requests > 0) queues.push_back(queue);
  }
  return queues;
}

}  // namespace lab
