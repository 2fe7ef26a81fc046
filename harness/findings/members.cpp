// Pools, threads and connections of which every member was held; threads that are held although nothing is
// done for anybody; and a load for which there are too few.
#include <array>
#include <limits>
#include <set>

#include "harness/findings/trace_index.hpp"
#include "harness/statistics/statistics.hpp"

namespace lab {

namespace {

/// A resource of which every member was held, and how to say so.
struct MemberWords {
  Resource resource;
  const char* id;
  const char* name;
  const char* member;
};
constexpr std::array<MemberWords, 4> kMemberWords{
    {{Resource::pool, "LAB102", "pool", "pool member"},
     {Resource::thread, "LAB102", "threads", "thread"},
     {Resource::connection, "LAB104", "connection pool", "connection"},
     {Resource::queue, "LAB102", "queue workers", "queue worker"}}};

std::string one_of(std::int64_t members, const char* member) {
  return members == 1 ? fmt::format("the only {}", member) : fmt::format("one of {} {}s", members, member);
}

/// Where requests come by chance some meet a full pool even when it is half empty on average. A pool is too
/// small when it is full for a good part of the time, or when somebody waits for others twice over.
bool beyond_chance(const Queue& queue, const RunContext& run) {
  constexpr double kGoodPart = 0.3;
  Nanos first = std::numeric_limits<Nanos>::max();
  Nanos last = 0;
  for (const RequestRecord& record : run.records) {
    if (record.sent == 0) continue;
    first = std::min(first, record.sent);
    last = std::max({last, record.received, record.finished});
  }
  return static_cast<double>(queue.exhausted) >= kGoodPart * static_cast<double>(last - first) ||
         queue.longest >= 2 * queue.typical_hold;
}

/// The threads of one worker, which belong to connections.
struct Threads {
  Spans held, idle, receiving;
};

struct HeldThreads {
  std::map<std::int32_t, Threads> workers;
  std::set<std::uint32_t> slow;  ///< requests whose bytes a thread awaited
};

// A busy client is slow to send, and slow to close, by some tens of ms; keep-alive lasts for seconds.
constexpr Nanos kSilent = 100 * kMillisecond;

/// A hold apart from its request: before it was read its bytes came in, or the client was silent.
void add_quiet_time(const TraceIndex& trace, const Hold& hold, const Hold* next, HeldThreads& threads) {
  const RequestRecord* own = trace.record(hold.request);
  Nanos busy_from = hold.to;
  Nanos busy_to = hold.to;
  if (own != nullptr && own->read != 0) {
    busy_from = std::clamp(own->read, hold.from, hold.to);
    busy_to = std::clamp(std::max(own->read, own->finished), busy_from, hold.to);
    for (const StepSpan& step : trace.occupancy.steps_of(own->id))
      busy_to = std::clamp(step.to, busy_to, hold.to);
  }
  const RequestRecord* later = next == nullptr ? nullptr : trace.record(next->request);
  const auto add_quiet = [&](Nanos from, Nanos to, const RequestRecord* awaited) {
    if (awaited != nullptr && trace.run.load_case.loads[awaited->load].body_over >= kWorthReporting) {
      threads.workers[hold.worker].receiving.emplace_back(from, to);
      threads.slow.insert(awaited->id);
    } else if (to - from >= kSilent) {
      threads.workers[hold.worker].idle.emplace_back(from, to);
    }
  };
  add_quiet(hold.from, busy_from, own != nullptr ? own : later);
  add_quiet(busy_to, hold.to, nullptr);
}

/// Requests that came while all threads of their worker were held, and some of them quietly in this way.
Losses starved(const TraceIndex& trace, const HeldThreads& threads, Spans Threads::*quietly) {
  Losses losses;
  for (const auto& [worker, own] : threads.workers) {
    Spans both = at_least(trace.run.members.pool, own.held);
    append(both, merged(own.*quietly));
    Cumulative starving;
    starving.add(at_least(2, both));
    starving.prepare();
    for (const RequestRecord& record : trace.run.records) {
      if (record.worker != worker || record.read == 0 || record.sent == 0) continue;
      if (threads.slow.count(record.id) != 0) continue;  // it had a thread, which waited for it
      const auto lost = static_cast<Nanos>(starving.between(record.sent, record.read));
      if (lost >= kWorthReporting) losses.add(lost);
    }
  }
  return losses;
}

// A load that is too short to have a rate, and a backlog that chance alone makes.
constexpr std::int64_t kFewestRequests = 50;
constexpr double kBacklog = 0.05;  // of the requests
constexpr std::int64_t kLeastBacklog = 10;
constexpr double kFull = 0.9;  // of the time that the members have

struct LoadDemand {
  std::int64_t requests = 0;
  Nanos first = 0, last = 0;          ///< of the planned arrivals
  std::int64_t waiting = 0;           ///< sent, and not begun when the last one came
  std::int64_t waiting_half_way = 0;  ///< the same at half of the time
  std::map<Resource, Nanos> held;     ///< by its requests, in all
};

LoadDemand demand_of_load(const TraceIndex& trace, std::uint32_t load) {
  LoadDemand demand;
  const auto ours = [&](const RequestRecord& record) {
    return record.load == load && record.parent == 0 && record.sent != 0;
  };
  for (const RequestRecord& record : trace.run.records) {
    if (!ours(record)) continue;
    demand.first = demand.requests == 0 ? record.intended : std::min(demand.first, record.intended);
    demand.last = std::max(demand.last, record.intended);
    ++demand.requests;
    for (const Hold& hold : trace.occupancy.holds_of(record.id))
      demand.held[hold.resource] += hold.to - hold.from;
  }
  const auto waiting_at = [&](Nanos moment) {
    return std::ranges::count_if(trace.run.records, [&](const auto& record) {
      return ours(record) && record.intended <= moment && (record.started == 0 || record.started > moment);
    });
  };
  demand.waiting = waiting_at(demand.last);
  demand.waiting_half_way = waiting_at((demand.first + demand.last) / 2);
  return demand;
}

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

void find_exhausted(const TraceIndex& trace, Findings& findings) {
  const RunContext& run = trace.run;
  for (const Queue& queue : find_queues(run.records, trace.occupancy, run.routes, run.members)) {
    if (queue.resource == Resource::loop) continue;  // reported turn by turn: find_loop_blocked()
    const std::string queued =
        fmt::format("{} queued {} in total", count(queue.requests, "request"), format_duration(queue.waited));
    const double lost_s = seconds(queue.waited);
    if (queue.resource == Resource::gil) {
      report(findings, "LAB103", lost_s,
             "computing under a GIL: {} for the interpreter lock, the longest {}; more threads do not help, "
             "processes do.",
             queued, format_duration(queue.longest));
    } else if (beyond_chance(queue, run)) {
      const std::int64_t members = members_of(run, queue.resource);
      const MemberWords& words = *std::ranges::find(kMemberWords, queue.resource, &MemberWords::resource);
      report(findings, words.id, lost_s, "{} exhausted: {} for {}{}, the longest {}.", words.name, queued,
             one_of(members, words.member),
             queue.behind_waiting * 2 > queue.waited ? " that only waited" : "",
             format_duration(queue.longest));
    }
  }
}

void find_held_threads(const TraceIndex& trace, Findings& findings) {
  HeldThreads threads;
  std::map<std::pair<std::int32_t, std::uint16_t>, const Hold*> following;
  const std::vector<Hold>& holds = trace.occupancy.holds;
  for (auto hold = holds.rbegin(); hold != holds.rend(); ++hold) {
    if (hold->resource != Resource::thread) continue;
    const Hold*& next = following[{hold->worker, hold->unit}];
    threads.workers[hold->worker].held.emplace_back(hold->from, hold->to);
    add_quiet_time(trace, *hold, next, threads);
    next = &*hold;
  }
  const std::string thread = one_of(members_of(trace.run, Resource::thread), "thread");
  const auto report_one = [&](const char* id, Spans Threads::*quietly, const char* what, const char* why) {
    const Losses losses = starved(trace, threads, quietly);
    if (losses.requests == 0) return;
    report(findings, id, seconds(losses.lost), "{}: {} queued {} in total for {} {}, the longest {}.", what,
           count(losses.requests, "request"), format_duration(losses.lost), thread, why,
           format_duration(losses.longest));
  };
  report_one("LAB110", &Threads::idle, "keep-alive holds the threads",
             "that belonged to a silent connection");
  report_one("LAB120", &Threads::receiving, "a slow client holds a thread",
             "that waited for a client's bytes");
}

void find_overload(const TraceIndex& trace, Findings& findings) {
  const RunContext& run = trace.run;
  for (std::uint32_t load = 0; load < run.load_case.loads.size(); ++load) {
    if (!is_timed(run.load_case.loads[load].arrivals)) continue;
    const LoadDemand demand = demand_of_load(trace, load);
    const double least =
        std::max(static_cast<double>(kLeastBacklog), kBacklog * static_cast<double>(demand.requests));
    if (demand.requests < kFewestRequests || static_cast<double>(demand.waiting) < least ||
        demand.waiting <= demand.waiting_half_way)
      continue;
    for (const auto& [resource, held] : demand.held) {
      const std::int64_t members = members_of(run, resource);
      if (members == 0 || resource == Resource::queue) continue;  // jobs keep nobody waiting
      const double share =
          seconds(held) / (static_cast<double>(members) * seconds(demand.last - demand.first));
      if (share < kFull) continue;
      report(
          findings, "LAB121", 0,
          "overloaded: more requests arrive than can be served. When the last of {} arrived, {} were waiting "
          "(half way {}), and their work fills {:.0f} % of the time of the {}{}.",
          count(demand.requests, "request"), demand.waiting, demand.waiting_half_way, 100 * share,
          to_string(resource), members == 1 ? "" : fmt::format(" of {}", members));
      break;
    }
  }
}

// What happens between client and server: replies that the kernel holds back, requests that were sent late.

void find_nagle(const TraceIndex& trace, Findings& findings) {
  Cumulative others;  // a loop that is held writes late for another reason
  for (const auto& [worker, uses] : trace.loop_uses) {
    for (const LoopUse& use : uses) others.add(use.from, use.to);
  }
  others.prepare();
  std::vector<Nanos> done = mapped(trace.run.records, &RequestRecord::finished);
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
  report(findings, "LAB111", sum,
         "replies held back: {} of {} replies on kept connections came {} after they were done, a step of 40 "
         "ms: Nagle's algorithm meets a delayed acknowledgement.",
         number, replies, format_seconds(median));
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
  report(findings, "LAB115", sum,
         "load generator fell behind: half of {} were sent {} late or more, the last ones {}.",
         count(std::ssize(sent), "request"), format_seconds(median), format_seconds(at_the_end));
}

}  // namespace lab
