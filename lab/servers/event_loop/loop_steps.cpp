#include "lab/servers/event_loop/loop_steps.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <exception>

#include "lab/servers/event_loop/awaited.hpp"
#include "lab/servers/steps/blocking_steps.hpp"
#include "lab/servers/steps/call.hpp"
#include "lab/servers/steps/leaf.hpp"

namespace lab {

namespace asio = boost::asio;

namespace {

/// What a dependency that is awaited runs by.
constexpr LoopMode kAwaiting{.waiting = await_step};

void run_plan(const PoolTask& task, std::uint16_t unit) {
  run_in_member(*task.call, *task.plan, task.place, unit);
}

Task yield(Call& call, Loop& loop) {
  call.release(Resource::loop);
  co_await asio::post(loop.executor(), kAwait);
  call.acquire(Resource::loop);
}

/// Co-awaiting it suspends nothing: the caller goes on at once.
Task already_there() {
  co_return;
}

Task repeat(Call& call, Loop& loop, const LoopMode& mode, const Repeat& loops, StepPlace place) {
  const bool reported_as_one = loops.times > kMaxToldRepetitions;
  if (reported_as_one) call.begin_step(place);
  const StepPlace inside{place.position + 1, place.quiet || reported_as_one};
  for (std::int64_t i = 0; i < loops.times && !call.ended(); ++i)
    co_await run_on_loop(call, loop, mode, loops.steps, inside);
  if (reported_as_one) call.end_step(place);
}

Task run_branch(Call& call, Loop& loop, const LoopMode& mode, const Plan& branch, StepPlace first) {
  // co_spawn runs a coroutine at once; a child waits for its turn.
  co_await asio::post(loop.executor(), kAwait);
  call.acquire(Resource::loop);
  co_await run_on_loop(call, loop, mode, branch, first);
  call.release(Resource::loop);
}

/// Told when the last of several coroutines has ended. The loop's thread only.
struct Last {
  Timer done;
  std::size_t left;
  Call& call;
  void one_ended(const std::exception_ptr& fault) {
    if (fault != nullptr) call.fail(kServerFault, "a branch of the handler failed");
    if (--left == 0) done.cancel();
  }
};

Task gather(Call& call, Loop& loop, const LoopMode& mode, const Gather& step, StepPlace place) {
  if (step.branches.empty()) co_return;
  Last last{Timer(loop.executor(), Timer::time_point::max()), step.branches.size(), call};
  call.release(Resource::loop);
  StepPlace next = place.at(1);
  for (const Plan& branch : step.branches) {
    asio::co_spawn(loop.executor(), run_branch(call, loop, mode, branch, next),
                   [&last](const std::exception_ptr& fault) { last.one_ended(fault); });
    next = next.at(text_size(branch));
  }
  co_await last.done.async_wait(kAwaitTuple);
  call.acquire(Resource::loop);
}

/// Makes the coroutine of the steps and does not await it: none of them is executed.
void make_and_forget(Call& call, Loop& loop, const LoopMode& mode, const Forget& step, StepPlace place) {
  [[maybe_unused]] const Task never = run_on_loop(call, loop, mode, step.steps, place.at(1));
  forget(call);
}

/// Structural steps give a coroutine to await; the others are done when they return.
struct RunOnLoop {
  Call& call;
  Loop& loop;
  const LoopMode& mode;
  const Step& step;
  StepPlace place;

  Task operator()(const Yield& /*step*/) const { return yield(call, loop); }
  Task operator()(const Ready& /*step*/) const { return already_there(); }
  Task operator()(const Repeat& loops) const { return repeat(call, loop, mode, loops, place); }
  Task operator()(const Gather& all) const { return gather(call, loop, mode, all, place); }
  Task operator()(const Pooled& pooled) const { return run_in_pool(call, loop, pooled.steps, place.at(1)); }
  /// Only asked for steps that suspend.
  template <class Other>
  Task operator()(const Other& /*step*/) const {
    return already_there();
  }
};

/// How this step is awaited in the mode; null where it is done in place.
LoopMode::Leaf leaf_of(const LoopMode& mode, const Step& step) {
  if (step.blocking) return nullptr;
  if (is_waiting(step)) return mode.waiting;
  return std::holds_alternative<Compute>(step.action) ? mode.computing : nullptr;
}

Task run_structure(Call& call, Loop& loop, const LoopMode& mode, const Step& step, StepPlace place) {
  return std::visit(RunOnLoop{call, loop, mode, step, place}, step.action);
}

/// A step that suspends nothing, in the loop's own thread.
void run_here(Call& call, Loop& loop, const LoopMode& mode, const Step& step, StepPlace place) {
  if (const auto* forgotten = std::get_if<Forget>(&step.action)) {
    make_and_forget(call, loop, mode, *forgotten, place);
  } else {
    run_blocking(call, step, place, Runner{.member = -1, .on_loop = true});
  }
}

bool is_structure(const Step& step) {
  return std::holds_alternative<Yield>(step.action) || std::holds_alternative<Ready>(step.action) ||
         std::holds_alternative<Repeat>(step.action) || std::holds_alternative<Gather>(step.action) ||
         std::holds_alternative<Pooled>(step.action);
}

}  // namespace

Task run_on_loop(Call& call, Loop& loop, const LoopMode& mode, const Plan& plan, StepPlace first) {
  for (const Step& step : plan) {
    if (call.ended()) co_return;
    if (const LoopMode::Leaf leaf = leaf_of(mode, step); leaf != nullptr) {
      co_await leaf(call, loop, step, first);
    } else if (is_structure(step)) {
      co_await run_structure(call, loop, mode, step, first);
    } else {
      run_here(call, loop, mode, step, first);
    }
    first = first.at(text_size(step));
  }
}

Task run_in_pool(Call& call, Loop& loop, const Plan& plan, StepPlace first) {
  const PoolTask task{.run = run_plan, .call = &call, .plan = &plan, .step = nullptr, .place = first};
  call.release(Resource::loop);
  co_await loop.in_pool(task);
  call.acquire(Resource::loop);
}

Task run_dependencies(Call& call, Loop& loop) {
  StepPlace first;
  for (const Dependency& dependency : call.dependencies()) {
    if (call.ended()) co_return;
    if (dependency.asynchronous) {
      co_await run_on_loop(call, loop, kAwaiting, dependency.steps, first);
    } else {
      co_await run_in_pool(call, loop, dependency.steps, first);
    }
    first = first.at(text_size(dependency.steps));
  }
}

Task handle_on_loop(Call& call, Loop& loop, const LoopMode& mode) {
  call.start();
  if (!call.dependencies().empty()) co_await run_dependencies(call, loop);
  if (!call.plan().empty()) co_await run_on_loop(call, loop, mode, call.plan(), call.place());
  call.finish();
}

Task after_on_loop(Call& call, Loop& loop, const LoopMode& mode) {
  for (const PlanExecution::Deferred& later : call.result()->deferred)
    co_await run_on_loop(call, loop, mode, *later.plan, later.place);
}

}  // namespace lab
