#include "harness/trace/server_stats.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "harness/trace/loop_activity.hpp"
#include "harness/trace/occupancy.hpp"
#include "harness/trace/route_steps.hpp"

namespace lab {

namespace {

using Quantity = Stat::Quantity;

struct LoadTime {
  Nanos from = 0, to = 0;
  double requests = 0;  // that were sent
  double planned = 0;   // without those that follow up
};

std::optional<LoadTime> load_time(std::span<const RequestRecord> records) {
  std::optional<LoadTime> time;
  for (const RequestRecord& record : records) {
    if (record.outcome == Outcome::unsent) continue;
    if (!time) time = LoadTime{record.sent, record.received};
    time->from = std::min(time->from, record.sent);
    time->to = std::max(time->to, record.received);
    ++time->requests;
    if (record.parent == 0) ++time->planned;
  }
  return time;
}

double count(const Events& events, EventKind kind) {
  return static_cast<double>(
      std::count_if(events.begin(), events.end(), [kind](const Event& e) { return e.kind == kind; }));
}

std::set<std::uint32_t> cut_off_by(const Kill& kill, const RepetitionData& evidence) {
  const Nanos died = evidence.began + kill.at;
  std::set<std::uint32_t> handlers;
  std::map<std::pair<std::uint32_t, std::int64_t>, int> open_steps;
  for (const Event& event : *evidence.events) {
    if (event.at > died) break;
    if (event.worker != kill.worker || event.request == 0) continue;
    switch (event.kind) {
      case EventKind::started: handlers.insert(event.request); break;
      case EventKind::finished: handlers.erase(event.request); break;
      case EventKind::step_begin: ++open_steps[{event.request, event.value}]; break;
      case EventKind::step_end: --open_steps[{event.request, event.value}]; break;
      default: break;
    }
  }
  for (const auto& [step, begun] : open_steps) {
    if (begun > 0) handlers.insert(step.first);
  }
  return handlers;
}

double lost(const RepetitionData& evidence) {
  std::set<std::uint32_t> requests;
  double nameless = 0;
  for (const Event& event : *evidence.events) {
    if (event.kind != EventKind::lost) continue;
    if (event.request == 0) ++nameless;
    if (event.request != 0) requests.insert(event.request);
  }
  for (const Kill& kill : evidence.kills) requests.merge(cut_off_by(kill, evidence));
  for (const RequestRecord& record : evidence.records) {
    const bool broken = record.outcome == Outcome::reset || record.outcome == Outcome::closed;
    if (broken && record.started != 0 && record.finished == 0) requests.insert(record.id);
  }
  return nameless + static_cast<double>(requests.size());
}

bool is_switch(const Compute& compute) {
  return compute.work == Work::coroutine_switch || compute.work == Work::thread_switch ||
         compute.work == Work::process_switch;
}

std::optional<double> switch_time(const RepetitionData& evidence) {
  std::vector<double> times;
  std::map<std::uint32_t, RouteSteps> routes;
  const Occupancy occupancy(*evidence.events);
  for (const RequestRecord& record : evidence.records) {
    if (record.outcome != Outcome::ok || record.route >= evidence.routes.size()) continue;
    const RouteSteps& steps = routes.try_emplace(record.route, evidence.routes[record.route]).first->second;
    for (const StepSpan& span : occupancy.steps_of(record.id)) {
      const Step* step = steps.step(span.index);
      const auto* compute = step == nullptr ? nullptr : std::get_if<Compute>(&step->action);
      if (compute == nullptr || !is_switch(*compute) || compute->units <= 0) continue;
      times.push_back(seconds(span.to - span.from) / static_cast<double>(compute->units));
    }
  }
  return times.empty() ? std::nullopt : std::optional(summarise(std::move(times)).median);
}

double abandoned(std::span<const RequestRecord> records) {
  return static_cast<double>(std::count_if(records.begin(), records.end(), [](const RequestRecord& record) {
    return record.outcome == Outcome::hung_up && record.finished > 0;
  }));
}

std::optional<double> of_events(Quantity quantity, const RepetitionData& evidence) {
  // Every server of ours leaves some.
  if (evidence.events == nullptr || evidence.events->empty()) return std::nullopt;
  const Events& events = *evidence.events;
  // A reply tells what its own handler did, and nothing of loops, losses and other handlers.
  if (evidence.reported_by_headers && quantity != Quantity::done) return std::nullopt;
  switch (quantity) {
    case Quantity::gap: return seconds(longest_gap(loop_turns(events)));
    case Quantity::utilisation: {
      const auto time = load_time(evidence.records);
      return time && time->to > time->from
                 ? std::optional(utilisation(loop_turns(events), time->from, time->to))
                 : std::nullopt;
    }
    case Quantity::done: return count(events, EventKind::step_end);
    case Quantity::forgotten: return count(events, EventKind::forgotten);
    case Quantity::cancelled: return count(events, EventKind::cancelled);
    case Quantity::lost: return lost(evidence);
    case Quantity::abandoned: return abandoned(evidence.records);
    case Quantity::switch_time: return switch_time(evidence);
    default: return std::nullopt;
  }
}

std::optional<double> of_processes(Quantity quantity, const RepetitionData& evidence) {
  if (evidence.server == nullptr || !evidence.server->known()) return std::nullopt;
  const ServerUse& use = *evidence.server;
  const auto added = static_cast<double>(use.private_peak - use.private_before);
  const auto time = load_time(evidence.records);
  switch (quantity) {
    case Quantity::memory: return added;
    case Quantity::resident: return static_cast<double>(use.resident_peak);
    case Quantity::virtual_memory: return static_cast<double>(use.virtual_peak);
    case Quantity::threads: return static_cast<double>(use.threads_peak);
    default: break;
  }
  if (!time || time->planned == 0) return std::nullopt;
  switch (quantity) {
    case Quantity::memory_each: return added / time->planned;
    case Quantity::switches:
      return static_cast<double>(use.voluntary_switches + use.involuntary_switches) / time->requests;
    case Quantity::cpu:
      return time->to > time->from ? std::optional(seconds(use.cpu) / seconds(time->to - time->from))
                                   : std::nullopt;
    default: return std::nullopt;
  }
}

}  // namespace

std::optional<double> server_stat(const Stat& stat, const RepetitionData& evidence) {
  const auto found = of_events(stat.quantity, evidence);
  return found ? found : of_processes(stat.quantity, evidence);
}

}  // namespace lab
