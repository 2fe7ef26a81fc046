#include "harness/findings/trace_index.hpp"

#include <array>

#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

// asyncio's own alarm (loop.slow_callback_duration): a step of which the plan knows no time still blocks.
constexpr Nanos kSlowAnyway = 100 * kMillisecond;

double planned_share(Nanos unhindered, Nanos taken) {
  if (taken <= 0) return 0;
  if (unhindered <= 0) return taken >= kSlowAnyway ? 1 : 0;
  return std::min(1.0, static_cast<double>(unhindered) / static_cast<double>(taken));
}

}  // namespace

TraceIndex::TraceIndex(const RunContext& from)
    : run(from), occupancy(from.events), steps(steps_of_routes(from.routes)) {
  for (const Route& route : run.routes) enqueues.push_back(has_step<Enqueue>(route.plan));
  for (const Event& event : run.events) {
    const RequestRecord* owner = event.kind == EventKind::enqueued ? record(event.request) : nullptr;
    if (owner != nullptr) enqueues[owner->route] = true;
  }
  for (const Hold& hold : occupancy.holds) {
    const RequestRecord* holder = record(hold.request);
    if (hold.resource != Resource::loop || holder == nullptr) continue;
    const RouteSteps& route_steps = steps[holder->route];
    const std::vector<StepSpan>& spans = occupancy.steps_of(hold.request);
    // Branches of a handler are open at the same time; what began last is what runs.
    Nanos until = hold.to;
    std::vector<LoopUse> uses;
    for (auto step = spans.rbegin(); step != spans.rend() && until > hold.from; ++step) {
      const Span both{std::max(hold.from, step->from), std::min(until, step->to)};
      if (both.second <= both.first) continue;
      uses.push_back({hold.request, step->index, both.first, both.second,
                      planned_share(route_steps.unhindered(step->index), step->to - step->from),
                      route_steps.waits(step->index)});
      until = both.first;
    }
    loop_uses[hold.worker].insert(loop_uses[hold.worker].end(), uses.rbegin(), uses.rend());
  }
}

const RequestRecord* TraceIndex::record(std::uint32_t request) const {
  const RequestRecord* found = find_record(run.records, request);
  return found != nullptr && found->route < run.routes.size() ? found : nullptr;
}

Nanos TraceIndex::ready_since(const RequestRecord& record, const Hold& hold) const {
  Nanos since = record.read;
  for (const StepSpan& step : occupancy.steps_of(record.id)) {
    if (step.from >= hold.from) break;
    const bool waits = steps[record.route].waits(step.index);
    const Nanos due = step.from + steps[record.route].unhindered(step.index);
    since = std::max(since, waits ? std::min(step.to, due) : step.to);
  }
  for (const Hold& other : occupancy.holds_of(record.id)) {
    if (other.from < hold.from) since = std::max({since, other.from, std::min(other.to, hold.from)});
  }
  return since;
}

Spans TraceIndex::waits_for_loop(const RequestRecord& record) const {
  Spans spans;
  if (record.sent == 0 || record.read == 0) return spans;
  spans.emplace_back(record.sent, record.read);
  for (const Hold& hold : occupancy.holds_of(record.id)) {
    if (hold.resource != Resource::loop || hold.from <= record.read) continue;
    const Nanos since = ready_since(record, hold);
    if (since < hold.from) spans.emplace_back(since, hold.from);
  }
  return spans;
}

std::int64_t members_of(const RunContext& run, Resource resource) {
  switch (resource) {
    case Resource::loop: return run.workers;
    case Resource::pool:
    case Resource::thread: return std::int64_t{run.members.pool} * run.workers;
    case Resource::connection: return std::int64_t{run.members.connections} * run.workers;
    case Resource::queue: return run.queue_workers;
    default: return 0;
  }
}

std::vector<Finding> find_findings(const RunContext& run) {
  const TraceIndex trace(run);
  Findings findings;
  for (Detector* detect :
       {find_loop_blocked, find_gathered_blocking, find_exhausted, find_held_threads, find_uneven_deal,
        find_crowded_cores, find_forgotten, find_dead_workers, find_lost_jobs, find_abandoned,
        find_own_counters, find_unknown_ids, find_full_queue, find_nagle, find_late_generator, find_overload})
    detect(trace, findings);
  std::ranges::stable_sort(findings, std::ranges::greater{}, &Finding::cost_s);
  return findings;
}

std::string count(std::int64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number_word(number), noun, number == 1 ? "" : "s");
}

}  // namespace lab
