#include "lab/servers/call.hpp"
#include "lab/servers/loop.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

/// In a thread of the pool: the handler from its first line to its last.
void run_handler(Call& call, std::size_t /*step*/, std::uint16_t unit) {
  call.acquire(Resource::pool, unit);
  call.start();
  for (std::size_t step = 0; step < call.plan().size(); ++step) call.perform(step);
  call.finish();
  call.release(Resource::pool, unit);
}

/// `def`: the loop only reads the request, hands it to the pool, and writes the reply.
Task handle(Call& call, Loop& loop) {
  call.release(Resource::loop);
  co_await loop.in_pool(run_handler, call);
  call.acquire(Resource::loop);
}

constexpr LoopMode kLoopMode{.handle = handle, .needs_pool = true};

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
    .loop = &kLoopMode};

}  // namespace lab
