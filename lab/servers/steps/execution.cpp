#include "lab/servers/steps/execution.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <ratio>
#include <utility>

#include "lab/servers/steps/services.hpp"

namespace lab {

namespace {

// Who had the interpreter lock for a moment, and nobody else wanted it, is not worth two events.
constexpr Nanos kWorthReporting = 50 * kMicrosecond;

// A thread that lost its core for less is not seen in a picture; one unit of any work takes less, too.
constexpr Nanos kWorthDrawing = kMillisecond;

// Longer than this a thread that blocks its loop does not wait for a connection: who has it may need the
// loop.
constexpr Nanos kConnectionPatience = 30 * kSecond;

/// With the interpreter's lock, where there is one.
bool computes_locked(const Step& step) {
  const auto* compute = step.as<Compute>();
  return compute != nullptr && !releases_gil(compute->work);
}

LeafEnd run_here(PlanExecution& execution, const Step& step, Nanos begun, std::optional<std::uint16_t> unit) {
  LeafTools tools = execution.services().tools(unit);
  // Whoever computes looks at the clock often: what it missed was another thread's turn on the core. On a
  // crowded machine it may take any time, and does not hang.
  if (step.is<Compute>()) {
    tools.between = [&execution, locked = computes_locked(step), seen = begun]() mutable {
      const Nanos now = monotonic_now();
      execution.services().progress().mark(now);
      if (!locked) return;
      if (now - seen >= kWorthDrawing)
        execution.events().add(EventKind::preempted, execution.id(), now, now - seen);
      execution.poll_gil();
      seen = monotonic_now();
    };
  }
  return run_leaf(step, begun, tools);
}

/// How long it took by the thread's own clock, beside the calibrated time: that of a core shared with others
/// is longer. Nothing of what the kernel does for it in other threads, and of a step too short to be timed.
void report_pace(const PlanExecution& execution, const Compute& compute, const LeafEnd& end,
                 StepPlace place) {
  constexpr Nanos kLeast = kMillisecond;
  if (place.quiet || end.units == 0 || releases_gil(compute.work) || compute.duration < kLeast) return;
  const double pace = pace_of(compute, end);
  execution.events().add(EventKind::computed, execution.id(), execution.events().stamp(),
                         std::llround(pace * std::micro::den));
}

/// A step that waits or computes, with everything that it needs.
void run_whole_leaf(PlanExecution& execution, const Step& step, StepPlace place, Runner runner) {
  Services& services = execution.services();
  const bool unlocked = runner.member >= 0 || !computes_locked(step);
  if (unlocked) execution.drop_gil();
  std::optional<std::uint16_t> unit;
  const bool needs = services.connection_pool() != nullptr && needs_connection(step);
  if (needs) unit = services.connection_pool()->take_blocking(runner.on_loop ? kConnectionPatience : 0);
  if (needs && !unit) {
    if (unlocked) execution.take_gil();
    execution.fail(kUnavailable,
                   "no database connection became free: the requests that hold them wait for this loop");
    return;
  }
  if (unit) execution.acquire(Resource::connection, *unit);
  const Nanos begun = execution.begin_step(place);
  const LeafEnd end = runner.member >= 0
                          ? services.processes()->run(static_cast<std::uint16_t>(runner.member), step, begun)
                          : run_here(execution, step, begun, unit);
  if (unlocked) execution.take_gil();
  execution.end_step(place);
  if (const auto* compute = step.as<Compute>()) report_pace(execution, *compute, end, place);
  if (unit) {
    execution.release(Resource::connection, *unit);
    services.connection_pool()->give(*unit);
  }
  if (!end.fault.none()) execution.fail(end.fault.status, end.fault.reason);
}

void count(PlanExecution& execution) {
  const auto value = execution.services().counter().increment();
  if (value) {
    execution.leave([&](PlanExecution::Outcome& outcome) { outcome.count = *value; });
  } else {
    execution.fail(kUnavailable, value.error().message);
  }
}

/// The worker's task queues; null, and the execution has failed, where there are none.
JobClient* jobs_of(PlanExecution& execution) {
  JobClient* const jobs = execution.services().jobs();
  if (jobs == nullptr) execution.fail(kUnavailable, "this worker has no task queue");
  return jobs;
}

/// A new kind of step must be given a meaning here before this compiles.
struct RunBlocking {
  PlanExecution& execution;
  const Step& step;
  StepPlace place;
  Runner runner;

  void operator()(const Wait& /*wait*/) const { run_whole_leaf(execution, step, place, runner); }
  void operator()(const Compute& /*compute*/) const { run_whole_leaf(execution, step, place, runner); }
  void operator()(const CallUpstream& /*call*/) const { run_whole_leaf(execution, step, place, runner); }
  void operator()(const Query& /*query*/) const { run_whole_leaf(execution, step, place, runner); }
  void operator()(const Increment& /*step*/) const { count(execution); }
  // A thread gives nothing back, and what is ready does not make it wait.
  void operator()(const Yield& /*step*/) const {}
  void operator()(const Ready& /*step*/) const {}
  void operator()(const Repeat& repeat) const {
    const bool reported_as_one = repeat.times > Repeat::kMaxReported;
    if (reported_as_one) execution.begin_step(place);
    const StepPlace inside{place.position + 1, place.quiet || reported_as_one};
    for (std::int64_t i = 0; i < repeat.times && !execution.ended(); ++i)
      run_blocking(execution, repeat.steps, inside, runner);
    if (reported_as_one) execution.end_step(place);
  }
  void operator()(const Gather& gather) const {
    StepPlace next = place.at(1);
    for (const Plan& branch : gather.branches) {
      run_blocking(execution, branch, next, runner);
      next = next.at(text_size(branch));
    }
  }
  void operator()(const Pooled& pooled) const { run_blocking(execution, pooled.steps, place.at(1), runner); }
  void operator()(const Forget& /*step*/) const { forget(execution); }
  void operator()(const Background& later) const {
    execution.leave([&](PlanExecution::Outcome& outcome) {
      outcome.deferred.push_back({&later.steps, place.at(1)});
    });
  }
  void operator()(const Enqueue& job) const {
    if (JobClient* const jobs = jobs_of(execution)) jobs->enqueue(execution, job, place);
  }
  void operator()(const FetchResult& wanted) const {
    if (JobClient* const jobs = jobs_of(execution)) jobs->fetch(execution, wanted, execution.argument());
  }
};

// SQLite waits so long for another worker's count, libpq for whoever is asked: nobody sets a limit there.
// How fast processes and threads are switched hangs on what else runs, and such a step gives no sign between.
constexpr Nanos kStorePatience = 5 * kSecond;
constexpr Nanos kDatabasePatience = 30 * kSecond;
constexpr Nanos kSwitchPatience = 5 * kSecond;

}  // namespace

Nanos longest_step(const Plan& plan) {
  Nanos longest = 0;
  for_each_step(plan, [&](const Step& step) {
    if (!nested_plans(step).empty()) return;
    Nanos patience = 0;
    if (step.is<CallUpstream>()) patience = kUpstreamPatience;
    if (step.is<Query>()) patience = kDatabasePatience;
    if (step.is<Increment>()) patience = kStorePatience;
    if (const auto* compute = step.as<Compute>(); compute != nullptr && is_switch(compute->work))
      patience = kSwitchPatience;
    longest = std::max(longest, unhindered_time({step}) + patience);
  });
  return longest;
}

PlanExecution::PlanExecution(const EventLog& events, Services& services, std::uint32_t id)
    : events_(events), services_(services), progress_(services.progress()), id_(id) {}

void PlanExecution::take_gil() const {
  if (Gil* const gil = services_.gil(); gil != nullptr) gil->acquire();
}

void PlanExecution::drop_gil() const {
  Gil* const gil = services_.gil();
  if (gil == nullptr) return;
  const Gil::Hold hold = gil->release();
  if (!hold.contended && hold.to - hold.from <= kWorthReporting) return;
  events_.acquire(Resource::gil, 0, id_, hold.from);
  events_.release(Resource::gil, 0, id_, hold.to);
}

void PlanExecution::poll_gil() const {
  const Gil* const gil = services_.gil();
  if (gil == nullptr || !gil->wanted()) return;
  drop_gil();
  take_gil();
}

void PlanExecution::leave(const std::function<void(Outcome& outcome)>& change) {
  const std::lock_guard lock(services_.results());
  if (result_ == nullptr) result_ = std::make_unique<Outcome>();
  change(*result_);
}

void PlanExecution::fail(int status, std::string reason) {
  leave([&](Outcome& result) {
    if (ended()) return;
    result.status = status;
    result.failure = std::move(reason);
    ended_.store(true, std::memory_order_release);
  });
}

void PlanExecution::cancel() {
  leave([&](Outcome& result) {
    if (ended()) return;
    result.cancelled = true;
    events_.add(EventKind::cancelled, id_, events_.stamp());
    ended_.store(true, std::memory_order_release);
  });
}

void run_blocking(PlanExecution& execution, std::span<const Step> steps, StepPlace first, Runner runner) {
  for (const Step& step : steps) {
    if (execution.ended()) return;
    std::visit(RunBlocking{execution, step, first, runner}, step.action);
    first = first.at(text_size(step));
  }
}

void run_in_member(PlanExecution& execution, std::span<const Step> steps, StepPlace first,
                   std::uint16_t unit) {
  execution.acquire(Resource::pool, unit);
  const bool processes = execution.services().processes() != nullptr;
  run_blocking(execution, steps, first, Runner{.member = processes ? unit : -1});
  execution.release(Resource::pool, unit);
}

void forget(PlanExecution& execution) {
  execution.events().add(EventKind::forgotten, execution.id(), execution.events().stamp());
}

}  // namespace lab
