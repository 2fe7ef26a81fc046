#pragma once

#include <string>
#include <utility>
#include <vector>

#include "results/report/report.hpp"

namespace lab::samples {

inline Estimate six(double low, double median, double high) {
  return {median, low, high, {median, low, high, median, median, median}};
}

inline Lane lane(std::uint32_t request, double end, std::vector<LaneSegment> segments) {
  Lane result;
  result.request = request;
  result.route = "delay";
  result.answered = end > 0;
  result.end_s = end;
  result.segments = std::move(segments);
  return result;
}

inline ArmReport arm(const std::string& id, const std::string& label, double bound,
                     const Estimate& makespan) {
  ArmReport report;
  report.arm = report.written = id;
  report.case_id = "main";
  report.label = label;
  report.mode = id;
  report.requests = 10;
  report.repetitions = static_cast<int>(makespan.samples.size());
  report.bound_s = bound;
  report.predicted_s = bound;
  report.makespan_s = makespan;
  report.books.planned = report.books.sent = report.books.ok = 10 * report.repetitions;
  MeasureRow row;
  row.predicted = bound;
  row.measured = makespan;
  report.measures.push_back(row);
  return report;
}

inline void document(ArmReport& report, double value, const std::string& text, Verdict verdict) {
  report.documented_s = report.measures.front().documented = value;
  report.documented_text = report.measures.front().documented_text = text;
  report.verdict = report.measures.front().verdict = verdict;
}

/// Ten requests of 100 ms on five arms, six repetitions.
inline Report blocking_async() {
  Report report;
  report.scenario = "blocking-async";
  report.question = "Ten requests at once, each waits 100 ms. When is the last one answered?";
  report.seed = 42;
  report.path = "results/runs/2026-11-21T09-30-00Z-blocking-async";
  report.cores = 2;
  report.kernel = "6.1.0";
  report.noise = "quiet";
  report.environment = {{"cpu", "a \"fast\" one"}};
  report.headline = {Stat{}};
  report.planned_repetitions = 6;

  ArmReport blocking = arm("blocking-loop", "async, time.sleep", 1.0, six(1.002, 1.003, 1.004));
  document(blocking, 1.1, "~1.1s", Verdict::reproduced);
  blocking.findings = {{"LAB101", "loop blocked: nine requests queued 4.5 s in all behind a sleeping loop."}};
  blocking.above_bound = {{"reply", 0.0019}, {"service", 0.0008}, {"lag", 0.0003}};
  blocking.above_bound_s = 0.003;
  ArmReport async = arm("async-loop", "await sleep", 0.1, six(0.1001, 0.1004, 0.101));
  document(async, 0.03, "~0.03s", Verdict::impossible);
  ArmReport pool = arm("thread-pool", "def, time.sleep", 0.1, six(0.1002, 0.1008, 0.1011));
  pool.threads = 40;
  document(pool, 0.12, "~0.12s", Verdict::reproduced);
  ArmReport offload = arm("offload", "run_in_threadpool", 0.1, six(0.1002, 0.1007, 0.101));
  offload.threads = 40;
  ArmReport workers = arm("workers-4", "blocking-loop × 4", 0.3, six(0.301, 0.302, 0.304));
  workers.workers = 4;
  workers.splits = {{3, 3, 2, 2}, {2, 3, 3, 2}};
  for (std::uint32_t i = 0; i < 10; ++i) {
    const double from = 0.1003 * i;
    blocking.lanes.push_back(
        lane(i + 1, from + 0.1003, {{0, from, LaneState::unread}, {from, from + 0.1003, LaneState::loop}}));
    async.lanes.push_back(lane(i + 1, 0.1001 + 0.00001 * i, {{0, 0.1001, LaneState::waiting}}));
    pool.lanes.push_back(lane(i + 1, 0.1007, {{0, 0.1007, LaneState::pool}}));
    offload.lanes.push_back(lane(i + 1, 0.1006, {{0, 0.1006, LaneState::pool}}));
  }
  report.arms = {blocking, async, pool, offload, workers};
  report.remarks = {
      {NoteKind::why,
       "LAB101 loop blocked: nine requests queued 4.5 s in all behind a sleeping loop. Above the bound: 3 ms "
       "(writing 1.9, loop 0.8, sending 0.3).",
       {"LAB101"}},
      {NoteKind::next, "lab run pool-limit    (what does request 41 pay?)"},
      {NoteKind::log,
       "0.03 s is below one request's wait. A forgotten await gives it:\nlab run forgotten-await"},
      {NoteKind::note,
       "workers-4 was dealt 3-3-2-2; uvicorn's accept takes 0.3–1.0 s:\nlab run worker-identity"}};
  return report;
}

/// One slow request beside pings: two stats, two repetitions, an arm not run and one predicted only.
inline Report frozen() {
  Report report;
  report.scenario = "frozen-server";
  report.question = "One report sleeps 5 s. What do other users notice?";
  report.headline = {Stat{}, parse_stat("ping.latency.max").value()};
  const auto with_ping = [](ArmReport built, double ping, double predicted) {
    MeasureRow row;
    row.stat = parse_stat("ping.latency.max").value();
    row.predicted = predicted;
    row.measured = Estimate{ping, {}, {}, {ping, ping}};
    built.measures.push_back(row);
    return built;
  };
  const Estimate two{5.002, {}, {}, {5.001, 5.003}};
  ArmReport blocking = with_ping(arm("blocking", "async def, time.sleep", 5, two), 4.953, 4.95);
  blocking.measures[1].documented = 5;
  blocking.measures[1].documented_text = "~5s";
  blocking.measures[1].verdict = Verdict::reproduced;
  ArmReport missing;
  missing.arm = "fastapi";
  missing.case_id = "main";
  missing.not_run = "python3-fastapi is not installed";
  missing.measures = blocking.measures;
  for (MeasureRow& row : missing.measures) row.measured.reset();
  ArmReport predicted = with_ping(arm("huge", "def", 5000, {5000, {}, {}, {5000}}), 0.0004, 0.0004);
  predicted.engine.kind = kModel;
  predicted.not_run = "predicted only";
  report.arms = {blocking, with_ping(arm("def-beside-async", "def", 5, two), 0.00041, 0), missing, predicted};
  report.checks = {{"ping.latency.max within 3% · blocking", true, true, "4.953 s, predicted 4.950 s"},
                   {"ping.latency.max within 3% · def-beside-async", false, true, "0.410 ms, predicted 0 s"}};
  return report;
}

/// What the model says of a million requests.
inline Report prediction() {
  Report report;
  report.scenario = "blocking-async";
  report.question = "When is the last one answered?";
  report.headline = {Stat{}};
  report.predicted_only = true;
  const auto model = [](const std::string& id, double seconds, const std::string& formula) {
    ArmReport built = arm(id, "", seconds, {seconds, {}, {}, {seconds}});
    built.engine.kind = kModel;
    built.formula = formula;
    return built;
  };
  report.arms = {model("blocking-loop", 100'000, "N·d"), model("async-loop", 0.1, "d"),
                 model("thread-pool", 2'500, "⌈N/P⌉·d"), model("workers-4", 25'000, "⌈N/W⌉·d")};
  report.arms[1].memory_bytes = 8e9;
  report.arms[2].threads = 40;
  report.arms[3].workers = 4;
  return report;
}

}  // namespace lab::samples
