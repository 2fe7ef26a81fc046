#include "lab/servers/event_loop/loop_steps.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/steps/blocking_steps.hpp"
#include "lab/servers/steps/call.hpp"
#include "lab/servers/steps/services.hpp"

namespace lab {

namespace {

/// In a thread of the pool: one step, run as a blocking call.
void run_step(const PoolTask& task, std::uint16_t unit) {
  Call& call = *task.call;
  call.acquire(Resource::pool, unit);
  const bool processes = call.services().processes() != nullptr;
  const Runner here{.member = processes ? unit : -1, .on_loop = false};
  run_blocking(call, *task.step, task.place, here);
  call.release(Resource::pool, unit);
}

Task send_to_pool(Call& call, Loop& loop, const Step& step, StepPlace place) {
  const PoolTask task{.run = run_step, .call = &call, .plan = nullptr, .step = &step, .place = place};
  call.release(Resource::loop);
  co_await loop.in_pool(task);
  call.acquire(Resource::loop);
}

/// `async def` that awaits `run_in_threadpool`: each step goes to the pool, and the loop is held only between
/// steps. A step marked as blocking was not sent there, and holds the loop.
constexpr LoopMode kOffloading{
    .handle = handle_on_loop, .after = after_on_loop, .waiting = send_to_pool, .computing = send_to_pool};

}  // namespace

extern const Mode k_mode_offload;
const Mode k_mode_offload{
    .traits = {.name = "offload",
               .summary = "an event loop whose handlers send their blocking steps to a pool of threads",
               .fastapi = "await run_in_threadpool",
               .handler = Resource::loop,
               .waiting = Resource::pool,
               .computing = Resource::pool,
               .idle = Resource::nothing},
    .loop = &kOffloading};

}  // namespace lab
