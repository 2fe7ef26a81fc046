// Who computed when, whether there was a core for each, whether a lock let them, and whether another worker
// could have taken what one had too much of.
#include <set>
#include <tuple>

#include "harness/findings/trace_index.hpp"

namespace lab {

namespace {

/// As the events report it.
std::map<std::uint32_t, Spans> reported_computing(const TraceIndex& trace) {
  std::map<std::uint32_t, Spans> computing;
  std::map<std::uint32_t, Spans> locked;
  for (const Hold& hold : trace.occupancy.holds) {
    if (hold.resource == Resource::gil) locked[hold.request].emplace_back(hold.from, hold.to);
  }
  for (const StepSpan& span : trace.occupancy.steps) {
    const RequestRecord* record = trace.record(span.request);
    if (record == nullptr || trace.steps[record->route].waits(span.index)) continue;
    if (trace.steps[record->route].unhindered(span.index) < kMillisecond / 10) continue;
    Spans& all = computing[span.request];
    const std::size_t before = all.size();
    for (const Span& part : locked[span.request]) {
      if (overlap(part, {span.from, span.to}) > 0) all.push_back(part);
    }
    if (all.size() == before) all.emplace_back(span.from, span.to);
  }
  for (auto& [request, spans] : computing) spans = merged(spans);
  return computing;
}

/// Requests of one process that computed at the same time and were no faster than one alone.
struct Locked {
  std::set<std::uint32_t> requests;
  Losses losses;  ///< beyond what their plans take
};

Nanos planned_computing(const TraceIndex& trace, const RequestRecord& record) {
  Nanos sum = 0;
  for (const StepSpan& step : trace.occupancy.steps_of(record.id)) {
    if (!trace.steps[record.route].waits(step.index)) sum += trace.steps[record.route].unhindered(step.index);
  }
  return sum;
}

/// Only of servers that do not report their lock: ours do.
std::vector<Locked> find_locked(const TraceIndex& trace, const std::map<std::uint32_t, Spans>& computing) {
  constexpr double kAsOne = 1.3;  // two threads on two cores without a lock do the work of 2
  std::vector<Locked> all;
  if (!trace.run.foreign || trace.run.cores < 2) return all;
  std::map<std::int32_t, std::vector<std::uint32_t>> by_worker;
  for (const auto& [request, spans] : computing) by_worker[trace.record(request)->worker].push_back(request);
  for (const auto& [worker, requests] : by_worker) {
    Spans spans;
    for (const std::uint32_t request : requests) append(spans, computing.at(request));
    Cumulative crowded;
    crowded.add(at_least(2, spans));
    crowded.prepare();
    Locked locked;
    Nanos planned = 0;
    Spans busy;
    for (const std::uint32_t request : requests) {
      const Spans& own = computing.at(request);
      double beside_others = 0;
      for (const auto& [from, to] : own) beside_others += crowded.between(from, to);
      if (beside_others * 2 < static_cast<double>(total(own))) continue;
      const Nanos alone = planned_computing(trace, *trace.record(request));
      planned += alone;
      locked.requests.insert(request);
      locked.losses.add(std::max<Nanos>(0, total(own) - alone));
      append(busy, own);
    }
    const auto took = static_cast<double>(total(merged(busy)));
    if (locked.losses.lost >= kWorthReporting && static_cast<double>(planned) <= kAsOne * took)
      all.push_back(std::move(locked));
  }
  return all;
}

struct Oversubscription {
  Nanos lost = 0;  ///< request-time beyond what the cores can do at once
  int most = 0;
  std::size_t workers = 0;  ///< most workers that computed at once
};

Oversubscription crowd_on(int cores, const TraceIndex& trace,
                          const std::map<std::uint32_t, Spans>& computing) {
  std::vector<std::tuple<Nanos, int, std::int32_t>> changes;  // at, by, of the worker; ends first
  for (const auto& [request, spans] : computing) {
    const std::int32_t worker = trace.record(request)->worker;
    for (const auto& [from, to] : spans) {
      changes.emplace_back(from, +1, worker);
      changes.emplace_back(to, -1, worker);
    }
  }
  std::ranges::sort(changes);
  Oversubscription crowd;
  std::map<std::int32_t, int> by_worker;  // those that compute
  int now = 0;
  Nanos since = 0;
  for (const auto& [at, by, worker] : changes) {
    if (now > cores) {
      crowd.lost += (now - cores) * (at - since);
      // A moment at which one ends and the next begins is no crowd.
      if (at - since >= kMillisecond) {
        crowd.most = std::max(crowd.most, now);
        crowd.workers = std::max(crowd.workers, by_worker.size());
      }
    }
    if ((by_worker[worker] += by) == 0) by_worker.erase(worker);
    now += by;
    since = at;
  }
  return crowd;
}

void report_lock(const std::vector<Locked>& all, Findings& findings) {
  Losses sum;
  for (const Locked& locked : all) {
    sum.requests += locked.losses.requests;
    sum.lost += locked.losses.lost;
    sum.longest = std::max(sum.longest, locked.losses.longest);
  }
  if (sum.requests == 0) return;
  report(findings, "LAB103", seconds(sum.lost),
         "computing under a GIL: {} computed at once in {}, but no faster than one after another: {} lost in "
         "total, the longest {}; more threads do not help, processes do.",
         count(sum.requests, "request"),
         all.size() == 1 ? "one process" : fmt::format("{} processes", all.size()), format_duration(sum.lost),
         format_duration(sum.longest));
}

/// When each request computed: with a lock, while it held it; otherwise as long as its steps took. Of a
/// process that has such a lock and does not report it, one request stands for all.
std::map<std::uint32_t, Spans> computing_of(const TraceIndex& trace) {
  std::map<std::uint32_t, Spans> computing = reported_computing(trace);
  for (const Locked& locked : find_locked(trace, computing)) {
    Spans all;
    for (const std::uint32_t request : locked.requests) {
      append(all, computing[request]);
      computing.erase(request);
    }
    computing[*locked.requests.begin()] = merged(all);
  }
  return computing;
}

/// When another worker could have taken a request: one has nothing to do, and a core is free for it.
Spans somebody_free(const TraceIndex& trace) {
  std::map<std::int32_t, Spans> busy;
  Nanos end = 0;
  for (const Hold& hold : trace.occupancy.holds) {
    if (hold.request != 0) busy[hold.worker].emplace_back(hold.from, hold.to);
    end = std::max(end, hold.to);
  }
  Spans workers, computing;
  for (const auto& [worker, spans] : busy) append(workers, merged(spans));
  for (const auto& [request, spans] : computing_of(trace)) append(computing, spans);
  // Taken: all workers are busy, or all cores.
  Spans taken = at_least(trace.run.workers, workers);
  append(taken, at_least(trace.run.cores, computing));
  return gaps(merged(taken), {0, end});
}

/// When nothing more could begin on a worker: its loop is kept by a plan's step, or its pool is held whole.
std::map<std::int32_t, Spans> full_times(const TraceIndex& trace) {
  std::map<std::int32_t, Spans> full, members;
  for (const auto& [worker, uses] : trace.loop_uses) {
    for (const LoopUse& use : uses) full[worker].emplace_back(use.from, use.to);
  }
  for (const Hold& hold : trace.occupancy.holds) {
    if (hold.resource == Resource::pool || hold.resource == Resource::thread)
      members[hold.worker].emplace_back(hold.from, hold.to);
  }
  for (const auto& [worker, holds] : members) append(full[worker], at_least(trace.run.members.pool, holds));
  for (auto& [worker, spans] : full) spans = merged(spans);
  return full;
}

std::string format_split(std::vector<std::int64_t> split) {
  constexpr std::size_t kReported = 8;
  std::sort(split.rbegin(), split.rend());
  const std::size_t some = std::min(split.size(), kReported);
  return fmt::format("{}{}", fmt::join(split.begin(), split.begin() + static_cast<std::ptrdiff_t>(some), "-"),
                     split.size() > some ? "-…" : "");
}

}  // namespace

void find_crowded_cores(const TraceIndex& trace, Findings& findings) {
  report_lock(find_locked(trace, reported_computing(trace)), findings);
  const int cores = trace.run.cores;
  const Oversubscription crowd = crowd_on(cores, trace, computing_of(trace));
  if (crowd.lost < kWorthReporting || crowd.most <= cores) return;
  const auto workers = static_cast<std::int64_t>(crowd.workers);
  const bool too_many_workers = workers > cores;
  report(findings, too_many_workers ? "LAB106" : "LAB122", seconds(crowd.lost),
         "{}: {} computed at once on {}; they took turns and lost {} in total.",
         too_many_workers ? "more workers than cores" : "cores exhausted",
         too_many_workers ? count(workers, "worker") : count(crowd.most, "request"), count(cores, "core"),
         format_duration(crowd.lost));
}

void find_uneven_deal(const TraceIndex& trace, Findings& findings) {
  const std::int64_t workers = trace.run.workers;
  if (workers < 2) return;
  std::vector<std::int64_t> split(static_cast<std::size_t>(workers), 0);
  std::int64_t all = 0;
  for (const RequestRecord& record : trace.run.records) {
    if (record.worker < 0 || record.worker >= workers) continue;
    ++split[static_cast<std::size_t>(record.worker)];
    ++all;
  }
  const std::int64_t share = (all + workers - 1) / workers;
  const std::int64_t most = *std::ranges::max_element(split);
  if (most <= share) return;

  const Spans free = somebody_free(trace);
  std::map<std::int32_t, Cumulative> avoidable;
  for (auto& [worker, spans] : full_times(trace)) {
    append(spans, free);
    avoidable[worker].add(at_least(2, spans));
    avoidable[worker].prepare();
  }
  std::int64_t victims = 0;
  double lost = 0;
  for (const RequestRecord& record : trace.run.records) {
    const auto found = avoidable.find(record.worker);
    if (found == avoidable.end() || record.started == 0 || record.sent == 0) continue;
    const double waited = found->second.between(record.sent, record.started);
    if (waited < static_cast<double>(kWorthReporting)) continue;
    ++victims;
    lost += waited;
  }
  if (victims == 0) return;
  std::vector<std::int64_t> even(static_cast<std::size_t>(workers), all / workers);
  for (std::size_t i = 0; i < static_cast<std::size_t>(all % workers); ++i) ++even[i];
  report(findings, "LAB105", lost / 1e9,
         "connections distributed unevenly: {} instead of {}; {} queued {} in total while another worker was "
         "free.",
         format_split(split), format_split(even), count(victims, "request"),
         format_duration(static_cast<Nanos>(lost)));
}

}  // namespace lab
