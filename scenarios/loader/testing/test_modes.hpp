#pragma once

#include <array>

#include "lab/core/traits.hpp"

namespace lab {

/// The rows that the servers' table has, so that this module needs no server to be tested.
inline constexpr std::array<Traits, 6> kTestModes{{
    {"blocking-loop", "one loop, which waits", "async def + time.sleep", Resource::loop, Resource::loop,
     Resource::loop, Resource::nothing},
    {"async-loop", "one loop, which never waits", "async def + await", Resource::loop, Resource::nothing,
     Resource::loop, Resource::nothing},
    {"offload", "a loop that sends steps to a pool", "run_in_threadpool", Resource::loop, Resource::pool,
     Resource::pool, Resource::nothing},
    {"thread-pool", "whole handlers in a pool", "def", Resource::pool, Resource::pool, Resource::pool,
     Resource::nothing},
    {"thread-per-request", "a thread a connection", "Flask", Resource::thread, Resource::thread,
     Resource::thread, Resource::thread},
    {"task-queue", "an id now, the result later", "Celery, RQ", Resource::loop, Resource::nothing,
     Resource::queue, Resource::nothing},
}};

}  // namespace lab
