#include "lab/servers/call.hpp"
#include "lab/servers/loop.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

/// `async def` that calls `time.sleep`: every step is a blocking call in the only thread there is. The loop
/// is held from the first line to the last, so whoever comes meanwhile stays unread in the kernel.
Task handle(Call& call, Loop& /*loop*/) {
  call.start();
  for (std::size_t step = 0; step < call.plan().size(); ++step) call.perform(step);
  call.finish();
  co_return;
}

constexpr LoopMode kLoopMode{.handle = handle};

}  // namespace

extern const Mode k_mode_blocking_loop;
const Mode k_mode_blocking_loop{.traits = {.name = "blocking-loop",
                                           .summary = "one event loop; handlers block it while they wait",
                                           .fastapi = "async def + time.sleep",
                                           .handler = Resource::loop,
                                           .waiting = Resource::loop,
                                           .computing = Resource::loop,
                                           .idle = Resource::nothing},
                                .loop = &kLoopMode};

}  // namespace lab
