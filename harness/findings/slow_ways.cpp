// What happens between client and server: replies that the kernel holds back, requests that were sent late.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/findings/trace_index.hpp"
#include "harness/findings/words.hpp"
#include "harness/statistics/statistics.hpp"

namespace lab {

namespace {

// Nagle's algorithm keeps back a reply's second segment until the first is acknowledged, and Linux delays
// that by 40 ms (RFC 896, RFC 1122 4.2.3.2; TCP_DELACK_MIN).
constexpr Nanos kStepFrom = 36 * kMillisecond;
constexpr Nanos kStepTo = 56 * kMillisecond;
constexpr std::size_t kFewest = 4;  // fewer may be chance
constexpr double kMaxOfThem = 0.5;  // the first reply of a connection is sent at once
// Where more are done meanwhile, the cores are busy with them and the client is late for that reason.
constexpr Nanos kBusyWithEach = kMillisecond / 5;

void find_nagle(const TraceIndex& clues, std::vector<Finding>& findings) {
  Cumulative others;  // a loop that is held writes late for another reason
  for (const auto& [worker, uses] : clues.loop_uses) {
    for (const LoopUse& use : uses) others.add(use.from, use.to);
  }
  others.prepare();
  std::vector<Nanos> done;
  for (const RequestRecord& record : clues.scene.records) done.push_back(record.finished);
  std::sort(done.begin(), done.end());
  const auto done_between = [&](Nanos from, Nanos to) {
    return std::upper_bound(done.begin(), done.end(), to) - std::lower_bound(done.begin(), done.end(), from);
  };
  std::size_t replies = 0;
  std::vector<double> steps;
  double sum = 0;
  for (const RequestRecord& record : clues.scene.records) {
    const bool kept = !clues.scene.load_case.loads[record.load].fresh_connections;
    if (record.outcome != Outcome::ok || record.finished == 0 || !kept) continue;
    ++replies;
    const Nanos reply = record.received - record.finished -
                        static_cast<Nanos>(others.between(record.finished, record.received));
    if (reply < kStepFrom || reply > kStepTo) continue;
    if (done_between(record.finished, record.received) * kBusyWithEach > reply) continue;
    steps.push_back(seconds(reply));
    sum += seconds(reply);
  }
  if (steps.size() < kFewest || static_cast<double>(steps.size()) < kMaxOfThem * static_cast<double>(replies))
    return;
  const auto number = static_cast<std::int64_t>(steps.size());
  const double median = summarise(std::move(steps)).median;
  findings.push_back(
      {"LAB111",
       fmt::format("replies held back: {} of {} replies on kept connections came {} after they were done, "
                   "a step of 40 ms: Nagle's algorithm meets a delayed acknowledgement.",
                   number, replies, format_span(median)),
       sum,
       {{"replies", static_cast<double>(number)}, {"step_s", median}, {"lost_s", sum}}});
}

// A generator that cannot keep up gets later and later. The machine may hold one up for some tens of ms,
// after which it catches up: so the load must last longer than that, half of it be late, and its end at least
// as late.
constexpr Nanos kShortestLoad = 400 * kMillisecond;

struct Sent {
  Nanos intended = 0, lag = 0;
};

void find_late_generator(const TraceIndex& clues, std::vector<Finding>& findings) {
  std::vector<Sent> sent;
  double sum = 0;
  for (const RequestRecord& record : clues.scene.records) {
    const Load& load = clues.scene.load_case.loads[record.load];
    const bool open = load.arrivals == Arrivals::constant || load.arrivals == Arrivals::poisson;
    if (!open || record.parent != 0 || record.sent == 0 || load.fresh_connections) continue;
    sent.push_back({record.intended, record.sent - record.intended});
    sum += std::max(0.0, seconds(sent.back().lag));
  }
  std::sort(sent.begin(), sent.end(), [](const Sent& a, const Sent& b) { return a.intended < b.intended; });
  if (sent.empty() || sent.back().intended - sent.front().intended < kShortestLoad) return;
  const auto median_from = [&](std::size_t first) {
    std::vector<double> lags;
    for (std::size_t i = first; i < sent.size(); ++i) lags.push_back(seconds(sent[i].lag));
    return summarise(std::move(lags)).median;
  };
  const double median = median_from(0);
  const double at_the_end = median_from(sent.size() - std::max<std::size_t>(1, sent.size() / 10));
  if (median < seconds(kWorthTelling) || at_the_end < median) return;
  findings.push_back(
      {"LAB115",
       fmt::format("generator fell behind: half of {} were sent {} late or more, the last ones {}.",
                   count(static_cast<std::int64_t>(sent.size()), "request"), format_span(median),
                   format_span(at_the_end)),
       sum,
       {{"median_lag_s", median}, {"last_lag_s", at_the_end}}});
}

}  // namespace

void find_slow_ways(const TraceIndex& clues, std::vector<Finding>& findings) {
  find_nagle(clues, findings);
  find_late_generator(clues, findings);
}

}  // namespace lab
