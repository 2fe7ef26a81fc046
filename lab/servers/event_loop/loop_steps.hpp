#pragma once

#include "lab/servers/event_loop/loop.hpp"

namespace lab {

/// A waiting step that is awaited: it holds nothing, and the loop is free from the suspension until what it
/// waits for has come and the loop comes back to it.
Task await_step(Call& call, Loop& loop, const Step& step, StepPlace place);

/// Executes steps on the loop: those that wait or compute as the mode says, all others alike in every mode.
/// Ends early where the call fails. Entered and left with the loop held.
Task run_on_loop(Call& call, Loop& loop, const LoopMode& mode, const Plan& plan, StepPlace first);

/// Executes steps as a whole in a thread of the pool, or in the member of the pool of processes that it
/// stands for. Entered and left with the loop held.
Task run_in_pool(Call& call, Loop& loop, std::span<const Step> steps, StepPlace first);
Task run_in_pool(Call& call, Loop& loop, PoolTask task);

/// What must be done before the handler: asynchronous dependencies on the loop, the others in the pool.
Task run_dependencies(Call& call, Loop& loop);

/// A handler whose mode holds the loop, from start to finish.
Task handle_on_loop(Call& call, Loop& loop, const LoopMode& mode);
/// What such a handler has left for after its reply.
Task after_on_loop(Call& call, Loop& loop, const LoopMode& mode);

}  // namespace lab
