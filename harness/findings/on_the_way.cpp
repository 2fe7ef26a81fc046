// What happens between client and server: replies that the kernel holds back, requests that were sent late.
#include "harness/findings/trace_index.hpp"
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

// A generator that cannot keep up gets later and later. The machine may hold one up for some tens of ms,
// after which it catches up: so the load must last longer than that, half of it be late, and its end at least
// as late.
constexpr Nanos kShortestLoad = 400 * kMillisecond;

}  // namespace

void find_nagle(const TraceIndex& trace, Findings& findings) {
  Cumulative others;  // a loop that is held writes late for another reason
  for (const auto& [worker, uses] : trace.loop_uses) {
    for (const LoopUse& use : uses) others.add(use.from, use.to);
  }
  others.prepare();
  std::vector<Nanos> done;
  for (const RequestRecord& record : trace.run.records) done.push_back(record.finished);
  std::ranges::sort(done);
  const auto done_between = [&](Nanos from, Nanos to) {
    return std::ranges::upper_bound(done, to) - std::ranges::lower_bound(done, from);
  };
  std::size_t replies = 0;
  std::vector<double> steps;
  double sum = 0;
  for (const RequestRecord& record : trace.run.records) {
    const bool kept = !trace.run.load_case.loads[record.load].fresh_connections;
    if (record.outcome != Outcome::ok || record.finished == 0 || !kept) continue;
    ++replies;
    const Nanos reply = record.received - record.finished -
                        static_cast<Nanos>(others.between(record.finished, record.received));
    if (reply < kStepFrom || reply > kStepTo) continue;
    if (done_between(record.finished, record.received) * kBusyWithEach > reply) continue;
    steps.push_back(seconds(reply));
    sum += seconds(reply);
  }
  const std::size_t number = steps.size();
  if (number < kFewest || static_cast<double>(number) < kMaxOfThem * static_cast<double>(replies)) return;
  const double median = median_of(std::move(steps));
  report(findings, "LAB111", sum, {{"replies", number}, {"step_s", median}, {"lost_s", sum}},
         "replies held back: {} of {} replies on kept connections came {} after they were done, a step of 40 "
         "ms: Nagle's algorithm meets a delayed acknowledgement.",
         number, replies, format_span(median));
}

void find_late_generator(const TraceIndex& trace, Findings& findings) {
  std::vector<std::pair<Nanos, double>> sent;  // when it was intended, and how much later it was
  double sum = 0;
  for (const RequestRecord& record : trace.run.records) {
    const Load& load = trace.run.load_case.loads[record.load];
    if (!is_timed(load.arrivals) || record.parent != 0 || record.sent == 0 || load.fresh_connections)
      continue;
    sent.emplace_back(record.intended, seconds(record.sent - record.intended));
    sum += std::max(0.0, sent.back().second);
  }
  std::ranges::sort(sent);
  if (sent.empty() || sent.back().first - sent.front().first < kShortestLoad) return;
  const auto median_from = [&](std::size_t first) {
    std::vector<double> lags;
    for (std::size_t i = first; i < sent.size(); ++i) lags.push_back(sent[i].second);
    return median_of(std::move(lags));
  };
  const double median = median_from(0);
  const double at_the_end = median_from(sent.size() - std::max<std::size_t>(1, sent.size() / 10));
  if (median < seconds(kWorthReporting) || at_the_end < median) return;
  report(findings, "LAB115", sum, {{"median_lag_s", median}, {"last_lag_s", at_the_end}},
         "load generator fell behind: half of {} were sent {} late or more, the last ones {}.",
         count(std::ssize(sent), "request"), format_span(median), format_span(at_the_end));
}

}  // namespace lab
