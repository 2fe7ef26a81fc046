// Code that does not do what it says: a coroutine that nobody awaits, a gather that gathers nothing.
#include <fmt/format.h>

#include <algorithm>

#include "harness/findings/trace_index.hpp"
#include "harness/findings/words.hpp"

namespace lab {

namespace {

// Below this a wait is as short as the lateness of a timer.
constexpr Nanos kShortest = 2 * kMillisecond;

/// What a reply must have waited for when every step before it is awaited; the forgotten ones count.
Nanos promised_wait(const Plan& plan) {
  Nanos sum = 0;
  for (const Step& step : plan) {
    if (const auto* wait = std::get_if<Wait>(&step.action)) {
      sum += wait->duration;
    } else if (const auto* loop = std::get_if<Repeat>(&step.action)) {
      sum += loop->times * promised_wait(loop->steps);
    } else if (const auto* pooled = std::get_if<Pooled>(&step.action)) {
      sum += promised_wait(pooled->steps);
    } else if (const auto* forgotten = std::get_if<Forget>(&step.action)) {
      sum += promised_wait(forgotten->steps);
    } else if (const auto* all = std::get_if<Gather>(&step.action)) {
      Nanos longest = 0;
      for (const Plan& branch : all->branches) longest = std::max(longest, promised_wait(branch));
      sum += longest;
    }
  }
  return sum;
}

/// The time of the plan, and what it would be if the branches of every gather came one after another.
struct GatherTime {
  Nanos gathered = 0, in_a_row = 0;
};

GatherTime gather_time(const Plan& plan) {
  GatherTime time;
  for (const Step& step : plan) {
    const auto* all = std::get_if<Gather>(&step.action);
    if (all == nullptr) {
      const Nanos alone = unhindered_time({step});
      time.gathered += alone;
      time.in_a_row += alone;
      continue;
    }
    Nanos longest = 0;
    for (const Plan& branch : all->branches) {
      longest = std::max(longest, unhindered_time(branch));
      time.in_a_row += unhindered_time(branch);
    }
    time.gathered += longest;
  }
  return time;
}

void find_forgotten(const TraceIndex& clues, std::vector<Finding>& findings) {
  constexpr double kSurelyEarlier = 0.9;
  const auto made = std::count_if(clues.scene.events.begin(), clues.scene.events.end(),
                                  [](const Event& event) { return event.kind == EventKind::forgotten; });
  std::int64_t early = 0;
  Nanos promised = 0;
  Nanos quickest = 0;
  for (const RequestRecord& record : clues.scene.records) {
    const Nanos wait = promised_wait(clues.route(record).plan);
    const Nanos took = record.received - record.sent;
    if (record.outcome != Outcome::ok || wait < kShortest || record.sent == 0) continue;
    if (clues.enqueues[record.route]) continue;  // a reply at once is what it promises
    if (static_cast<double>(took) >= kSurelyEarlier * static_cast<double>(wait)) continue;
    quickest = early == 0 ? took : std::min(quickest, took);
    promised = std::max(promised, wait);
    ++early;
  }
  if (made == 0 && early == 0) return;
  std::string text = "coroutine never awaited: ";
  if (made > 0) text += fmt::format("{} made and dropped", count(made, "coroutine"));
  if (early > 0) {
    text += fmt::format("{}{} answered sooner than the wait of {} in the handler, the first after {}",
                        made > 0 ? "; " : "", count(early, "request"), format_span(promised),
                        format_span(quickest));
  }
  findings.push_back({"LAB108",
                      text + ".",
                      0,
                      {{"forgotten", static_cast<double>(made)}, {"too_early", static_cast<double>(early)}}});
}

}  // namespace

void find_gathered_blocking(const TraceIndex& clues, std::vector<Finding>& findings) {
  constexpr double kInARow = 0.9;       // of the time that its branches take one after another
  constexpr double kHeldThrough = 0.8;  // of the time it had no way to do two things at once
  std::int64_t requests = 0;
  Nanos lost = 0;
  GatherTime longest;
  Nanos took = 0;
  for (const RequestRecord& record : clues.scene.records) {
    if (record.started == 0 || record.finished <= record.started) continue;
    const GatherTime time = gather_time(clues.route(record).plan);
    const Nanos service = record.finished - record.started;
    if (time.in_a_row - time.gathered < kWorthTelling ||
        static_cast<double>(service) < kInARow * static_cast<double>(time.in_a_row))
      continue;
    // Branches that waited for a pool or for other requests are a queue, told elsewhere.
    Nanos held = 0;
    for (const Hold& hold : clues.occupancy.holds_of(record.id)) {
      if (hold.resource == Resource::loop || hold.resource == Resource::pool ||
          hold.resource == Resource::thread)
        held += overlap({hold.from, hold.to}, {record.started, record.finished});
    }
    if (static_cast<double>(held) < kHeldThrough * static_cast<double>(service)) continue;
    ++requests;
    lost += service - time.gathered;
    if (service > took) {
      took = service;
      longest = time;
    }
  }
  if (requests == 0) return;
  findings.push_back(
      {"LAB109",
       fmt::format("gathered, but one after another: {} took {}, gathered it would be {}; its "
                   "branches block, so none runs beside another.",
                   count(requests, "request"), format_span(took), format_span(longest.gathered)),
       seconds(lost),
       {{"requests", static_cast<double>(requests)},
        {"took_s", seconds(took)},
        {"gathered_s", seconds(longest.gathered)}}});
}

void find_broken_promises(const TraceIndex& clues, std::vector<Finding>& findings) {
  find_forgotten(clues, findings);
}

}  // namespace lab
