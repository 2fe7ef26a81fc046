#include "lab/servers/event_loop/loop.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

/// `async def` that awaits: only what computes, or blocks on purpose, holds the loop.
constexpr LoopMode kWaiting{.handle = handle_on_loop, .after = after_on_loop, .waiting = await_step};

}  // namespace

extern const Mode k_mode_async_loop;
const Mode k_mode_async_loop{.traits = {.name = "async-loop",
                                        .summary = "one event loop; handlers give it back while they wait",
                                        .fastapi = "async def + await asyncio.sleep",
                                        .handler = Resource::loop,
                                        .waiting = Resource::nothing,
                                        .computing = Resource::loop,
                                        .idle = Resource::nothing},
                             .loop = &kWaiting};

}  // namespace lab
