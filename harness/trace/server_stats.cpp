#include <algorithm>
#include <map>
#include <set>

#include "harness/statistics/statistics.hpp"
#include "harness/trace/occupancy.hpp"
#include "harness/trace/route_steps.hpp"

namespace lab {

namespace {

using Quantity = Stat::Quantity;

struct LoadTime {
  Nanos from = 0, to = 0;
  double requests = 0;  // that were sent
  double planned = 0;   // without those that follow up
  Nanos span() const { return to - from; }
};

LoadTime load_time(std::span<const RequestRecord> records) {
  LoadTime time;
  for (const RequestRecord& record : records) {
    if (record.outcome == Outcome::unsent) continue;
    time.from = time.requests == 0 ? record.sent : std::min(time.from, record.sent);
    time.to = time.requests == 0 ? record.received : std::max(time.to, record.received);
    ++time.requests;
    if (record.parent == 0) ++time.planned;
  }
  return time;
}

template <class Visit>
void for_each_event(const RepetitionData& data, Visit&& visit) {
  if (data.each_event) return data.each_event(visit);
  for (const Event& event : *data.events) visit(event);
}

double count(const RepetitionData& data, EventKind kind) {
  std::int64_t found = 0;
  for_each_event(data, [&](const Event& event) { found += event.kind == kind; });
  return static_cast<double>(found);
}

std::vector<LoopTurn> turns_of(const RepetitionData& data) {
  TurnReader reader;
  for_each_event(data, [&](const Event& event) { reader.add(event); });
  return reader.take();
}

double lost(const RepetitionData& data) {
  std::set<std::uint32_t> requests;
  double nameless = 0;
  for_each_event(data, [&](const Event& event) {
    if (event.kind != EventKind::lost) return;
    if (event.request == 0) ++nameless;
    if (event.request != 0) requests.insert(event.request);
  });
  for (const Kill& kill : data.kills) {
    OpenWork open;
    std::set<std::uint32_t> in_queue;  // a job is lost where its own event says so: a queue's worker may live
    for (const Event& event : *data.events) {
      if (event.at > data.began + kill.at) break;
      if (event.worker != kill.worker) continue;
      open.add(event);
      if (event.resource != Resource::queue) continue;
      if (event.kind == EventKind::acquire) in_queue.insert(event.request);
      if (event.kind == EventKind::release) in_queue.erase(event.request);
    }
    for (const std::uint32_t request : open.requests()) {
      if (!in_queue.contains(request)) requests.insert(request);
    }
  }
  for (const RequestRecord& record : data.records) {
    const bool broken = record.outcome == Outcome::reset || record.outcome == Outcome::closed;
    if (broken && record.started != 0 && record.finished == 0) requests.insert(record.id);
  }
  return nameless + static_cast<double>(requests.size());
}

bool switches(const Compute* compute) {
  return compute != nullptr && compute->units > 0 && is_switch(compute->work);
}

std::optional<double> switch_time(const RepetitionData& data) {
  std::vector<double> times;
  std::map<std::uint32_t, RouteSteps> routes;
  const Occupancy occupancy(*data.events);
  for (const RequestRecord& record : data.records) {
    if (record.outcome != Outcome::ok || record.route >= data.routes.size()) continue;
    const Route& route = data.routes[record.route];
    if (data.reported_by_headers) {  // no spans: the handler's time, where it does nothing else
      const auto* only = route.plan.size() == 1 ? route.plan.front().as<Compute>() : nullptr;
      if (switches(only))
        times.push_back(seconds(record.finished - record.started) / static_cast<double>(only->units));
      continue;
    }
    const RouteSteps& steps = routes.try_emplace(record.route, route).first->second;
    for (const StepSpan& span : occupancy.steps_of(record.id)) {
      const Step* step = steps.step(span.index);
      const auto* compute = step == nullptr ? nullptr : step->as<Compute>();
      if (!switches(compute)) continue;
      times.push_back(seconds(span.to - span.from) / static_cast<double>(compute->units));
    }
  }
  return times.empty() ? std::nullopt : std::optional(median_of(std::move(times)));
}

std::optional<double> of_events(Quantity quantity, const RepetitionData& data) {
  // Every server of ours leaves some.
  if (data.events == nullptr || data.events->empty()) return std::nullopt;
  // A reply says what its own handler did, and nothing of loops, losses and other handlers.
  if (data.reported_by_headers && quantity != Quantity::done && quantity != Quantity::switch_time)
    return std::nullopt;
  switch (quantity) {
    case Quantity::gap: return seconds(longest_gap(turns_of(data)));
    case Quantity::utilisation: {
      const LoadTime time = load_time(data.records);
      return time.span() > 0 ? std::optional(utilisation(turns_of(data), time.from, time.to)) : std::nullopt;
    }
    case Quantity::done: return count(data, EventKind::step_end);
    case Quantity::forgotten: return count(data, EventKind::forgotten);
    case Quantity::cancelled: return count(data, EventKind::cancelled);
    case Quantity::lost: return lost(data);
    case Quantity::abandoned:
      return static_cast<double>(std::ranges::count_if(data.records, [](const RequestRecord& record) {
        return record.outcome == Outcome::hung_up && record.finished > 0;
      }));
    case Quantity::switch_time: return switch_time(data);
    default: return std::nullopt;
  }
}

std::optional<double> of_processes(Quantity quantity, const RepetitionData& data) {
  if (data.server == nullptr || !data.server->known()) return std::nullopt;
  const ServerUse& use = *data.server;
  const auto share = [](std::int64_t amount, double of) {
    return of > 0 ? std::optional(static_cast<double>(amount) / of) : std::nullopt;
  };
  const LoadTime time = load_time(data.records);
  switch (quantity) {
    case Quantity::memory: return share(use.private_peak - use.private_before, 1);
    case Quantity::resident: return share(use.resident_peak, 1);
    case Quantity::virtual_memory: return share(use.virtual_peak, 1);
    case Quantity::threads: return share(use.threads_peak, 1);
    case Quantity::memory_each: return share(use.private_peak - use.private_before, time.planned);
    case Quantity::switches: return share(use.voluntary_switches + use.involuntary_switches, time.requests);
    case Quantity::cpu:
      return time.span() > 0 ? std::optional(seconds(use.cpu) / seconds(time.span())) : std::nullopt;
    default: return std::nullopt;
  }
}

}  // namespace

std::optional<double> server_stat(const Stat& stat, const RepetitionData& data) {
  const auto found = of_events(stat.quantity, data);
  return found ? found : of_processes(stat.quantity, data);
}

}  // namespace lab
