#include "lab/servers/call.hpp"
#include "lab/servers/loop.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

/// In a thread of the pool: one step, run as a blocking call.
void run_step(Call& call, std::size_t step, std::uint16_t unit) {
  call.acquire(Resource::pool, unit);
  call.perform(step);
  call.release(Resource::pool, unit);
}

/// `async def` that awaits `run_in_threadpool`: each step goes to the pool, and the loop is held only between
/// steps. A step marked as blocking was not sent there, and holds the loop.
Task handle(Call& call, Loop& loop) {
  call.start();
  for (std::size_t step = 0; step < call.plan().size(); ++step) {
    if (call.plan()[step].blocking) {
      call.perform(step);
    } else {
      call.release(Resource::loop);
      co_await loop.in_pool(run_step, call, step);
      call.acquire(Resource::loop);
    }
  }
  call.finish();
}

constexpr LoopMode kLoopMode{.handle = handle, .needs_pool = true};

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
    .loop = &kLoopMode};

}  // namespace lab
