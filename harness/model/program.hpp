#pragma once

#include <cstdint>
#include <vector>

#include "lab/core/plan.hpp"
#include "lab/core/traits.hpp"

namespace lab {

/// What the simulation does next for one request. Only acquire, wait and cpu take virtual time.
enum class MicroOpKind : std::uint8_t {
  acquire,  ///< queue for `resource`, first come first served
  release,
  read,  ///< stamps
  start,
  step_begin,
  step_end,
  wait,  ///< for `duration`
  cpu,   ///< compute for `duration` on a core, shared with whatever else computes
  finish,
  reply,  ///< the client has its answer
  close,  ///< the connection ends or carries its client's next request; `resource`: what it held while idle
};

struct MicroOp {
  MicroOpKind kind = MicroOpKind::close;
  Resource resource = Resource::nothing;
  std::uint32_t index = 0;  ///< step_begin, step_end: of the step; wait: the simulation's queue of timers
  Nanos duration = 0;
};

using RouteProgram = std::vector<MicroOp>;

/// Translates a plan into micro-operations, from the execution model's row of the table alone.
///
/// A handler first acquires what its row says it holds. A step that holds the same keeps it; a step that
/// holds nothing gives it back and queues for it again afterwards; a step that holds something else does so
/// meanwhile. A `blocking` step keeps what the handler holds. A handler in the pool is dispatched and
/// answered by the loop, in no time but not before the loop is free. With `gil`, handler code and computing
/// need the interpreter lock, which is given back for every wait. A route whose idle connections hold the
/// handler's resource begins with acquiring it and closes with it.
RouteProgram compile_route(const Plan& plan, const Traits& traits, bool gil);

/// Whether a connection keeps what its handler holds while its client is idle.
bool keeps_handler(const Traits& traits);

}  // namespace lab
