#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/core/enum_words.hpp"

namespace lab {

struct Step;

/// What one request does, in order.
using Plan = std::vector<Step>;

/// What computing consists of. Its amount is a number of units, and how long one takes is calibrated on the
/// machine (WorkRates), so that contention lengthens it.
enum class Work : std::uint8_t {
  spin,              ///< arithmetic; a unit is one turn of a small loop
  sqrt_sum,          ///< a unit is one square root, added up
  qr_code,           ///< a unit is one QR code encoded by libqrencode
  inference,         ///< a unit is one forward pass of a small network (Eigen)
  file_read,         ///< a unit is one byte of a regular file that is in the page cache
  coroutine_switch,  ///< a unit is one hand-over between two coroutines
  thread_switch,     ///< between two threads
  process_switch,    ///< between two processes
};
constexpr std::size_t kWorkKinds = static_cast<std::size_t>(Work::process_switch) + 1;

std::string_view to_string(Work work);

constexpr bool is_switch(Work work) {
  return work >= Work::coroutine_switch;
}
/// Reading a file and switching are calls into the kernel, for which an interpreter gives its lock back.
constexpr bool releases_gil(Work work) {
  return work == Work::file_read || is_switch(work);
}

/// Waits for something outside this process: a timer, a service.
struct Wait {
  Nanos duration = 0;
  bool on_connection = false;  ///< holds one of the arm's database connections meanwhile
};

/// Computes. Either the duration or the units are given; apply_rates() fills in the other.
struct Compute {
  Nanos duration = 0;
  Work work = Work::spin;
  std::int64_t units = 0;
  std::string file{};  ///< of file_read; empty: one that the lab makes itself
};

/// Asks the upstream HTTP server, which answers after `duration`.
struct CallUpstream {
  Nanos duration = 0;
  bool keep_connection = true;  ///< else a new one for each call
};

/// Asks PostgreSQL; by default `select pg_sleep(duration)`. Holds one of the arm's connections.
struct Query {
  Nanos duration = 0;
  std::string sql{};
};

/// Adds one to the server's counter, the worker's own or the shared one (Arm::shared_counters), and replies
/// with the new value as `count`.
struct Increment {};

/// Lets the other handlers that are ready have the loop: `await asyncio.sleep(0)`.
struct Yield {};

/// Awaits something that is there already, so nothing is suspended.
struct Ready {};

struct Repeat {
  /// One that is longer reports itself alone, not of its steps.
  static constexpr std::int64_t kMaxReported = 256;

  std::int64_t times = 1;
  Plan steps;
};

/// Runs plans at once as far as the handler can, and waits for all: `asyncio.gather`.
struct Gather {
  std::vector<Plan> branches;
};

/// A function that the handler sends to the pool as a whole: `await run_in_threadpool(f)`.
struct Pooled {
  Plan steps;
};

/// A coroutine that is made and never awaited: none of its steps is executed.
struct Forget {
  Plan steps;
};

/// Steps after the reply, as the handler's own mode runs them: a background task.
struct Background {
  Plan steps;
};

/// Puts a job into a queue and replies with its id as `task_id`; 503 where the queue is full.
struct Enqueue {
  std::string queue;
  Plan steps;
};

/// Replies with the state of the job whose id is in the path: pending, done, or 404.
struct FetchResult {
  std::string queue;
};

/// One step of a handler. A new kind of step is one more alternative; the interpreters that do not know it
/// yet then fail to compile.
struct Step {
  std::variant<Wait, Compute, CallUpstream, Query, Increment, Yield, Ready, Repeat, Gather, Pooled, Forget,
               Background, Enqueue, FetchResult>
      action;
  /// A blocking call made directly by the handler: it keeps what the handler holds (in an asynchronous
  /// handler the loop) instead of being awaited or sent to a pool.
  bool blocking = false;

  /// The action of that kind; null where it is of another.
  template <class Kind>
  const Kind* as() const {
    return std::get_if<Kind>(&action);
  }
  template <class... Kinds>
  bool is() const {
    return (std::holds_alternative<Kinds>(action) || ...);
  }
};

/// What must be done before the handler begins, as FastAPI's Depends.
struct Dependency {
  Plan steps{};
  bool asynchronous = false;  ///< on the loop; else in the pool, where the server has one
};

/// What a reply can say; each is a key of its JSON.
enum class ReplyField : std::uint8_t { message, start_time, end_time, worker_id, prediction };
BOOST_DESCRIBE_ENUM(ReplyField, message, start_time, end_time, worker_id, prediction)

/// A key of the JSON that a request brings, and its value as it stands there: `[0.2,0.8]`.
struct BodyField {
  std::string name, value;
};

struct Route {
  std::string name;    ///< the scenario's word for it: `slow`, `ping`
  std::string method;  ///< GET, POST, or WS for a WebSocket
  std::string path;    ///< /delay, /result/{task_id}
  Plan plan{};
  std::vector<Dependency> depends{};
  std::int64_t body_limit = 1'000'000;  ///< bytes that a request may bring; more is 413
  Nanos body_deadline = 0;              ///< how long its body may take to arrive; 0: the server's own limit
  std::vector<ReplyField> reply{};      ///< in this order; empty: the usual ones
  std::vector<BodyField> body{};        ///< of each request; empty: it brings none, or what the load says
};

/// `Response after 0.1 seconds delay`: the plan's true length.
std::string reply_message(const Plan& plan);

/// It waits for something outside this process.
inline bool is_waiting(const Step& step) {
  return step.is<Wait, CallUpstream, Query>();
}
/// It holds one of the worker's database connections while it waits, where there are any.
inline bool needs_connection(const Step& step) {
  return step.is<Wait>() ? step.as<Wait>()->on_connection : step.is<Query>();
}

/// How many units of each kind of work this machine does per second; 0: not calibrated.
using WorkRates = std::array<double, kWorkKinds>;

/// Fills in units where a duration is given, and durations where units are, as far as the rates are known.
void apply_rates(Plan& plan, const WorkRates& rates);
void apply_rates(Route& route, const WorkRates& rates);

/// Multiplies the durations of computing by `pace`, and nothing else: what the plan takes on a machine that
/// has become slower since it was calibrated.
void stretch_computing(Route& route, double pace);

/// Takes the time of switching out of the plan: it is the kernel's, and differs by a third from run to run,
/// so no bound may rest on it.
void forget_switching(Plan& plan);

/// The plans inside a step; none where it has none.
std::vector<const Plan*> nested_plans(const Step& step);

/// Calls `visit` for every step of the plan, whatever it is nested in, in the order of the text.
template <class Visitor>
void for_each_step(const Plan& plan, Visitor&& visit) {
  for (const Step& step : plan) {
    visit(step);
    for (const Plan* inner : nested_plans(step)) for_each_step(*inner, visit);
  }
}

/// The same for a route: the steps of its dependencies first.
template <class Visitor>
void for_each_step(const Route& route, Visitor&& visit) {
  for (const Dependency& dependency : route.depends) for_each_step(dependency.steps, visit);
  for_each_step(route.plan, visit);
}

/// Whether a plan or a route has a step of which `says` is true, whatever it is nested in.
template <class Of, class Says>
bool any_step(const Of& plan_or_route, const Says& says) {
  bool found = false;
  for_each_step(plan_or_route, [&](const Step& step) { found = found || says(step); });
  return found;
}

/// Whether it has a step that is one of these.
template <class... Actions>
bool has_step(const auto& plan_or_route) {
  return any_step(plan_or_route, [](const Step& step) { return step.is<Actions...>(); });
}

/// Calls `change` for every computing step of the plan, whatever it is nested in.
template <class Change>
void change_computing(Plan& plan, const Change& change) {
  for (Step& step : plan) {
    if (auto* compute = std::get_if<Compute>(&step.action)) change(*compute);
    // The plan is the caller's to change, so its parts are.
    for (const Plan* inner : nested_plans(step)) change_computing(const_cast<Plan&>(*inner), change);
  }
}

/// The same of a route.
template <class Change>
void change_computing(Route& route, const Change& change) {
  for (Dependency& dependency : route.depends) change_computing(dependency.steps, change);
  change_computing(route.plan, change);
}

/// `wait 100 ms, cpu 5 ms`; `nothing` for an empty plan.
std::string describe(const Plan& plan);

/// The handler's own time until its reply when nothing is in its way, in nanoseconds. What runs after the
/// reply or never does not count. Saturates instead of overflowing.
Nanos unhindered_time(const Plan& plan);

/// How many steps are executed in all, repetitions counted; saturates.
std::int64_t executed_steps(const Plan& plan);

/// How many steps a step's text has, itself included.
std::int64_t text_size(const Step& step);
std::int64_t text_size(const Plan& plan);

/// The keyword of a step that only a handler on the loop can do; empty for the others.
std::string_view loop_only_word(const Step& step);

}  // namespace lab
