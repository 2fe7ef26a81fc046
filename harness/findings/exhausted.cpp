#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "harness/findings/trace_index.hpp"
#include "harness/findings/words.hpp"

namespace lab {

namespace {

/// A resource of which every member was held, and how to say so.
struct Words {
  const char* id;
  const char* name;
  const char* member;
  std::int64_t members;  ///< of the whole server
};

Words words_for(Resource resource, const RunContext& scene) {
  const Members& members = scene.members;
  const auto of_all = [&](int each) { return std::int64_t{each} * scene.workers; };
  switch (resource) {
    case Resource::pool: return {"LAB102", "pool", "pool member", of_all(members.pool)};
    case Resource::thread: return {"LAB102", "threads", "thread", of_all(members.pool)};
    case Resource::connection:
      return {"LAB104", "connection pool", "connection", of_all(members.connections)};
    default: break;
  }
  return {"LAB102", "queue workers", "queue worker", scene.queue_workers};
}

std::string queued(const Queue& queue) {
  return fmt::format("{} queued {} in total", count(queue.requests, "request"), format_span(queue.waited));
}

Finding of_members(const Queue& queue, const RunContext& scene) {
  const Words words = words_for(queue.resource, scene);
  const std::string whom = words.members == 1 ? fmt::format("the only {}", words.member)
                                              : fmt::format("one of {} {}s", words.members, words.member);
  const bool asleep = queue.behind_waiting * 2 > queue.waited;
  return {words.id,
          fmt::format("{} exhausted: {} for {}{}, the longest {}.", words.name, queued(queue), whom,
                      asleep ? " that only waited" : "", format_span(queue.longest)),
          seconds(queue.waited),
          {{"members", static_cast<double>(words.members)}}};
}

Finding of_the_lock(const Queue& queue) {
  return {
      "LAB103",
      fmt::format("computing under a GIL: {} for the interpreter lock, the longest {}; more threads do not "
                  "help, processes do.",
                  queued(queue), format_span(queue.longest)),
      seconds(queue.waited),
      {}};
}

/// Where requests come by chance some meet a full pool even when it is half empty on average. A pool is too
/// small when it is full for a good part of the time, or when somebody waits for others twice over.
bool beyond_chance(const Queue& queue, const RunContext& scene) {
  constexpr double kGoodPart = 0.3;
  Nanos first = std::numeric_limits<Nanos>::max();
  Nanos last = 0;
  for (const RequestRecord& record : scene.records) {
    if (record.sent == 0) continue;
    first = std::min(first, record.sent);
    last = std::max({last, record.received, record.finished});
  }
  return static_cast<double>(queue.exhausted) >= kGoodPart * static_cast<double>(last - first) ||
         queue.longest >= 2 * queue.typical_hold;
}

}  // namespace

void find_exhausted(const TraceIndex& clues, std::vector<Finding>& findings) {
  const RunContext& scene = clues.scene;
  for (const Queue& queue : find_queues(scene.records, clues.occupancy, scene.routes, scene.members)) {
    if (queue.resource == Resource::loop) continue;  // told turn by turn: find_loop_blocked()
    if (queue.resource != Resource::gil && !beyond_chance(queue, scene)) continue;
    Finding finding = queue.resource == Resource::gil ? of_the_lock(queue) : of_members(queue, scene);
    finding.numbers["victims"] = static_cast<double>(queue.requests);
    finding.numbers["lost_s"] = seconds(queue.waited);
    finding.numbers["longest_s"] = seconds(queue.longest);
    findings.push_back(std::move(finding));
  }
}

}  // namespace lab
