#include <set>

#include "harness/findings/trace_index.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

struct BlockedRequest {
  std::uint32_t request = 0;
  double lost = 0;  ///< nanoseconds, as measured
};

/// What the workers' loops were kept with, and who waited for them.
struct Blocked {
  std::vector<BlockedRequest> victims;
  double lost = 0;
  std::map<std::uint32_t, double> cost;         ///< of each holder, to the others
  std::map<std::uint32_t, double> late_cost;    ///< of it: by what it did after its reply
  std::map<std::string_view, double> by_doing;  ///< `a sleeping loop`: what was lost behind it
};

std::string_view doing(const TraceIndex& trace, const LoopUse& use) {
  const Step* step = trace.steps[trace.record(use.request)->route].step(use.step);
  if (step == nullptr) return "a busy loop";
  if (step->is<Wait>()) return "a sleeping loop";
  if (use.waits) return "a loop stuck in a blocking call";
  const auto* compute = step->as<Compute>();
  return compute != nullptr && compute->work == Work::file_read ? "a loop that reads a file"
                                                                : "a computing loop";
}

/// Own work in the spans in which a request waited: it waited for itself.
double own_use(const std::vector<LoopUse>& uses, std::uint32_t request, const Span& span) {
  double own = 0;
  const auto first = std::partition_point(uses.begin(), uses.end(),
                                          [&](const LoopUse& use) { return use.to <= span.first; });
  for (auto use = first; use != uses.end() && use->from < span.second; ++use) {
    if (use->request == request) own += static_cast<double>(overlap({use->from, use->to}, span));
  }
  return own;
}

void add_blocked_on(const TraceIndex& trace, std::int32_t worker, const std::vector<LoopUse>& uses,
                    Blocked& blocked) {
  Cumulative measured;
  Cumulative planned;
  std::set<std::uint32_t> holders;
  for (const LoopUse& use : uses) {
    measured.add(use.from, use.to);
    planned.add(use.from, use.to, use.planned);
    holders.insert(use.request);
  }
  measured.prepare();
  planned.prepare();

  // What is short by its plan stays so on a machine that has become slow.
  const double worth_reporting = std::max(1.0, trace.run.pace) * static_cast<double>(kWorthReporting);
  const std::size_t before = blocked.victims.size();
  Cumulative waiting;
  for (const RequestRecord& record : trace.run.records) {
    if (record.worker != worker) continue;
    const Spans spans = trace.waits_for_loop(record);
    double lost = 0;
    double by_plan = 0;
    for (const auto& span : spans) {
      const double own = holders.count(record.id) != 0 ? own_use(uses, record.id, span) : 0;
      lost += measured.between(span.first, span.second) - own;
      by_plan += planned.between(span.first, span.second) - own;
    }
    if (by_plan < worth_reporting) continue;
    blocked.victims.push_back({record.id, lost});
    blocked.lost += lost;
    waiting.add(spans);
  }
  if (blocked.victims.size() == before) return;
  waiting.prepare();
  for (const LoopUse& use : uses) {
    const double cost = waiting.between(use.from, use.to);
    const RequestRecord& holder = *trace.record(use.request);
    blocked.cost[use.request] += cost;
    if (holder.finished != 0 && use.from >= holder.finished) blocked.late_cost[use.request] += cost;
    blocked.by_doing[doing(trace, use)] += cost;
  }
}

template <class Key>
Key largest(const std::map<Key, double>& values) {
  return std::ranges::max_element(values, {}, &std::pair<const Key, double>::second)->first;
}

Nanos nanos(double value) {
  return static_cast<Nanos>(value);
}

/// `2: 10 ms, 3: 20 ms … 10: 90 ms`: the first two and the last one.
std::string name_victims(const std::vector<BlockedRequest>& victims) {
  constexpr std::size_t kNamed = 3;
  const auto names = mapped(victims, [](const BlockedRequest& victim) {
    return fmt::format("{}: {}", victim.request, format_duration(nanos(victim.lost)));
  });
  if (names.size() <= kNamed) return join(names, ", ");
  return fmt::format("{}, {} … {}", names[0], names[1], names.back());
}

/// `nine others by 100 ms each`: whom that request kept waiting. What is less than half a millisecond is not
/// distinguished from the loop's own work.
std::string delayed_by(const TraceIndex& trace, std::uint32_t holder,
                       const std::vector<BlockedRequest>& victims) {
  constexpr double kAlike = 1.1;
  Losses others;
  Nanos least = kNever;
  for (const BlockedRequest& victim : victims) {
    const RequestRecord& record = *trace.record(victim.request);
    if (victim.request == holder) continue;
    Nanos delay = 0;
    for (const Span& span : trace.waits_for_loop(record)) {
      for (const LoopUse& use : trace.loop_uses.at(record.worker)) {
        if (use.request == holder) delay += overlap({use.from, use.to}, span);
      }
    }
    if (delay < kMillisecond / 2) continue;
    others.add(delay);
    least = std::min(least, delay);
  }
  if (others.requests == 0) return "no other";
  const std::string mean = format_duration(others.lost / others.requests);
  if (others.requests == 1) return fmt::format("one other by {}", mean);
  const std::string them = count(others.requests, "other");
  if (static_cast<double>(others.longest) <= kAlike * static_cast<double>(least))
    return fmt::format("{} by {} each", them, mean);
  return fmt::format("{} by up to {}", them, format_duration(others.longest));
}

/// The turn of a loop in which most of the plans' steps ran.
struct LongTurn {
  std::size_t requests = 0;
  Nanos busy = 0;
};

LongTurn longest_turn(const TraceIndex& trace) {
  LongTurn longest;
  std::map<std::int32_t, std::size_t> at;
  for (const LoopTurn& turn : loop_turns(trace.run.events)) {
    const auto found = trace.loop_uses.find(turn.worker);
    if (found == trace.loop_uses.end()) continue;
    const std::vector<LoopUse>& uses = found->second;
    std::size_t& next = at[turn.worker];
    std::set<std::uint32_t> requests;
    Nanos busy = 0;
    for (; next < uses.size() && uses[next].from < turn.to; ++next) {
      const Nanos within = overlap({uses[next].from, uses[next].to}, {turn.from, turn.to});
      busy += within;
      if (within >= kMillisecond / 2) requests.insert(uses[next].request);
    }
    if (busy > longest.busy) longest = {requests.size(), busy};
  }
  return longest;
}

/// A handler with awaits, each of something that was there already, kept the loop from its start to its end.
std::size_t awaits_of_what_is_ready(const Plan& plan) {
  std::size_t awaits = 0;
  for (const Step& step : plan) {
    if (step.is<Ready>()) ++awaits;
    const auto* loop = step.as<Repeat>();
    if (loop != nullptr)
      awaits += static_cast<std::size_t>(loop->times) * awaits_of_what_is_ready(loop->steps);
  }
  return awaits;
}

void find_awaits_that_never_suspend(const TraceIndex& trace, const std::map<std::uint32_t, double>& cost,
                                    Findings& findings) {
  constexpr double kAllTheTime = 0.9;
  double cost_s = 0;
  Losses kept;
  std::size_t most = 0;
  for (const RequestRecord& record : trace.run.records) {
    const std::size_t awaits = awaits_of_what_is_ready(trace.route(record).plan);
    if (awaits == 0 || record.started == 0 || record.finished <= record.started) continue;
    const Nanos service = record.finished - record.started;
    Nanos held = 0;  // at a stretch
    for (const Hold& hold : trace.occupancy.holds_of(record.id)) {
      if (hold.resource == Resource::loop)
        held = std::max(held, overlap({hold.from, hold.to}, {record.started, record.finished}));
    }
    const Nanos planned = unhindered_time(trace.route(record).plan);
    if (std::min(held, planned) < kWorthReporting ||
        static_cast<double>(held) < kAllTheTime * static_cast<double>(service))
      continue;
    kept.add(held);
    most = std::max(most, awaits);
    if (const auto found = cost.find(record.id); found != cost.end()) cost_s += found->second / 1e9;
  }
  if (kept.requests == 0) return;
  report(findings, "LAB107", cost_s,
         "await that never suspends: {} awaited {} and still kept the loop from start to end, {}.",
         count(kept.requests, "request"), most == 1 ? "once" : fmt::format("{} times", most),
         format_duration(kept.longest));
}

void report_late_work(const std::map<std::uint32_t, double>& cost, Findings& findings) {
  double sum = 0;
  for (const auto& [request, lost] : cost) sum += lost;
  if (sum < static_cast<double>(kWorthReporting)) return;
  const std::uint32_t worst = largest(cost);
  report(findings, "LAB119", sum / 1e9,
         "background work on the loop: request {} was answered, and its work after the reply delayed the "
         "others by {} in total.",
         worst, format_duration(nanos(cost.at(worst))));
}

}  // namespace

void find_loop_blocked(const TraceIndex& trace, Findings& findings) {
  Blocked all;
  for (const auto& [worker, uses] : trace.loop_uses) add_blocked_on(trace, worker, uses, all);
  find_awaits_that_never_suspend(trace, all.cost, findings);
  if (all.victims.empty()) return;
  report_late_work(all.late_cost, findings);
  std::ranges::sort(all.victims, {}, &BlockedRequest::request);
  const std::uint32_t holder = largest(all.cost);
  const std::size_t victims = all.victims.size();
  const LongTurn turn = longest_turn(trace);
  const auto requests = [](std::size_t number) {
    return count(static_cast<std::int64_t>(number), "request");
  };
  report(findings, "LAB101", all.lost / 1e9,
         "loop blocked: {} queued {}{} behind {} ({}); request {} delayed {}.{}", requests(victims),
         format_duration(nanos(all.lost)), victims > 1 ? " in total" : "", largest(all.by_doing),
         name_victims(all.victims), holder, delayed_by(trace, holder, all.victims),
         turn.requests > 1
             ? fmt::format(" The loop served {} without a pause between them.", requests(turn.requests))
             : "");
}

}  // namespace lab
