#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "harness/model/model.hpp"
#include "lab/core/text.hpp"
#include "lab/course/advice.hpp"
#include "lab/servers/mode.hpp"
#include "results/report/diagnosis.hpp"

namespace lab {

namespace {

int count_of(const Advice& advice, const std::string& what, int cores, int usual) {
  const auto given = advice.arm.find(what);
  if (given == advice.arm.end()) return usual;
  return given->second == "cores" ? std::max(1, cores) : number_in<int>(given->second).value_or(usual);
}

/// So many requests were at a lock or at connections together, in it or before it: as many as there are
/// threads. 0: all of a burst, as tasks are.
int places_of(const NamedLine& line, int at_once) {
  constexpr double kNearlyAll = 0.9;  // looks in between miss some
  if (line.cause != LineCause::held_lock && line.cause != LineCause::few_connections) return 0;
  const int places = line.waiting + std::max(1, line.limit);
  return places < kNearlyAll * at_once ? places : 0;
}

/// The makespan of the largest burst if the advice is followed.
double predict(const Advice& advice, const NamedLine& line, const DiagnosisReport& report) {
  const Diagnosis& verdict = report.verdict;
  const int places = places_of(line, report.inside->at_once);
  const double alone_s = report.seen.alone.empty() ? 0 : alone_seconds(report.seen);
  const double service_s = verdict.service_s > 0 ? verdict.service_s : alone_s;
  const bool part = verdict.execution == Execution::concurrent;
  const double held_s = part ? std::max(line.per_request_s, verdict.serial_part_s) : service_s;
  const double besides_s = verdict.ahead_s + service_s - held_s;
  std::vector<Route> routes(1);
  if (besides_s > 0) routes[0].plan.push_back({Wait{to_nanos(besides_s)}});
  if (line.computes) {
    routes[0].plan.push_back({Compute{.duration = to_nanos(held_s)}});
  } else {
    routes[0].plan.push_back({Wait{to_nanos(held_s)}});
  }
  Arm arm;
  arm.modes = {find_mode(places > 0 ? "thread-pool" : advice.mode)->traits};
  arm.threads = places > 0 ? places : count_of(advice, "threads", report.seen.cores, arm.threads);
  const int now = verdict.execution == Execution::workers ? verdict.parallelism : verdict.pools;
  arm.workers = std::max({1, now, count_of(advice, "workers", report.seen.cores, 1)});
  arm.gil = report.seen.runtime == "python";
  Case burst{"burst", {{}}};
  burst.loads[0].requests = report.inside->at_once;
  return simulate({&routes, &arm, &burst, std::max(1, report.seen.cores)}).makespan_s;
}

/// The fixes of a line's fault, with the word by which each of them names the server's language: `any` where
/// none has words of its own.
std::vector<std::pair<const AdviceFix*, std::string>> fixes_of(const AdviceBook& book, const NamedLine& line,
                                                               const std::string& runtime) {
  std::vector<std::pair<const AdviceFix*, std::string>> fixes;
  for (const std::string& language : {runtime, std::string("any")}) {
    for (const AdviceFix& fix : book.fixes) {
      const bool fits = fix.cause == to_string(line.cause) && (fix.takes == "computing") == line.computes;
      if (fits && fix.words.contains(language)) fixes.emplace_back(&fix, language);
    }
    if (!fixes.empty()) break;
  }
  return fixes;
}

/// An advice has code for FastAPI and in C++.
bool has_code(const std::string& runtime) {
  return runtime == "python" || runtime.empty();
}

/// What a line would be blamed for if one were known.
NamedLine fault_of(const Diagnosis& verdict) {
  const bool each = verdict.execution == Execution::workers && verdict.loop_blocked != true;
  NamedLine line;
  line.cause = each ? LineCause::busy_worker : LineCause::blocked_loop;
  return line;
}

}  // namespace

void add_fixes(DiagnosisReport& report, const AdviceBook& book) {
  if (report.advice.empty() && !report.command.empty()) {
    const auto [fix, language] = fixes_of(book, fault_of(report.verdict), report.seen.runtime).front();
    report.advice = fix->words.at(language);
  }
  if (!report.inside) return;
  for (LineReport& line : report.inside->lines) {
    for (const auto& [known, language] : fixes_of(book, line.line, report.seen.runtime)) {
      LineFix& fix = line.fixes.emplace_back();
      fix.text = known->words.at(language);
      fix.advice = known->advice;
      if (has_code(report.seen.runtime)) fix.command = way_to(book, known->advice).command();
      if (report.inside->lines.size() > 1) continue;  // what the others take would remain
      const double predicted_s = predict(*book.advice_of(known->advice), line.line, report);
      constexpr double kGain = 0.9;  // what gains nothing that could be measured is not promised
      if (predicted_s < kGain * report.inside->now_s) fix.predicted_s = predicted_s;
    }
  }
}

}  // namespace lab
