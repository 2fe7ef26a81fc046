#pragma once

#include <boost/intrusive/list.hpp>
#include <string>

#include "lab/core/plan.hpp"
#include "lab/servers/http/reply.hpp"
#include "lab/servers/http/route_table.hpp"
#include "lab/servers/steps/execution.hpp"
#include "lab/servers/steps/services.hpp"

namespace lab {

/// Whether the peer of this socket has closed its side. One that will only send no more looks the same.
bool has_gone(int socket);

using SelfUnlinking =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

/// One request while it is handled. Whoever runs a part of the handler says here what it does; events, the
/// log and the reply's times come from this. One thread at a time: a hand-over between threads must order
/// their accesses.
class Call : public PlanExecution {
 public:
  /// `log_number`: what the log calls the request; 0: no log.
  Call(const EventLog& events, Services& services, std::uint32_t log_number, const Request& request)
      : PlanExecution(events, services, request.id), log_number_(log_number), request_(request) {}

  /// What the handler is to do; must outlive the call.
  void set(const RouteTable::Match& match) {
    route_ = match.route;
    plan_ = &match.plan();
    // The step of a builtin route comes with its request.
    if (!match.argument_plan.empty()) services().progress().expect(longest_step(match.argument_plan));
    set_argument(match.argument);
  }
  const ServedRoute& route() const { return *route_; }
  const Plan& plan() const { return *plan_; }
  /// Where the plan's first step stands.
  StepPlace place() const { return {route_->plan_position}; }
  const std::vector<Dependency>& dependencies() const { return route_->route.depends; }

  /// Where this client has gone before the handler begins it does not begin.
  void serves(int client) { client_ = client; }

  /// The handler has neither steps nor dependencies.
  bool idle() const { return plan_->empty() && route_->route.depends.empty(); }

  /// The handler begins and ends, now.
  void start();
  void finish();

  /// Both at once, of an idle handler.
  void pass(Nanos at);

  /// What the reply says: its status, and its JSON body where the route has no fixed one.
  int status() const { return result() == nullptr ? 200 : result()->status; }
  std::string body() const;
  /// How long the handler took; 0 of one that has nothing to do.
  Nanos service() const { return idle() ? 0 : finished_ - started_; }
  /// The reply was sent.
  void log_send() const { log_line("send "); }

  /// What ends a wait of this call early; kept in the frame of the coroutine that waits. The loop's thread
  /// only.
  class Interruption : public SelfUnlinking {
   public:
    Interruption(Call& call, void (*end)(void* operation), void* operation)
        : end_(end), operation_(operation) {
      call.waits_.push_front(*this);
    }
    Interruption(const Interruption&) = delete;
    Interruption& operator=(const Interruption&) = delete;

   private:
    friend class Call;
    void (*end_)(void* operation);
    void* operation_;
  };
  /// The client has gone: what the handler awaits now ends at once, and it goes no further. The loop's thread
  /// only.
  void interrupt();

 private:
  /// A handler that does nothing and is watched by nobody reads no clock.
  bool unwatched() const { return idle() && !events().on() && log_number_ == 0; }
  void log_line(const char* what) const;

  int client_ = -1;  // that is asked whether it is there
  std::uint32_t log_number_;
  const Request& request_;
  const ServedRoute* route_ = nullptr;
  const Plan* plan_ = nullptr;
  boost::intrusive::list<Interruption, boost::intrusive::constant_time_size<false>> waits_;
  Nanos started_ = 0, finished_ = 0;                        // CLOCK_MONOTONIC
  Nanos started_wall_clock_ = 0, finished_wall_clock_ = 0;  // CLOCK_REALTIME, for the reply
};

}  // namespace lab
