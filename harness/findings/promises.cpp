// What was promised and is not done: a coroutine that nobody awaits, a gather that gathers nothing, work that
// nobody finishes or waits for, state that is not shared, queues that refuse.
#include <optional>
#include <set>

#include "harness/findings/trace_index.hpp"
#include "harness/statistics/statistics.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

// Below this a wait is as short as the lateness of a timer.
constexpr Nanos kShortest = 2 * kMillisecond;

/// What a reply must have waited for when every step before it is awaited; the forgotten ones count.
Nanos promised_wait(const Plan& plan) {
  Nanos sum = 0;
  for (const Step& step : plan) {
    if (const auto* wait = step.as<Wait>()) {
      sum += wait->duration;
    } else if (const auto* loop = step.as<Repeat>()) {
      sum += loop->times * promised_wait(loop->steps);
    } else if (const auto* pooled = step.as<Pooled>()) {
      sum += promised_wait(pooled->steps);
    } else if (const auto* forgotten = step.as<Forget>()) {
      sum += promised_wait(forgotten->steps);
    } else if (const auto* all = step.as<Gather>()) {
      Nanos longest = 0;
      for (const Plan& branch : all->branches) longest = std::max(longest, promised_wait(branch));
      sum += longest;
    }
  }
  return sum;
}

/// The time of the plan, and what it would be if the branches of every gather came one after another.
struct GatherTime {
  Nanos gathered = 0, in_a_row = 0;
};

GatherTime gather_time(const Plan& plan) {
  GatherTime time;
  for (const Step& step : plan) {
    const Nanos alone = unhindered_time({step});
    time.gathered += alone;
    if (const auto* all = step.as<Gather>()) {
      for (const Plan& branch : all->branches) time.in_a_row += unhindered_time(branch);
    } else {
      time.in_a_row += alone;
    }
  }
  return time;
}

}  // namespace

void find_forgotten(const TraceIndex& trace, Findings& findings) {
  constexpr double kSurelyEarlier = 0.9;
  const auto made = std::ranges::count_if(
      trace.run.events, [](const Event& event) { return event.kind == EventKind::forgotten; });
  std::int64_t early = 0;
  Nanos promised = 0;
  Nanos quickest = kNever;
  for (const RequestRecord& record : trace.run.records) {
    const Nanos wait = promised_wait(trace.route(record).plan);
    const Nanos took = record.received - record.sent;
    if (record.outcome != Outcome::ok || wait < kShortest || record.sent == 0) continue;
    if (trace.enqueues[record.route]) continue;  // a reply at once is what it promises
    if (static_cast<double>(took) >= kSurelyEarlier * static_cast<double>(wait)) continue;
    quickest = std::min(quickest, took);
    promised = std::max(promised, wait);
    ++early;
  }
  std::vector<std::string> parts;
  if (made > 0) parts.push_back(fmt::format("{} made and dropped", count(made, "coroutine")));
  if (early > 0) {
    parts.push_back(fmt::format("{} answered sooner than the wait of {} in the handler, the first after {}",
                                count(early, "request"), format_duration(promised),
                                format_duration(quickest)));
  }
  if (parts.empty()) return;
  report(findings, "LAB108", 0, "coroutine never awaited: {}.", join(parts, "; "));
}

void find_gathered_blocking(const TraceIndex& trace, Findings& findings) {
  constexpr double kInARow = 0.9;       // of the time that its branches take one after another
  constexpr double kHeldThrough = 0.8;  // of the time it had no way to do two things at once
  Losses losses;
  Nanos gathered = 0;  // of the one that took longest
  Nanos took = 0;
  for (const RequestRecord& record : trace.run.records) {
    if (record.started == 0 || record.finished <= record.started) continue;
    const GatherTime time = gather_time(trace.route(record).plan);
    const Nanos service = record.finished - record.started;
    if (time.in_a_row - time.gathered < kWorthReporting ||
        static_cast<double>(service) < kInARow * static_cast<double>(time.in_a_row))
      continue;
    // Branches that waited for a pool or for other requests are a queue, reported elsewhere.
    Nanos held = 0;
    for (const Hold& hold : trace.occupancy.holds_of(record.id)) {
      if (hold.resource == Resource::loop || hold.resource == Resource::pool ||
          hold.resource == Resource::thread)
        held += overlap({hold.from, hold.to}, {record.started, record.finished});
    }
    if (static_cast<double>(held) < kHeldThrough * static_cast<double>(service)) continue;
    losses.add(service - time.gathered);
    if (service > took) {
      took = service;
      gathered = time.gathered;
    }
  }
  if (losses.requests == 0) return;
  report(
      findings, "LAB109", seconds(losses.lost),
      "gathered, but one after another: {} took {}, overlapping it would be {}; its branches block, so none "
      "runs beside another.",
      count(losses.requests, "request"), format_duration(took), format_duration(gathered));
}

void find_dead_workers(const TraceIndex& trace, Findings& findings) {
  const RunContext& run = trace.run;
  Losses cut;
  for (const RequestRecord& record : run.records) {
    if (record.outcome == Outcome::reset || record.outcome == Outcome::closed ||
        record.outcome == Outcome::refused)
      cut.add(std::max<Nanos>(0, record.received - record.intended));
  }
  const std::vector<WorkerDeath> deaths = worker_deaths(run.supervision, run.kills, run.events, run.began);
  if (cut.requests == 0 && deaths.empty()) return;
  constexpr std::size_t kReported = 4;
  std::string text;
  for (const WorkerDeath& death : deaths) {
    if (&death < deaths.data() + kReported) text += describe(death) + "; ";
  }
  if (deaths.size() > kReported) text += fmt::format("{} more; ", deaths.size() - kReported);
  report(findings, "LAB116", seconds(cut.lost), "worker died: {}{} lost {}.", text,
         cut.requests == 0 ? "no request" : count(cut.requests, "request"),
         cut.requests < 2 ? "its connection" : "their connections");
}

void find_lost_jobs(const TraceIndex& trace, Findings& findings) {
  const RunContext& run = trace.run;
  Stat stat;
  stat.quantity = Stat::Quantity::lost;
  const auto jobs = server_stat(stat, {run.records, run.routes, &run.events, nullptr, run.kills, run.began});
  const auto lost = static_cast<std::int64_t>(jobs.value_or(0));
  if (lost == 0) return;
  report(findings, "LAB112", 0,
         "work lost: {} had begun when a worker died, and no other worker finished {}.", count(lost, "job"),
         lost == 1 ? "it" : "them");
}

void find_abandoned(const TraceIndex& trace, Findings& findings) {
  Losses wasted;
  std::int64_t begun = 0;
  for (const RequestRecord& record : trace.run.records) {
    const Nanos beyond = record.finished - std::max(record.received, record.started);
    if (record.outcome != Outcome::hung_up || record.finished == 0 || beyond < kWorthReporting) continue;
    wasted.add(beyond);
    begun += record.started > record.received ? 1 : 0;
  }
  if (wasted.requests == 0) return;
  report(findings, "LAB117", seconds(wasted.lost),
         "work for nobody: {} went on after {} had hung up{}, {} in total.",
         count(wasted.requests, "handler"), wasted.requests == 1 ? "its client" : "their clients",
         begun > 0 ? fmt::format(" ({} only began then)", begun) : "", format_duration(wasted.lost));
}

/// A count that two workers gave: each counts for itself.
void find_own_counters(const TraceIndex& trace, Findings& findings) {
  std::set<std::pair<std::int64_t, std::int32_t>> given;  // values, and by which worker
  std::map<std::int32_t, std::int64_t> most;
  std::int64_t all = 0;
  for (const RequestRecord& record : trace.run.records) {
    if (record.outcome != Outcome::ok || record.value < 0 || record.worker < 0) continue;
    if (!has_step<Increment>(trace.route(record).plan)) continue;
    ++all;
    given.emplace(record.value, record.worker);
    most[record.worker] = std::max(most[record.worker], record.value);
  }
  const auto twice =
      std::ranges::adjacent_find(given, [](const auto& a, const auto& b) { return a.first == b.first; });
  if (twice == given.end()) return;
  constexpr std::size_t kReported = 8;
  std::vector<std::string> counts;
  for (const auto& [worker, value] : most) {
    if (counts.size() < kReported) counts.push_back(std::to_string(value));
  }
  report(findings, "LAB118", 0, "state not shared: {} were counted by {}, each for itself, up to {}.",
         count(all, "request"), count(std::ssize(most), "worker"), join(counts, ", "));
}

/// A task queue that does not know the id it is asked for.
void find_unknown_ids(const TraceIndex& trace, Findings& findings) {
  constexpr std::uint16_t kUnknown = 404;
  std::int64_t asked = 0, unknown = 0, elsewhere = 0;
  for (const RequestRecord& record : trace.run.records) {
    const RequestRecord* first = trace.record(record.parent);
    const bool fetches = has_step<FetchResult>(trace.route(record));
    if (first == nullptr || record.status == 0 || !fetches) continue;
    ++asked;
    if (record.status != kUnknown) continue;
    ++unknown;
    elsewhere += first->worker >= 0 && record.worker >= 0 && first->worker != record.worker;
  }
  if (unknown == 0) return;
  report(findings, "LAB113", 0,
         "result requested from the wrong worker: {} of {} were answered 404, {} by another worker "
         "than the one that took the job.",
         unknown, count(asked, "question"), elsewhere);
}

void find_full_queue(const TraceIndex& trace, Findings& findings) {
  constexpr std::uint16_t kUnavailable = 503;
  std::int64_t offered = 0, refused = 0;
  for (const RequestRecord& record : trace.run.records) {
    if (record.status == 0 || !trace.enqueues[record.route]) continue;
    ++offered;
    refused += record.status == kUnavailable;
  }
  if (refused == 0) return;
  report(findings, "LAB114", 0, "queue full: {} of {} were refused with 503.", refused,
         count(offered, "job"));
}

}  // namespace lab
