// What a task queue's routes answered: an id that nobody knows, a queue that is full.
#include <fmt/format.h>

#include <algorithm>

#include "harness/findings/trace_index.hpp"
#include "harness/findings/words.hpp"

namespace lab {

namespace {

bool fetches_result(const Plan& plan) {
  return std::any_of(plan.begin(), plan.end(),
                     [](const Step& step) { return std::holds_alternative<FetchResult>(step.action); });
}

constexpr std::uint16_t kUnknown = 404;
constexpr std::uint16_t kUnavailable = 503;

void find_unknown_ids(const TraceIndex& clues, std::vector<Finding>& findings) {
  std::int64_t asked = 0;
  std::int64_t unknown = 0;
  std::int64_t elsewhere = 0;
  for (const RequestRecord& record : clues.scene.records) {
    const RequestRecord* first = clues.record(record.parent);
    if (first == nullptr || record.status == 0 || !fetches_result(clues.route(record).plan)) continue;
    ++asked;
    if (record.status != kUnknown) continue;
    ++unknown;
    if (first->worker >= 0 && record.worker >= 0 && first->worker != record.worker) ++elsewhere;
  }
  if (unknown == 0) return;
  findings.push_back(
      {"LAB113",
       fmt::format(
           "result asked of a worker that does not know it: {} of {} were answered 404, {} by another "
           "worker than the one that took the job.",
           unknown, count(asked, "question"), elsewhere),
       0,
       {{"asked", static_cast<double>(asked)},
        {"unknown", static_cast<double>(unknown)},
        {"elsewhere", static_cast<double>(elsewhere)}}});
}

void find_full_queue(const TraceIndex& clues, std::vector<Finding>& findings) {
  std::int64_t offered = 0;
  std::int64_t refused = 0;
  for (const RequestRecord& record : clues.scene.records) {
    if (record.status == 0 || !clues.enqueues[record.route]) continue;
    ++offered;
    if (record.status == kUnavailable) ++refused;
  }
  if (refused == 0) return;
  findings.push_back(
      {"LAB114",
       fmt::format("queue full: {} of {} were refused with 503.", refused, count(offered, "job")),
       0,
       {{"offered", static_cast<double>(offered)}, {"refused", static_cast<double>(refused)}}});
}

}  // namespace

void find_queue_answers(const TraceIndex& clues, std::vector<Finding>& findings) {
  find_unknown_ids(clues, findings);
  find_full_queue(clues, findings);
}

}  // namespace lab
