#include "lab/servers/event_loop/loop.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <memory>

#include "lab/servers/steps/call.hpp"
#include "lab/servers/steps/services.hpp"

namespace lab {

namespace asio = boost::asio;

namespace {

using FaultTask = asio::awaitable<LeafFault, Executor>;
using WatchedDescriptor = asio::posix::basic_stream_descriptor<Executor>;

/// What a dependency that is awaited runs by.
constexpr LoopMode kAwaiting{.waiting = await_step};

void end_timer(void* timer) {
  static_cast<Timer*>(timer)->cancel();
}

void end_wait(void* descriptor) {
  boost::system::error_code ignored;
  static_cast<WatchedDescriptor*>(descriptor)->cancel(ignored);
}

/// The most common step, and thousands may wait at once: its frame has no room for what others need.
Task await_timer(Call& call, Loop& loop, const Wait& wait, StepPlace place) {
  const Nanos begun = call.begin_step(place);
  {
    Timer timer(loop.executor(), asio_time(begun + wait.duration));
    const Call::Interruption interruption(call, end_timer, &timer);
    call.release(Resource::loop);
    co_await timer.async_wait(kAwaitTuple);
  }
  call.acquire(Resource::loop);
  call.end_step(place);
}

/// Waits on the loop for a descriptor that is somebody else's. False: until the end, or the call
/// has ended: its client has gone, or another branch of it failed.
asio::awaitable<bool, Executor> await_descriptor(Call& call, Loop& loop, Conversation::Need need, Nanos end) {
  if (call.ended()) co_return false;
  // What the timer knows of; it may end after the wait.
  const auto watched = std::make_shared<WatchedDescriptor>(loop.executor(), need.fd);
  const Call::Interruption interruption(call, end_wait, watched.get());
  Timer limit(loop.executor());
  if (end != kNever) {
    limit.expires_at(asio_time(end));
    limit.async_wait([watched](const boost::system::error_code& problem) {
      if (!problem) end_wait(watched.get());
    });
  }
  const auto what = need.to_write ? WatchedDescriptor::wait_write : WatchedDescriptor::wait_read;
  const auto [problem] = co_await watched->async_wait(what, kAwaitTuple);
  watched->release();
  co_return !problem;
}

/// The waiting itself, once the step has what it needs.
FaultTask await_answer(Call& call, Loop& loop, const Step& step, Nanos begun,
                       std::optional<std::uint16_t> unit) {
  if (const auto* wait = step.as<Wait>()) {
    Timer timer(loop.executor(), asio_time(begun + wait->duration));
    const Call::Interruption interruption(call, end_timer, &timer);
    co_await timer.async_wait(kAwaitTuple);
  }
  const std::unique_ptr<Conversation> question = ask(step, call.services().tools(unit), false);
  if (question == nullptr) co_return LeafFault{};
  while (const auto need = question->go_on()) {
    const bool ready = co_await await_descriptor(call, loop, *need, question->deadline());
    if (!ready) question->give_up();
  }
  LeafFault fault = question->fault();
  co_return fault;
}

Task await_outside(Call& call, Loop& loop, ConnectionPool* pool, const Step& step, StepPlace place) {
  std::optional<std::uint16_t> unit;
  if (pool != nullptr) {
    call.release(Resource::loop);
    unit = co_await loop.connection(*pool);
    call.acquire(Resource::connection, *unit);
  }
  const Nanos begun = call.begin_step(place);
  if (pool == nullptr) call.release(Resource::loop);
  LeafFault fault;
  // A client that went while its handler stood in the line is not waited for.
  if (!call.ended()) fault = co_await await_answer(call, loop, step, begun, unit);
  call.acquire(Resource::loop);
  call.end_step(place);
  if (unit) {
    call.release(Resource::connection, *unit);
    pool->give(*unit);
  }
  if (!fault.none()) call.fail(fault.status, fault.reason);
}

void run_steps(const PoolTask& task, std::uint16_t unit) {
  run_in_member(*task.call, task.steps, task.place, unit);
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
  const bool reported_as_one = loops.times > Repeat::kMaxReported;
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

Task gather(Call& call, Loop& loop, const LoopMode& mode, const Gather& step, StepPlace place) {
  if (step.branches.empty()) co_return;
  Timer last_done(loop.executor(), Timer::time_point::max());
  std::size_t left = step.branches.size();
  call.release(Resource::loop);
  StepPlace next = place.at(1);
  for (const Plan& branch : step.branches) {
    asio::co_spawn(loop.executor(), run_branch(call, loop, mode, branch, next),
                   [&](const std::exception_ptr& fault) {
                     if (fault != nullptr) call.fail(kServerFault, "a branch of the handler failed");
                     if (--left == 0) last_done.cancel();
                   });
    next = next.at(text_size(branch));
  }
  co_await last_done.async_wait(kAwaitTuple);
  call.acquire(Resource::loop);
}

/// Makes the coroutine of the steps and does not await it: none of them is executed.
void make_and_forget(Call& call, Loop& loop, const LoopMode& mode, const Forget& step, StepPlace place) {
  [[maybe_unused]] const Task never = run_on_loop(call, loop, mode, step.steps, place.at(1));
  forget(call);
}

/// What is awaited of a step in this mode; an invalid task where the loop's own thread does it in place.
Task suspension_of(Call& call, Loop& loop, const LoopMode& mode, const Step& step, StepPlace place) {
  const bool computes = step.is<Compute>();
  const LoopMode::Leaf leaf = is_waiting(step) ? mode.waiting : computes ? mode.computing : nullptr;
  if (leaf != nullptr && !step.blocking) return leaf(call, loop, step, place);
  if (step.is<Yield>()) return yield(call, loop);
  if (step.is<Ready>()) return already_there();
  if (const auto* loops = step.as<Repeat>()) return repeat(call, loop, mode, *loops, place);
  if (const auto* all = step.as<Gather>()) return gather(call, loop, mode, *all, place);
  if (const auto* pooled = step.as<Pooled>()) return run_in_pool(call, loop, pooled->steps, place.at(1));
  return {};
}

}  // namespace

Task await_step(Call& call, Loop& loop, const Step& step, StepPlace place) {
  ConnectionPool* const pool = needs_connection(step) ? call.services().connection_pool() : nullptr;
  const auto* wait = step.as<Wait>();
  if (pool == nullptr && wait != nullptr) return await_timer(call, loop, *wait, place);
  return await_outside(call, loop, pool, step, place);
}

Task run_on_loop(Call& call, Loop& loop, const LoopMode& mode, const Plan& plan, StepPlace first) {
  for (const Step& step : plan) {
    if (call.ended()) co_return;
    Task suspension = suspension_of(call, loop, mode, step, first);
    if (suspension.valid()) {
      co_await std::move(suspension);
    } else if (const auto* forgotten = step.as<Forget>()) {
      make_and_forget(call, loop, mode, *forgotten, first);
    } else {
      run_blocking(call, {&step, 1}, first, Runner{.member = -1, .on_loop = true});
    }
    first = first.at(text_size(step));
  }
}

Task run_in_pool(Call& call, Loop& loop, PoolTask task) {
  call.release(Resource::loop);
  co_await loop.in_pool(task);
  call.acquire(Resource::loop);
}

Task run_in_pool(Call& call, Loop& loop, std::span<const Step> steps, StepPlace first) {
  const PoolTask task{.run = run_steps, .call = &call, .steps = steps, .place = first};
  return run_in_pool(call, loop, task);
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
