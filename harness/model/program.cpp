#include "harness/model/program.hpp"

#include <algorithm>
#include <utility>

#include "harness/model/compiler.hpp"

namespace lab {

namespace {

// Longer repeats are told as one step.
constexpr std::int64_t kToldRepeats = 256;
constexpr std::string_view kDefaultQueue = "jobs";

bool mentions_queue(const Plan& plan) {
  bool found = false;
  for_each_step(plan, [&](const Step& step) {
    found = found || std::holds_alternative<Enqueue>(step.action) ||
            std::holds_alternative<FetchResult>(step.action);
  });
  return found;
}

}  // namespace

bool keeps_handler(const Traits& traits) {
  // The pool is no place for idle connections: its members only get requests that the loop has read.
  return traits.idle == traits.handler && traits.handler != Resource::nothing &&
         traits.handler != Resource::pool;
}

RouteProgram compile_route(const Route& route, const Traits& traits, const Arm& arm, QueueNames& queues,
                           bool body) {
  return Compiler(traits, arm, queues).compile(route, body);
}

RouteProgram compile_route(const Plan& plan, const Traits& traits, bool gil) {
  Route route;
  route.plan = plan;
  Arm arm;
  arm.gil = gil;
  QueueNames queues;
  return compile_route(route, traits, arm, queues);
}

RouteProgram Compiler::compile(const Route& route, bool body) {
  runner_ = own();
  begin(route, body);
  const bool implied = traits_.computing == Resource::queue && !route.plan.empty();
  if (implied && !mentions_queue(route.plan)) {
    enqueue(std::string(kDefaultQueue), route.plan);
  } else {
    steps(route.plan);
  }
  for (const std::uint32_t jump : std::exchange(failing_, {})) ops_[jump].index = here();
  end();
  finish_later();
  return std::move(ops_);
}

Compiler::Runner Compiler::own() const {
  // What a queue's worker would hold, a handler that computes itself holds no more of than its loop.
  const Resource computing = traits_.computing == Resource::queue ? traits_.handler : traits_.computing;
  return {traits_.handler, traits_.waiting, computing, arm_.gil, false, true};
}

void Compiler::begin(const Route& route, bool body) {
  const Resource handler = traits_.handler;
  const bool by_loop = handler == Resource::pool;
  if (body && !keeps_handler(traits_)) add(MicroOpKind::body);
  if (by_loop) {
    enter(Resource::loop);
  } else if (handler == Resource::loop) {
    enter(handler);  // the loop's own code reads the request, so it needs the lock for that already
  } else {
    acquire(handler);
    if (body && keeps_handler(traits_)) add(MicroOpKind::body);
  }
  add(MicroOpKind::read);
  if (by_loop && route.depends.empty()) {
    leave(Resource::loop);
    acquire(handler);
    add(MicroOpKind::start);
    lock(locks(handler));
  } else {
    add(MicroOpKind::start);
    if (!by_loop && handler != Resource::loop) lock(locks(handler));
    for (const Dependency& dependency : route.depends) depend(dependency);
    if (by_loop) {
      leave(Resource::loop);
      enter(handler);
    }
  }
  if (body) {
    add(MicroOpKind::check_body, Resource::nothing, 0, route.body_limit);
    fail_from_here();
  }
}

void Compiler::depend(const Dependency& dependency) {
  const Runner before = runner_;
  const bool beside_loop = traits_.handler == Resource::loop || traits_.handler == Resource::pool;
  if (!beside_loop) {
    runner_ = in(traits_.handler, arm_.gil);
    steps(dependency.steps);
  } else {
    runner_ = {Resource::loop, Resource::nothing, Resource::loop, arm_.gil, false, false};
    if (dependency.asynchronous) {
      steps(dependency.steps);
    } else {
      pooled(dependency.steps);
    }
  }
  runner_ = before;
}

void Compiler::end() {
  const Resource handler = traits_.handler;
  add(MicroOpKind::finish);
  if (handler == Resource::pool) {
    leave(handler);
    enter(Resource::loop);
    add(MicroOpKind::reply);
    leave(Resource::loop);
    if (!after_.empty()) {
      enter(handler);
      after_reply();
      leave(handler);
    }
    add(MicroOpKind::close);
    return;
  }
  add(MicroOpKind::reply);
  after_reply();
  if (keeps_handler(traits_)) {
    unlock(locks(handler));
    add(MicroOpKind::close, handler);
    if (traits_.idle_timeout > 0) {  // for clients that stay connected and ask no more
      add(MicroOpKind::wait, Resource::nothing, 0, traits_.idle_timeout);
      release(handler);
      add(MicroOpKind::close);
    }
  } else {
    leave(handler);
    add(MicroOpKind::close);
  }
}

void Compiler::after_reply() {
  runner_.may_fail = false;
  for (std::size_t i = 0; i < after_.size(); ++i) {  // one may add another
    const AfterReply later = after_[i];
    position_ = later.position;
    repeat(later.times, later.position - 1, [&] { steps(*later.plan); });
  }
}

void Compiler::finish_later() {
  for (std::size_t i = 0; i < later_.size(); ++i) {
    const Later later = later_[i];
    ops_[later.patch].index = here();
    runner_ = later.runner;
    position_ = later.position;
    quiet_ = later.quiet ? 1 : 0;
    if (later.job) {
      lock(runner_.gil);
      steps(*later.plan);
      unlock(runner_.gil);
      add(MicroOpKind::end_job);
    } else {
      enter(runner_.handler);
      steps(*later.plan);
      for (const std::uint32_t jump : std::exchange(failing_, {})) ops_[jump].index = here();
      leave(runner_.handler);
      add(MicroOpKind::end_child);
    }
  }
}

void Compiler::repeat(std::int64_t times, std::uint32_t position, const std::function<void()>& body) {
  if (times <= 1) {
    if (times == 1) body();
    return;
  }
  const bool told_as_one = times > kToldRepeats;
  const std::int64_t around = std::exchange(repeated_, repeated_ * times);
  if (told_as_one) {
    mark(MicroOpKind::step_begin, runner_.handler, position);
    ++quiet_;
  }
  add(MicroOpKind::again_begin, Resource::nothing, 0, times);
  const std::uint32_t first = here();
  body();
  add(MicroOpKind::again_end, Resource::nothing, first);
  if (told_as_one) {
    --quiet_;
    mark(MicroOpKind::step_end, runner_.handler, position);
  }
  repeated_ = around;
}

}  // namespace lab
