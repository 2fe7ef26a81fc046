// Workers that die, work that nobody finishes, work that nobody waits for, and state that is not shared.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "harness/findings/trace_index.hpp"
#include "harness/findings/words.hpp"
#include "harness/trace/server_stats.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

bool cut_off(const RequestRecord& record) {
  return record.outcome == Outcome::reset || record.outcome == Outcome::closed ||
         record.outcome == Outcome::refused;
}

/// From its death until the worker in that slot was heard of again.
std::optional<Nanos> time_away(const RunContext& scene, const Kill& kill) {
  const Nanos died = scene.began + kill.at;
  // Its last events may bear the moment of its death.
  constexpr Nanos kSettled = kMillisecond;
  for (const Event& event : scene.events) {
    if (event.worker == kill.worker && event.at > died + kSettled) return event.at - died;
  }
  return std::nullopt;
}

std::string format_kill(const RunContext& scene, const Kill& kill) {
  const auto away = time_away(scene, kill);
  return fmt::format("worker {} at {}, {}", kill.worker, format_span(kill.at),
                     away ? "heard of again after " + format_span(*away) : std::string("not heard of again"));
}

void find_dead_workers(const RunContext& scene, std::vector<Finding>& findings) {
  std::int64_t cut = 0;
  Nanos lost = 0;
  for (const RequestRecord& record : scene.records) {
    if (!cut_off(record)) continue;
    ++cut;
    if (record.received > record.intended) lost += record.received - record.intended;
  }
  if (cut == 0 && scene.kills.empty()) return;
  std::vector<std::string> deaths;
  for (const Kill& kill : scene.kills) deaths.push_back(format_kill(scene, kill));
  const std::string who = deaths.empty() ? "" : join(deaths, "; ") + "; ";
  findings.push_back(
      {"LAB116",
       fmt::format("worker died: {}{} lost {}.", who, cut == 0 ? "no request" : count(cut, "request"),
                   cut < 2 ? "its connection" : "their connections"),
       seconds(lost),
       {{"kills", static_cast<double>(scene.kills.size())}, {"cut_off", static_cast<double>(cut)}}});
}

RepetitionData evidence_of(const RunContext& scene) {
  return {scene.records, scene.routes, &scene.events, nullptr, scene.kills, scene.began};
}

void find_lost_jobs(const RunContext& scene, std::vector<Finding>& findings) {
  Stat stat;
  stat.quantity = Stat::Quantity::lost;
  const auto lost = static_cast<std::int64_t>(server_stat(stat, evidence_of(scene)).value_or(0));
  if (lost == 0) return;
  findings.push_back({"LAB112",
                      fmt::format("work lost: {} had begun when a worker died, and nobody finished {}.",
                                  count(lost, "job"), lost == 1 ? "it" : "them"),
                      0,
                      {{"lost", static_cast<double>(lost)}}});
}

void find_abandoned(const RunContext& scene, std::vector<Finding>& findings) {
  std::int64_t requests = 0;
  Nanos wasted = 0;
  for (const RequestRecord& record : scene.records) {
    const Nanos beyond = record.finished - record.received;
    if (record.outcome != Outcome::hung_up || record.finished == 0 || beyond < kWorthTelling) continue;
    ++requests;
    wasted += beyond;
  }
  if (requests == 0) return;
  findings.push_back(
      {"LAB117",
       fmt::format("work for nobody: {} went on after {} had gone, {} in total.", count(requests, "handler"),
                   requests == 1 ? "its client" : "their clients", format_span(wasted)),
       seconds(wasted),
       {{"requests", static_cast<double>(requests)}, {"wasted_s", seconds(wasted)}}});
}

/// A count that two workers gave: each counts for itself.
void find_own_counters(const TraceIndex& clues, std::vector<Finding>& findings) {
  std::map<std::int64_t, std::set<std::int32_t>> workers_by_value;
  std::map<std::int32_t, std::int64_t> most;
  std::int64_t all = 0;
  for (const RequestRecord& record : clues.scene.records) {
    if (record.outcome != Outcome::ok || record.value < 0 || record.worker < 0) continue;
    bool counts = false;
    for_each_step(clues.route(record).plan,
                  [&](const Step& step) { counts |= std::holds_alternative<Increment>(step.action); });
    if (!counts) continue;
    ++all;
    workers_by_value[record.value].insert(record.worker);
    most[record.worker] = std::max(most[record.worker], record.value);
  }
  const bool twice = std::any_of(workers_by_value.begin(), workers_by_value.end(),
                                 [](const auto& entry) { return entry.second.size() > 1; });
  if (!twice) return;
  constexpr std::size_t kTold = 8;
  std::vector<std::string> counts;
  for (const auto& [worker, value] : most) {
    if (counts.size() < kTold) counts.push_back(std::to_string(value));
  }
  findings.push_back(
      {"LAB118",
       fmt::format("state not shared: {} was counted by {} for themselves, up to {}.", count(all, "request"),
                   count(static_cast<std::int64_t>(most.size()), "worker"), join(counts, ", ")),
       0,
       {{"requests", static_cast<double>(all)}, {"workers", static_cast<double>(most.size())}}});
}

}  // namespace

void find_lost_work(const TraceIndex& clues, std::vector<Finding>& findings) {
  find_dead_workers(clues.scene, findings);
  find_lost_jobs(clues.scene, findings);
  find_abandoned(clues.scene, findings);
  find_own_counters(clues, findings);
}

}  // namespace lab
