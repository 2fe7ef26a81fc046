#include "lab/servers/event_loop/loop.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

Task send_to_pool(Call& call, Loop& loop, const Step& step, StepPlace place) {
  return run_in_pool(call, loop, {&step, 1}, place);
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
