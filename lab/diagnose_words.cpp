#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/diagnosis/burst_fit.hpp"
#include "harness/diagnosis/kept_fit.hpp"
#include "lab/diagnose.hpp"

namespace lab {

namespace {

struct Hint {
  std::string text, command;
};

std::string headline(const Observations& seen, const Diagnosis& verdict) {
  const int k = verdict.parallelism;
  const bool computes = verdict.bound_by == BoundBy::cpu;
  switch (verdict.execution) {
    case Execution::unknown: return verdict.reason;
    case Execution::serial: {
      std::string text = "one at a time";
      if (verdict.shared) text += ", in turns: they share one core or an interpreter lock";
      if (verdict.loop_blocked == true) text += "; the event loop is blocked";
      if (verdict.loop_blocked == false) text += "; other routes go on";
      return text;
    }
    case Execution::pool:
      if (verdict.shared) return fmt::format("together, at the speed of {} cores", k);
      return fmt::format("{} at a time, the next one waits for any of them{}{}", k,
                         verdict.balanced == false ? ", dealt unevenly" : "",
                         verdict.loop_blocked == true ? "; cheap routes wait too" : "");
    case Execution::workers: {
      std::string dealt = verdict.balanced ? *verdict.balanced ? ", dealt evenly" : ", dealt unevenly" : "";
      if (verdict.loop_blocked == true) dealt += "; their loops are blocked";
      return fmt::format("{} workers, one request each at a time{}{}", k, computes ? ", computing" : "",
                         dealt);
    }
    case Execution::concurrent:
      return fmt::format("all {} that were sent at once ran together", seen.most_at_once);
  }
  return "";
}

std::string formula(const Diagnosis& verdict) {
  const std::string one =
      fmt::format("{:.{}f} ms", verdict.service_s * 1e3, verdict.service_s < 0.01 ? 1 : 0);
  switch (verdict.execution) {
    case Execution::unknown: return "";
    case Execution::serial: return fmt::format("= {} × n", one);
    case Execution::pool:
      if (verdict.shared) return fmt::format("= {} × n/{}", one, verdict.parallelism);
      return fmt::format("= {} × ⌈n/{}⌉", one, verdict.parallelism);
    case Execution::workers: return fmt::format("≥ {} × ⌈n/{}⌉", one, verdict.parallelism);
    case Execution::concurrent:
      if (verdict.overhead_s < 0.00005) return "= " + one;
      return fmt::format("= {} + {:.1f} ms × n", one, verdict.overhead_s * 1e3);
  }
  return "";
}

Hint advice(const Diagnosis& verdict) {
  const bool computes = verdict.bound_by == BoundBy::cpu;
  switch (verdict.execution) {
    case Execution::unknown: return {};
    case Execution::serial:
      if (computes && verdict.shared)
        return {"processes instead of threads, where a lock keeps them apart", "lab run gil"};
      if (computes)
        return {"give the computing to processes, or start more workers", "lab run cpu-threshold"};
      if (verdict.loop_blocked == false)
        return {"something lets in one at a time: widen the pool or shorten what the lock holds",
                "lab run pool-limit"};
      return {"def instead of async def, or await the driver", "lab run sync-driver"};
    case Execution::pool:
      if (computes) return {"more threads gain nothing: computing wants cores", "lab run workers-vs-cores"};
      return {fmt::format("request {} waits for a free member: enlarge the pool, or await and need none",
                          verdict.parallelism + 1),
              "lab run pool-limit"};
    case Execution::workers:
      if (computes) return {"as many workers as cores; more gain nothing", "lab run workers-vs-cores"};
      return {"await, or def: then a worker does not hold its loop while it waits",
              "lab run worker-identity"};
    case Execution::concurrent:
      return {"nothing to mend here; watch what it calls under such a load", "lab run thousand-users"};
  }
  return {};
}

std::vector<DiagnosisRow> rows(const Observations& seen, const Diagnosis& verdict) {
  std::map<int, std::vector<double>> makespans;
  if (!seen.alone.empty()) {
    for (const Nanos latency : seen.alone) makespans[1].push_back(seconds(latency));
  }
  for (const Burst& burst : seen.bursts) {
    if (!burst.done.empty()) makespans[burst.at_once].push_back(seconds(burst.done.back()));
  }
  std::vector<DiagnosisRow> rows;
  for (const auto& [at_once, all] : makespans) {
    DiagnosisRow& row = rows.emplace_back();
    row.at_once = at_once;
    row.bursts = static_cast<int>(all.size());
    row.makespan_s = median_of(all);
    row.expected_s = expected_makespan(verdict, at_once);
    for (const PingBeside& ping : seen.pings) {
      if (ping.at_once == at_once)
        row.ping_worst_s = std::max(row.ping_worst_s.value_or(0), seconds(ping.latency));
    }
  }
  return rows;
}

}  // namespace

std::string announce(const Outlook& outlook) {
  const std::string beyond = outlook.beyond > 0 ? fmt::format(" (then {})", outlook.beyond) : "";
  const double least = seconds(outlook.least);
  const double most = seconds(outlook.most);
  std::string time = fmt::format("{:.0f} to {:.0f} s", least, most);
  if (most - least < 1.5) time = fmt::format("about {:.0f} s", most);
  if (most < 1.5) time = "about a second";
  return fmt::format("will send at most {} requests, at most {} at once{}, {}\n", outlook.requests,
                     outlook.at_once, beyond, time);
}

DiagnosisReport tell_diagnosis(const DiagnoseOptions& options, const Observations& seen,
                               const Diagnosis& verdict) {
  DiagnosisReport report;
  report.url = options.url.text;
  if (options.ping) report.ping = options.ping->origin() + options.ping->target;
  report.execution = to_string(verdict.execution);
  report.bound_by = to_string(verdict.bound_by);
  report.loop_blocked = verdict.loop_blocked;
  report.balanced = verdict.balanced;
  report.parallelism = verdict.parallelism;
  report.at_least = verdict.execution == Execution::concurrent ||
                    (verdict.execution == Execution::pool && verdict.balanced == false);
  report.confidence = verdict.confidence;
  report.bursts = verdict.bursts;
  report.fitting = verdict.fitting;
  report.headline = headline(seen, verdict);
  report.formula = formula(verdict);
  report.service_s = verdict.service_s;
  report.overhead_s = verdict.overhead_s;
  report.residual_s = verdict.residual_s;
  report.rows = rows(seen, verdict);
  if (!seen.pings_alone.empty()) {
    std::vector<double> alone;
    for (const Nanos latency : seen.pings_alone) alone.push_back(seconds(latency));
    report.ping_alone_s = median_of(alone);
  }
  if (!seen.alone.empty()) {
    const PairLikelihood pairs = weigh_pairs(seen);
    report.pairs = pairs.pairs;
    report.pairs_waiting = pairs.waiting;
  }
  report.processes = seen.processes;
  report.cpu_share = seen.cpu_share;
  report.unsure = verdict.unsure;
  const Hint says = advice(verdict);
  report.advice = says.text;
  report.command = says.command;
  report.reason = verdict.reason;
  report.sent = seen.sent;
  report.answered = seen.answered;
  report.unfinished = seen.unfinished;
  report.failures = seen.failures;
  report.spent_s = seconds(seen.spent);
  report.complete = !seen.interrupted;
  return report;
}

}  // namespace lab
