#include "lab/servers/event_loop/loop.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

/// The handler puts a job into a queue and replies with its id (route_table.cpp makes whole plans to jobs);
/// what it does besides, it awaits.
constexpr LoopMode kQueueing{.handle = handle_on_loop, .after = after_on_loop, .waiting = await_step};

}  // namespace

extern const Mode k_mode_task_queue;
const Mode k_mode_task_queue{.traits = {.name = "task-queue",
                                        .summary = "the reply is an id; workers of a queue do the job later",
                                        .fastapi = "Celery, RQ",
                                        .handler = Resource::loop,
                                        .waiting = Resource::nothing,
                                        .computing = Resource::queue,
                                        .idle = Resource::nothing},
                             .loop = &kQueueing};

}  // namespace lab
