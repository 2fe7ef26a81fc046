// Who computed when, whether there was a core for each, and whether a lock let them.
#include "harness/findings/trace_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/findings/words.hpp"

namespace lab {

namespace {

/// As the events tell it.
std::map<std::uint32_t, Spans> reported_computing(const TraceIndex& clues) {
  std::map<std::uint32_t, Spans> computing;
  std::map<std::uint32_t, Spans> locked;
  for (const Hold& hold : clues.occupancy.holds) {
    if (hold.resource == Resource::gil) locked[hold.request].emplace_back(hold.from, hold.to);
  }
  for (const StepSpan& span : clues.occupancy.steps) {
    const RequestRecord* record = clues.record(span.request);
    if (record == nullptr || clues.steps[record->route].waits(span.index)) continue;
    if (clues.steps[record->route].unhindered(span.index) < kMillisecond / 10) continue;
    Spans parts;
    for (const Span& part : locked[span.request]) {
      if (overlap(part, {span.from, span.to}) > 0) parts.push_back(part);
    }
    if (parts.empty()) parts.emplace_back(span.from, span.to);
    Spans& all = computing[span.request];
    all.insert(all.end(), parts.begin(), parts.end());
  }
  for (auto& [request, spans] : computing) spans = merged(std::move(spans));
  return computing;
}

/// Requests of one process that computed at the same time and were no faster than one alone.
struct Locked {
  std::int32_t worker = 0;
  std::set<std::uint32_t> requests;
  Nanos lost = 0, longest = 0;  ///< beyond what their plans take
};

Nanos planned_computing(const TraceIndex& clues, const RequestRecord& record) {
  Nanos sum = 0;
  for (const StepSpan& step : clues.occupancy.steps_of(record.id)) {
    if (!clues.steps[record.route].waits(step.index)) sum += clues.steps[record.route].unhindered(step.index);
  }
  return sum;
}

/// Only of servers that do not tell of their lock: ours do.
std::vector<Locked> find_locked(const TraceIndex& clues, const std::map<std::uint32_t, Spans>& computing) {
  constexpr double kAsOne = 1.3;  // two threads on two cores without a lock do the work of 2
  std::vector<Locked> all;
  if (!clues.scene.foreign || clues.scene.cores < 2) return all;
  std::map<std::int32_t, std::vector<std::uint32_t>> by_worker;
  for (const auto& [request, spans] : computing) by_worker[clues.record(request)->worker].push_back(request);
  for (const auto& [worker, requests] : by_worker) {
    std::vector<Spans> spans;
    for (const std::uint32_t request : requests) spans.push_back(computing.at(request));
    const Spans crowded = at_least(2, spans);
    Locked locked{worker, {}, 0, 0};
    Nanos planned = 0;
    Spans busy;
    for (const std::uint32_t request : requests) {
      const Spans& own = computing.at(request);
      if (total(both(own, crowded)) * 2 < total(own)) continue;
      const Nanos alone = planned_computing(clues, *clues.record(request));
      planned += alone;
      locked.requests.insert(request);
      locked.lost += std::max<Nanos>(0, total(own) - alone);
      locked.longest = std::max(locked.longest, total(own) - alone);
      busy.insert(busy.end(), own.begin(), own.end());
    }
    const auto took = static_cast<double>(total(merged(std::move(busy))));
    if (locked.lost >= kWorthTelling && static_cast<double>(planned) <= kAsOne * took)
      all.push_back(std::move(locked));
  }
  return all;
}

struct Oversubscription {
  Nanos lost = 0;  ///< request-time beyond what the cores can do at once
  int most = 0;
  std::size_t workers = 0;  ///< most workers that computed at once
};

struct Change {
  Nanos at;
  int by;
  std::int32_t worker;
};

std::vector<Change> changes_of(const TraceIndex& clues, const std::map<std::uint32_t, Spans>& computing) {
  std::vector<Change> changes;
  for (const auto& [request, spans] : computing) {
    const std::int32_t worker = clues.record(request)->worker;
    for (const auto& [from, to] : spans) {
      changes.push_back({from, +1, worker});
      changes.push_back({to, -1, worker});
    }
  }
  std::sort(changes.begin(), changes.end(),
            [](const Change& a, const Change& b) { return a.at != b.at ? a.at < b.at : a.by < b.by; });
  return changes;
}

Oversubscription crowd_on(int cores, const std::vector<Change>& changes) {
  Oversubscription crowd;
  std::map<std::int32_t, int> by_worker;
  std::size_t workers = 0;
  int now = 0;
  Nanos at = 0;
  for (const Change& change : changes) {
    if (now > cores) {
      crowd.lost += (now - cores) * (change.at - at);
      // A moment at which one ends and the next begins is no crowd.
      if (change.at - at >= kMillisecond) {
        crowd.most = std::max(crowd.most, now);
        crowd.workers = std::max(crowd.workers, workers);
      }
    }
    int& own = by_worker[change.worker];
    if (own == 0 && change.by > 0) ++workers;
    own += change.by;
    if (own == 0 && change.by < 0) --workers;
    now += change.by;
    at = change.at;
  }
  return crowd;
}

void report_lock(const std::vector<Locked>& all, std::vector<Finding>& findings) {
  std::int64_t requests = 0;
  Nanos lost = 0;
  Nanos longest = 0;
  for (const Locked& locked : all) {
    requests += static_cast<std::int64_t>(locked.requests.size());
    lost += locked.lost;
    longest = std::max(longest, locked.longest);
  }
  if (requests == 0) return;
  findings.push_back(
      {"LAB103",
       fmt::format("computing under a GIL: {} computed at once in {} and got along no faster than one "
                   "alone: {} lost in total, the longest {}; more threads do not help, processes do.",
                   count(requests, "request"),
                   all.size() == 1 ? "one process" : fmt::format("{} processes", all.size()),
                   format_span(lost), format_span(longest)),
       seconds(lost),
       {{"victims", static_cast<double>(requests)},
        {"lost_s", seconds(lost)},
        {"longest_s", seconds(longest)}}});
}

}  // namespace

std::map<std::uint32_t, Spans> computing_of(const TraceIndex& clues) {
  std::map<std::uint32_t, Spans> computing = reported_computing(clues);
  for (const Locked& locked : find_locked(clues, computing)) {
    Spans all;
    for (const std::uint32_t request : locked.requests) {
      all.insert(all.end(), computing[request].begin(), computing[request].end());
      computing.erase(request);
    }
    computing[*locked.requests.begin()] = merged(std::move(all));
  }
  return computing;
}

void find_crowded_cores(const TraceIndex& clues, std::vector<Finding>& findings) {
  report_lock(find_locked(clues, reported_computing(clues)), findings);
  const int cores = clues.scene.cores;
  const Oversubscription crowd = crowd_on(cores, changes_of(clues, computing_of(clues)));
  if (crowd.lost < kWorthTelling || crowd.most <= cores) return;
  const std::string on = cores == 1 ? "one core" : count(cores, "core");
  const std::map<std::string, double> numbers{{"computing", crowd.most},
                                              {"workers", static_cast<double>(crowd.workers)},
                                              {"cores", cores},
                                              {"lost_s", seconds(crowd.lost)}};
  if (crowd.workers > static_cast<std::size_t>(cores)) {
    findings.push_back(
        {"LAB106",
         fmt::format("more workers than cores: {} computed at once on {}; they took turns and lost "
                     "{} in total.",
                     count(static_cast<std::int64_t>(crowd.workers), "worker"), on, format_span(crowd.lost)),
         seconds(crowd.lost), numbers});
    return;
  }
  findings.push_back(
      {"LAB122",
       fmt::format("cores exhausted: {} computed at once on {}; they took turns and lost {} in total.",
                   count(crowd.most, "request"), on, format_span(crowd.lost)),
       seconds(crowd.lost), numbers});
}

}  // namespace lab
