#pragma once

#include "lab/servers/event_loop/loop.hpp"

namespace lab {

/// A waiting step that is awaited: it holds nothing, and the loop is free from the suspension until what it
/// waits for has come and the loop comes back to it.
Task await_step(Call& call, Loop& loop, const Step& step, StepPlace place);

}  // namespace lab
