// How the connections were dealt to several workers.
#include <fmt/format.h>

#include <algorithm>

#include "harness/findings/trace_index.hpp"
#include "harness/findings/words.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

/// When another worker could have taken a request: one has nothing to do, and a core is free for it.
Spans somebody_free(const TraceIndex& clues, const std::map<std::uint32_t, Spans>& computing) {
  std::map<std::int32_t, Spans> busy;
  Nanos end = 0;
  for (const Hold& hold : clues.occupancy.holds) {
    if (hold.request != 0) busy[hold.worker].emplace_back(hold.from, hold.to);
    end = std::max(end, hold.to);
  }
  std::vector<Spans> workers;
  for (auto& [worker, spans] : busy) workers.push_back(merged(std::move(spans)));
  std::vector<Spans> computers;
  for (const auto& [request, spans] : computing) computers.push_back(spans);
  // Taken: all workers are busy, or all cores.
  Spans taken = at_least(clues.scene.workers, workers);
  const Spans no_core = at_least(clues.scene.cores, computers);
  taken.insert(taken.end(), no_core.begin(), no_core.end());
  Spans free;
  Nanos since = 0;
  for (const auto& [from, to] : merged(std::move(taken))) {
    if (from > since) free.emplace_back(since, from);
    since = to;
  }
  if (end > since) free.emplace_back(since, end);
  return free;
}

/// When nothing more could begin on a worker: its loop is kept by a plan's step, or its pool is held whole.
std::map<std::int32_t, Spans> full_times(const TraceIndex& clues) {
  std::map<std::int32_t, Spans> full;
  for (const auto& [worker, uses] : clues.loop_uses) {
    for (const LoopUse& use : uses) full[worker].emplace_back(use.from, use.to);
  }
  std::map<std::int32_t, std::vector<Spans>> members;
  for (const Hold& hold : clues.occupancy.holds) {
    if (hold.resource == Resource::pool || hold.resource == Resource::thread)
      members[hold.worker].push_back({{hold.from, hold.to}});
  }
  for (const auto& [worker, holds] : members) {
    const Spans all_held = at_least(clues.scene.members.pool, holds);
    full[worker].insert(full[worker].end(), all_held.begin(), all_held.end());
  }
  for (auto& [worker, spans] : full) spans = merged(std::move(spans));
  return full;
}

std::string format_split(std::vector<std::int64_t> split) {
  constexpr std::size_t kTold = 8;
  std::sort(split.rbegin(), split.rend());
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < split.size() && i < kTold; ++i) parts.push_back(std::to_string(split[i]));
  return join(parts, "-") + (split.size() > kTold ? "-…" : "");
}

}  // namespace

void find_uneven_deal(const TraceIndex& clues, std::vector<Finding>& findings) {
  const auto workers = static_cast<std::size_t>(clues.scene.workers);
  if (workers < 2) return;
  std::vector<std::int64_t> split(workers, 0);
  std::int64_t all = 0;
  for (const RequestRecord& record : clues.scene.records) {
    if (record.worker < 0 || static_cast<std::size_t>(record.worker) >= workers) continue;
    ++split[static_cast<std::size_t>(record.worker)];
    ++all;
  }
  const auto share = static_cast<std::int64_t>((static_cast<std::size_t>(all) + workers - 1) / workers);
  if (all == 0 || *std::max_element(split.begin(), split.end()) <= share) return;

  const Spans free = somebody_free(clues, computing_of(clues));
  std::map<std::int32_t, Cumulative> avoidable;
  for (const auto& [worker, spans] : full_times(clues)) {
    Cumulative& sum = avoidable[worker];
    for (const auto& [from, to] : both(spans, free)) sum.add(from, to);
    sum.prepare();
  }
  std::int64_t victims = 0;
  double lost = 0;
  for (const RequestRecord& record : clues.scene.records) {
    const auto found = avoidable.find(record.worker);
    if (found == avoidable.end() || record.started == 0 || record.sent == 0) continue;
    const double waited = found->second.between(record.sent, record.started);
    if (waited < static_cast<double>(kWorthTelling)) continue;
    ++victims;
    lost += waited;
  }
  if (victims == 0) return;
  std::vector<std::int64_t> even(workers, all / static_cast<std::int64_t>(workers));
  for (std::size_t i = 0; i < static_cast<std::size_t>(all) % workers; ++i) ++even[i];
  findings.push_back(
      {"LAB105",
       fmt::format("connections dealt unevenly: {} instead of {}; {} queued {} in total while another "
                   "worker was free.",
                   format_split(split), format_split(even), count(victims, "request"),
                   format_span(static_cast<Nanos>(lost))),
       lost / 1e9,
       {{"victims", static_cast<double>(victims)},
        {"lost_s", lost / 1e9},
        {"most", static_cast<double>(*std::max_element(split.begin(), split.end()))},
        {"share", static_cast<double>(share)}}});
}

}  // namespace lab
