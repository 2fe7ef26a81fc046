#include "lab/servers/event_loop/loop.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/steps/call.hpp"

namespace lab {

namespace {

/// In a thread of the pool: the handler from its first line to its last.
void run_handler(const PoolTask& task, std::uint16_t unit) {
  Call& call = *task.call;
  call.acquire(Resource::pool, unit);
  // Where it has dependencies, it began with the first of them.
  if (call.dependencies().empty()) call.start();
  run_blocking(call, call.plan(), call.place());
  call.finish();
  call.release(Resource::pool, unit);
}

Task send_to_pool(Call& call, Loop& loop) {
  return run_in_pool(call, loop, PoolTask{.run = run_handler, .call = &call});
}

Task handle_with_dependencies(Call& call, Loop& loop) {
  call.start();
  co_await run_dependencies(call, loop);
  // One that failed lets the handler not begin.
  if (call.ended()) {
    call.finish();
  } else {
    co_await send_to_pool(call, loop);
  }
}

/// `def`: the loop only reads the request, hands it to the pool, and writes the reply.
Task handle(Call& call, Loop& loop, const LoopMode& /*mode*/) {
  return call.dependencies().empty() ? send_to_pool(call, loop) : handle_with_dependencies(call, loop);
}

Task after(Call& call, Loop& loop, const LoopMode& /*mode*/) {
  for (const PlanExecution::Deferred& later : call.result()->deferred)
    co_await run_in_pool(call, loop, *later.plan, later.place);
}

constexpr LoopMode kPooling{.handle = handle, .after = after};

}  // namespace

extern const Mode k_mode_thread_pool;
const Mode k_mode_thread_pool{
    .traits = {.name = "thread-pool",
               .summary = "an event loop that hands whole handlers to a pool of threads",
               .fastapi = "def + time.sleep",
               .handler = Resource::pool,
               .waiting = Resource::pool,
               .computing = Resource::pool,
               .idle = Resource::nothing},
    .loop = &kPooling};

}  // namespace lab
