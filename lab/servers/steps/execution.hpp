#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/plan.hpp"
#include "lab/servers/steps/event_log.hpp"

namespace lab {

class Services;

/// Where a step stands: its number in the text of the dependencies and the plan, and whether events tell of
/// it.
struct StepPlace {
  std::int64_t position = 0;
  bool quiet = false;
  StepPlace at(std::int64_t steps_on) const { return {position + steps_on, quiet}; }
};

/// A repetition beyond this tells of itself alone, not of its steps.
constexpr std::int64_t kMaxToldRepetitions = 256;

/// Somebody's execution of a plan: whose it is, what it needs of the worker, and what came of it. Steps of
/// one execution may run in several threads at once (Gather). Thread safety: what says so.
class PlanExecution {
 public:
  PlanExecution(const EventLog& events, Services& services, std::uint32_t id)
      : events_(events), services_(services), id_(id) {}
  PlanExecution(const PlanExecution&) = delete;
  PlanExecution& operator=(const PlanExecution&) = delete;

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
    if (resource != Resource::connection) take_gil();
  }
  void release(Resource resource, std::uint16_t unit = 0) const {
    if (resource != Resource::connection) drop_gil();
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

  // What the steps left; any thread.
  void set_count(std::int64_t count);
  /// The reply is this JSON instead of the usual one.
  void set_reply(int status, std::string body);
  /// Steps for after the reply.
  void defer(const Plan& plan, StepPlace place);

  struct Deferred {
    const Plan* plan = nullptr;
    StepPlace place;
  };
  struct Outcome {
    int status = 200;
    std::string failure;  ///< why the execution ended early
    std::string reply;
    std::int64_t count = -1;
    std::vector<Deferred> deferred;
    bool cancelled = false;
  };
  /// Null where no step left anything. Only when no step runs.
  const Outcome* result() const { return result_.get(); }
  bool cancelled() const { return result_ != nullptr && result_->cancelled; }
  bool has_deferred() const { return result_ != nullptr && !result_->deferred.empty() && !ended(); }

 private:
  template <class Change>
  void leave(const Change& change);

  const EventLog& events_;
  Services& services_;
  std::uint32_t id_;
  std::string_view argument_;
  std::atomic<bool> ended_{false};
  std::unique_ptr<Outcome> result_;  // most leave nothing; guarded by a mutex of the worker
};

}  // namespace lab
