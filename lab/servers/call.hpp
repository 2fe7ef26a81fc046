#pragma once

#include <string>

#include "lab/core/plan.hpp"
#include "lab/servers/event_log.hpp"
#include "lab/servers/reply.hpp"
#include "lab/servers/route_table.hpp"

namespace lab {

/// One request while it is handled. Whoever runs a part of the handler says here what it does; events, the
/// log and the reply's times come from this. One thread at a time: a hand-over between threads must order
/// their accesses.
class Call {
 public:
  /// `log_number`: what the log calls the request; 0: no log.
  Call(const EventLog& events, std::uint32_t log_number, const Request& request)
      : events_(events), log_number_(log_number), request_(request) {}

  /// What the handler is to do; must outlive the call.
  void set(const ServedRoute& route, const Plan& plan) {
    route_ = &route;
    plan_ = &plan;
  }
  const Plan& plan() const { return *plan_; }
  std::uint32_t id() const { return request_.id; }

  /// The handler begins and ends, now. Each gives the moment.
  Nanos start();
  Nanos finish();

  /// A step begins and ends, now. begin_step gives the moment that the step's deadline counts from.
  Nanos begin_step(std::size_t index);
  void end_step(std::size_t index);

  /// Runs a step to its end in the calling thread: a wait sleeps, computing burns.
  void perform(std::size_t index);

  /// The request holds a resource from now on, or no longer.
  void acquire(Resource resource, std::uint16_t unit = 0) {
    events_.acquire(resource, unit, id(), events_.stamp());
  }
  void release(Resource resource, std::uint16_t unit = 0) {
    events_.release(resource, unit, id(), events_.stamp());
  }

  /// The JSON body of the reply of a handler with steps.
  std::string body() const;
  /// How long the handler took; 0 of one that has nothing to do.
  Nanos service() const { return plan_->empty() ? 0 : finished_ - started_; }
  /// The reply was sent.
  void log_send() const;

 private:
  void log_line(const char* what) const;

  const EventLog& events_;
  std::uint32_t log_number_;
  const Request& request_;
  const ServedRoute* route_ = nullptr;
  const Plan* plan_ = nullptr;
  Nanos started_ = 0, finished_ = 0;                        // CLOCK_MONOTONIC
  Nanos started_wall_clock_ = 0, finished_wall_clock_ = 0;  // CLOCK_REALTIME, for the reply
};

}  // namespace lab
