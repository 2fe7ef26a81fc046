#pragma once

#include "lab/servers/event_loop/loop.hpp"

namespace lab {

/// Executes steps on the loop: those that wait or compute as the mode says, all others alike in every mode.
/// Ends early where the call fails. Entered and left with the loop held.
Task run_on_loop(Call& call, Loop& loop, const LoopMode& mode, const Plan& plan, StepPlace first);

/// The same, but as a whole in a member of the pool.
Task run_in_pool(Call& call, Loop& loop, const Plan& plan, StepPlace first);

/// What must be done before the handler: asynchronous dependencies on the loop, the others in the pool.
Task run_dependencies(Call& call, Loop& loop);

/// A handler whose mode holds the loop, from start to finish.
Task handle_on_loop(Call& call, Loop& loop, const LoopMode& mode);
/// What such a handler has left for after its reply.
Task after_on_loop(Call& call, Loop& loop, const LoopMode& mode);

}  // namespace lab
