#include "lab/servers/event_loop/loop.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

/// `async def` that calls `time.sleep`: every step is a blocking call in the only thread there is. The loop
/// is held from the first line to the last, so whoever comes meanwhile stays unread in the kernel.
constexpr LoopMode kBlocking{.handle = handle_on_loop, .after = after_on_loop};

}  // namespace

extern const Mode k_mode_blocking_loop;
const Mode k_mode_blocking_loop{.traits = {.name = "blocking-loop",
                                           .summary = "one event loop; handlers block it while they wait",
                                           .fastapi = "async def + time.sleep",
                                           .handler = Resource::loop,
                                           .waiting = Resource::loop,
                                           .computing = Resource::loop,
                                           .idle = Resource::nothing},
                                .loop = &kBlocking};

}  // namespace lab
