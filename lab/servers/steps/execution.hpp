// The room steps: what each step of a handler does, in a thread, in a process of a pool, or as a question
// that never waits itself and so is for a loop. Whoever runs handlers uses it; it runs none by itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/event_ring.hpp"
#include "lab/core/plan.hpp"

namespace lab {

class Services;

/// One worker's end of the event rings. Every call does nothing where there is no ring, so a server run by
/// hand pays one comparison. Thread safety: all of it, from any thread.
class EventLog {
 public:
  EventLog() = default;
  EventLog(EventRings* rings, int slot) : rings_(rings), slot_(slot) {}

  bool on() const { return rings_ != nullptr; }
  /// Now, or 0 where nobody will read it.
  Nanos stamp() const { return on() ? monotonic_now() : 0; }

  void add(EventKind kind, std::uint32_t request, Nanos at, std::int64_t value = 0) const {
    if (on()) rings_->append(slot_, Event{.at = at, .value = value, .request = request, .kind = kind});
  }
  void acquire(Resource resource, std::uint16_t unit, std::uint32_t request, Nanos at) const {
    hold(EventKind::acquire, resource, unit, request, at);
  }
  void release(Resource resource, std::uint16_t unit, std::uint32_t request, Nanos at) const {
    hold(EventKind::release, resource, unit, request, at);
  }

 private:
  void hold(EventKind kind, Resource resource, std::uint16_t unit, std::uint32_t request, Nanos at) const {
    if (!on()) return;
    rings_->append(slot_,
                   Event{.at = at, .request = request, .unit = unit, .kind = kind, .resource = resource});
  }

  EventRings* rings_ = nullptr;
  int slot_ = 0;
};

/// How far a worker's handlers have come, in memory that its master reads. A worker with a handler that holds
/// a thread, and without a mark for too long, hangs. Thread safety: all of it, from any thread or process.
class Progress {
 public:
  /// A handler holds this resource from now on, or no longer: the loop, or else a thread.
  void begin(Resource held) {
    mark(monotonic_now());
    if (held == Resource::loop) return loop_.store(true, std::memory_order_release);
    threads_.fetch_add(1, std::memory_order_release);
  }
  void end(Resource held) {
    if (held == Resource::loop) return loop_.store(false, std::memory_order_release);
    threads_.fetch_sub(1, std::memory_order_release);
  }
  /// From now to the end of the scope; a handler may let go of the loop between.
  class Hold {
   public:
    Hold(Progress& progress, Resource held) : progress_(progress), held_(held) { progress_.begin(held); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() { progress_.end(held_); }

   private:
    Progress& progress_;
    Resource held_;
  };
  /// A step begins, or computes on.
  void mark(Nanos now) { mark_.store(now, std::memory_order_relaxed); }
  /// A step may take so long by itself.
  void expect(Nanos longest) {
    Nanos known = longest_.load(std::memory_order_relaxed);
    while (longest > known && !longest_.compare_exchange_weak(known, longest, std::memory_order_relaxed)) {
    }
  }
  Nanos longest() const { return longest_.load(std::memory_order_relaxed); }
  /// The last mark, while a handler holds a thread.
  std::optional<Nanos> busy_since() const {
    const bool busy = loop_.load(std::memory_order_acquire) || threads_.load(std::memory_order_acquire) > 0;
    return busy ? std::optional(mark_.load(std::memory_order_relaxed)) : std::nullopt;
  }

 private:
  std::atomic<Nanos> mark_{0}, longest_{0};
  std::atomic<std::int32_t> threads_{0};
  std::atomic<bool> loop_{false};
};

/// The longest that a step of the plan may rightly take where it has a core: what it asks for, and the
/// deadline of those that ask somebody else.
Nanos longest_step(const Plan& plan);

/// Where a step stands: its number in the text of the dependencies and the plan, and whether events report
/// it.
struct StepPlace {
  std::int64_t position = 0;
  bool quiet = false;
  StepPlace at(std::int64_t steps_on) const { return {position + steps_on, quiet}; }
};

/// Somebody's execution of a plan: whose it is, what it needs of the worker, and what came of it. Steps of
/// one execution may run in several threads at once (Gather). Thread safety: what says so.
class PlanExecution {
 public:
  PlanExecution(const EventLog& events, Services& services, std::uint32_t id);

  std::uint32_t id() const { return id_; }
  /// What stands for `{…}` of the route in the request's path.
  std::string_view argument() const { return argument_; }
  void set_argument(std::string_view argument) { argument_ = argument; }
  const EventLog& events() const { return events_; }
  Services& services() const { return services_; }

  /// A step begins and ends, now. begin_step gives the moment that the step's deadline counts from. Any
  /// thread.
  Nanos begin_step(StepPlace place) const {
    const Nanos now = monotonic_now();
    progress_.mark(now);
    if (!place.quiet) events_.add(EventKind::step_begin, id_, now, place.position);
    return now;
  }
  void end_step(StepPlace place) const {
    if (!place.quiet && events_.on()) events_.add(EventKind::step_end, id_, monotonic_now(), place.position);
  }

  /// The request holds a resource from now on, or no longer. Whoever holds a loop, a thread or a worker of a
  /// queue runs handler code there, so with it goes the interpreter lock. Any thread.
  void acquire(Resource resource, std::uint16_t unit = 0) const {
    events_.acquire(resource, unit, id_, events_.stamp());
    if (resource == Resource::connection) return;
    progress_.begin(resource);
    take_gil();
  }
  void release(Resource resource, std::uint16_t unit = 0) const {
    if (resource != Resource::connection) {
      drop_gil();
      progress_.end(resource);
    }
    events_.release(resource, unit, id_, events_.stamp());
  }
  /// Nothing where the arm has no interpreter lock. Any thread.
  void take_gil() const;
  void drop_gil() const;
  /// Lets who has waited long enough have the lock; called while computing.
  void poll_gil() const;

  /// The execution goes no further: its reply is `status` with the reason. The first failure counts. Any
  /// thread.
  void fail(int status, std::string reason);
  /// Its client has gone. Any thread.
  void cancel();
  bool ended() const { return ended_.load(std::memory_order_acquire); }

  struct Deferred {
    const Plan* plan = nullptr;
    StepPlace place;
  };
  /// What the steps left.
  struct Outcome {
    int status = 200;
    std::string failure;             ///< why the execution ended early
    std::string reply;               ///< JSON that the reply is instead of the usual one
    std::int64_t count = -1;         ///< of Increment
    std::vector<Deferred> deferred;  ///< for after the reply
    bool cancelled = false;
  };
  /// Changes it; any thread.
  void leave(const std::function<void(Outcome& outcome)>& change);
  /// Null where no step left anything. Only when no step runs.
  const Outcome* result() const { return result_.get(); }
  bool cancelled() const { return result_ != nullptr && result_->cancelled; }
  bool has_deferred() const { return result_ != nullptr && !result_->deferred.empty() && !ended(); }

 private:
  const EventLog& events_;
  Services& services_;
  Progress& progress_;
  std::uint32_t id_;
  std::string_view argument_;
  std::atomic<bool> ended_{false};
  std::unique_ptr<Outcome> result_;  // most leave nothing; guarded by a mutex of the worker
};

/// In which thread steps run.
struct Runner {
  int member = -1;       ///< of the process pool, which runs the leaves instead; -1: none
  bool on_loop = false;  ///< a loop stands still meanwhile, so nothing that needs it can be waited for long
};

/// Executes steps in the calling thread, in order, each to its end: a wait sleeps, computing burns, what
/// other models do at once happens one after another. Ends early where the execution fails. `first` is the
/// first step's place.
void run_blocking(PlanExecution& execution, std::span<const Step> steps, StepPlace first, Runner runner = {});

/// The same in a thread of the pool that this execution holds from now to the end of the steps.
void run_in_member(PlanExecution& execution, std::span<const Step> steps, StepPlace first,
                   std::uint16_t unit);

/// A coroutine was made that nobody awaits.
void forget(PlanExecution& execution);

}  // namespace lab
