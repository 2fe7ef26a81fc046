#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/diagnosis/verdict.hpp"
#include "lab/core/clock.hpp"
#include "results/report/arm_report.hpp"
#include "results/store/set_aside.hpp"

namespace lab {

namespace {

/// The replies of one repetition as a burst; without any where it was none, or not all were ok.
Burst burst_of(const RunRepetition& repetition) {
  constexpr Nanos kTogether = 2 * kMillisecond;
  Burst burst;
  burst.at_once = static_cast<int>(repetition.records.size());
  if (repetition.records.empty()) return burst;
  const auto [first, last] = std::ranges::minmax_element(repetition.records, {}, &RequestRecord::intended);
  if (last->intended - first->intended > kTogether) return burst;
  for (const RequestRecord& record : repetition.records) {
    if (record.outcome != Outcome::ok || record.route != first->route) {
      burst.done.clear();
      return burst;
    }
    burst.done.push_back(record.received - first->intended);
  }
  std::ranges::sort(burst.done);
  return burst;
}

std::string words_of(const Diagnosis& verdict, int at_once, double plan_s) {
  const std::string each = format_seconds(verdict.service_s);
  switch (verdict.execution) {
    case Execution::unknown: return "";
    case Execution::serial:
      return fmt::format("one at a time, {} each, as from a blocked event loop, a single worker or a lock",
                         each);
    case Execution::pool:
      if (verdict.shared) return fmt::format("together, at the speed of {} cores", verdict.parallelism);
      return fmt::format("{} at a time, {} each, as from a pool of {} or as many workers",
                         verdict.parallelism, each, verdict.parallelism);
    case Execution::workers:
      return fmt::format("as from {} workers, one at a time each, {} a request", verdict.parallelism, each);
    case Execution::concurrent:
      return fmt::format("together, all {} after {}{}", at_once, each,
                         verdict.service_s > 1.5 * plan_s ? ", which is longer than the plan" : "");
  }
  return "";
}

}  // namespace

std::string likely_execution(const std::vector<const RunRepetition*>& repetitions, double plan_s,
                             bool computes) {
  Observations seen;
  for (const RunRepetition* repetition : repetitions) {
    RunRepetition room;
    Burst burst = burst_of(whole(*repetition, room));
    if (burst.done.empty()) return "";
    // Nobody asked it alone: the plan's time, or that of its first reply where the plan is not what it does.
    seen.alone.push_back(std::min(std::llround(plan_s * 1e9), static_cast<long long>(burst.done.front())));
    seen.most_at_once = std::max(seen.most_at_once, burst.at_once);
    seen.bursts.push_back(std::move(burst));
  }
  if (computes) seen.cpu_share = 1;
  const Diagnosis verdict = conclude(seen);
  const std::string words = words_of(verdict, seen.most_at_once, plan_s);
  if (words.empty()) return "";
  return fmt::format("the replies come {} ({} of {} bursts fit)", words, verdict.fitting, verdict.bursts);
}

}  // namespace lab
