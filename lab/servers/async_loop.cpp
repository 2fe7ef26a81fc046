#include "lab/servers/call.hpp"
#include "lab/servers/loop.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

/// A wait that is awaited: the loop is free from the suspension until the timer has fired and the loop comes
/// back to it.
Task wait(Call& call, Loop& loop, std::size_t step, Nanos duration) {
  const Nanos begun = call.begin_step(step);
  Timer timer(loop.executor(), asio_time(begun + duration));
  call.release(Resource::loop);
  co_await timer.async_wait(kAwait);
  call.acquire(Resource::loop);
  call.end_step(step);
}

/// `async def` that awaits: only what computes, or blocks on purpose, holds the loop.
Task handle(Call& call, Loop& loop) {
  call.start();
  for (std::size_t step = 0; step < call.plan().size(); ++step) {
    const Step& current = call.plan()[step];
    const Wait* awaited = current.blocking ? nullptr : std::get_if<Wait>(&current.action);
    if (awaited != nullptr) {
      co_await wait(call, loop, step, awaited->duration);
    } else {
      call.perform(step);
    }
  }
  call.finish();
}

constexpr LoopMode kLoopMode{.handle = handle};

}  // namespace

extern const Mode k_mode_async_loop;
const Mode k_mode_async_loop{.traits = {.name = "async-loop",
                                        .summary = "one event loop; handlers let go of it while they wait",
                                        .fastapi = "async def + await asyncio.sleep",
                                        .handler = Resource::loop,
                                        .waiting = Resource::nothing,
                                        .computing = Resource::loop,
                                        .idle = Resource::nothing},
                             .loop = &kLoopMode};

}  // namespace lab
