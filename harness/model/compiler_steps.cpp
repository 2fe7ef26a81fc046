// What each kind of step becomes.
#include <algorithm>

#include "harness/model/compiler.hpp"

namespace lab {

namespace {

// Reading a file and handing over are the operating system's work; the interpreter lock is free meanwhile.
bool computes_unlocked(Work work) {
  return work == Work::file_read || work == Work::coroutine_switch || work == Work::thread_switch ||
         work == Work::process_switch;
}

std::uint32_t steps_in(const Plan& plan) {
  std::uint32_t count = 0;
  for_each_step(plan, [&](const Step&) { ++count; });
  return count;
}

}  // namespace

void Compiler::steps(const Plan& plan) {
  for (const Step& each : plan) {
    const std::uint32_t position = position_++;
    step(each, position);
  }
}

void Compiler::step(const Step& step, std::uint32_t position) {
  const Resource waits_on = step.blocking ? runner_.handler : runner_.waiting;
  const Resource computes_on = step.blocking ? runner_.handler : runner_.computing;
  struct Translate {
    Compiler& self;
    std::uint32_t position;
    Resource waits_on, computes_on;
    void operator()(const Wait& wait) const {
      self.wait_step(position, wait.duration, waits_on, wait.on_connection);
    }
    void operator()(const Compute& compute) const { self.cpu_step(position, compute, computes_on); }
    void operator()(const CallUpstream& call) const {
      self.wait_step(position, call.duration, waits_on, false);
    }
    void operator()(const Query& query) const { self.wait_step(position, query.duration, waits_on, true); }
    void operator()(const Increment&) const { self.add(MicroOpKind::count); }
    void operator()(const Yield&) const {
      if (self.runner_.handler != Resource::loop) return;
      self.leave(Resource::loop);
      self.enter(Resource::loop);
    }
    void operator()(const Ready&) const {}
    void operator()(const Repeat& repeat) const {
      const std::uint32_t inner = self.position_;
      self.repeat(repeat.times, position, [&] { self.steps(repeat.steps); });
      self.position_ = inner + steps_in(repeat.steps);
    }
    void operator()(const Gather& gather) const { self.gather(gather); }
    void operator()(const Pooled& pooled) const { self.pooled(pooled.steps); }
    void operator()(const Forget& forget) const {
      self.add(MicroOpKind::forget);
      self.skip(forget.steps);
    }
    void operator()(const Background& later) const { self.background(later.steps); }
    void operator()(const Enqueue& job) const { self.enqueue(job.queue, job.steps); }
    void operator()(const FetchResult& result) const { self.fetch(result.queue); }
  };
  std::visit(Translate{*this, position, waits_on, computes_on}, step.action);
}

void Compiler::wait_step(std::uint32_t position, Nanos duration, Resource holds, bool connection) {
  const Resource handler = runner_.handler;
  const bool locked = locks(handler);
  const Resource database =
      connection && arm_.connections > 0 && !runner_.elsewhere ? Resource::connection : Resource::nothing;
  const bool moves = holds != handler && holds != Resource::nothing;
  if (moves) {
    leave(handler);
    acquire(holds);
  }
  const auto let_go = [&] {
    if (moves) return;
    unlock(locked);
    if (holds == Resource::nothing) release(handler);
  };
  if (database != Resource::nothing) {
    let_go();
    acquire(database);
    mark(MicroOpKind::step_begin, holds, position);
  } else {
    mark(MicroOpKind::step_begin, holds, position);
    let_go();
  }
  add(MicroOpKind::wait, Resource::nothing, 0, duration);
  mark(MicroOpKind::step_end, holds, position);
  release(database);
  if (moves) release(holds);
  if (holds != handler) acquire(handler);
  lock(locked);
}

void Compiler::cpu_step(std::uint32_t position, const Compute& compute, Resource holds) {
  const Resource handler = runner_.handler;
  const bool unlocked = computes_unlocked(compute.work);
  const bool moves = holds != handler;
  if (moves) {
    leave(handler);
    acquire(holds);
    lock(locks(holds) && !unlocked);
  }
  mark(MicroOpKind::step_begin, holds, position);
  if (!moves && unlocked) unlock(locks(handler));
  if (compute.duration > 0) add(MicroOpKind::cpu, Resource::core, 0, compute.duration);
  mark(MicroOpKind::step_end, holds, position);
  if (!moves && unlocked) lock(locks(handler));
  if (moves) {
    unlock(locks(holds) && !unlocked);
    release(holds);
    enter(handler);
  }
}

void Compiler::gather(const Gather& gather) {
  if (runner_.handler != Resource::loop) {
    for (const Plan& branch : gather.branches) steps(branch);
    return;
  }
  for (const Plan& branch : gather.branches) {
    later_.push_back({&branch, position_, runner_, here(), false, quiet_ > 0});
    add(MicroOpKind::fork);
    skip(branch);
  }
  leave(Resource::loop);
  add(MicroOpKind::join);
  enter(Resource::loop);
}

void Compiler::pooled(const Plan& plan) {
  if (runner_.handler != Resource::loop) {
    steps(plan);
    return;
  }
  const Runner before = runner_;
  leave(Resource::loop);
  enter(Resource::pool);
  runner_ = in(Resource::pool, locks(Resource::pool));
  steps(plan);
  runner_ = before;
  leave(Resource::pool);
  enter(Resource::loop);
}

void Compiler::background(const Plan& plan) {
  after_.push_back({&plan, position_, repeated_});
  skip(plan);
}

void Compiler::enqueue(const std::string& queue, const Plan& plan) {
  Runner runner = in(Resource::queue, arm_.gil && !shared(queue));
  runner.elsewhere = shared(queue);
  later_.push_back({&plan, position_, runner, here(), true, quiet_ > 0});
  add(MicroOpKind::put, Resource::queue, 0, queue_number(queue));
  fail_from_here();
  skip(plan);
}

void Compiler::fetch(const std::string& queue) {
  add(MicroOpKind::fetch, Resource::queue, queue_number(queue));
  fail_from_here();
}

void Compiler::skip(const Plan& plan) {
  position_ += steps_in(plan);
}

void Compiler::fail_from_here() {
  if (runner_.may_fail) failing_.push_back(here());
  add(MicroOpKind::jump, Resource::nothing, here() + 1);
}

std::uint32_t Compiler::queue_number(const std::string& name) {
  const auto at = std::find(queues_.begin(), queues_.end(), name);
  const auto number = static_cast<std::uint32_t>(at - queues_.begin());
  if (at == queues_.end()) queues_.push_back(name);
  return number;
}

bool Compiler::shared(const std::string& name) const {
  const auto found = arm_.queues.find(name);
  return found != arm_.queues.end() && found->second.shared;
}

}  // namespace lab
