#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "lab/core/plan.hpp"
#include "lab/core/scenario.hpp"
#include "lab/core/traits.hpp"

namespace lab {

/// What the simulation does next for one request. Only acquire, body, wait, cpu and join take virtual time.
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

  look,         ///< ends the request where its client has gone
  body,         ///< until the last byte of the load's body has come
  check_body,   ///< 413 and on to the next operation where the body is too large, else skips it
  again_begin,  ///< what follows, up to its again_end, `duration` times
  again_end,    ///< back to `index`, unless that was the last time
  fork,         ///< a child of the same request begins at `index`
  join,         ///< waits for all children
  end_child,
  count,   ///< adds one to a counter
  forget,  ///< a coroutine that nobody awaits
  put,    ///< a job that begins at `index` into queue number `duration`; skips the next operation unless full
  fetch,  ///< the state of the job asked for, of queue `index`; skips the next operation unless unknown
  jump,   ///< to `index`
  end_job,
};

struct MicroOp {
  MicroOpKind kind = MicroOpKind::close;
  Resource resource = Resource::nothing;
  std::uint32_t index = 0;  ///< step_begin, step_end: of the step; wait: the simulation's queue of timers
  Nanos duration = 0;
};

/// Whether `index` is a place in the program.
constexpr bool has_target(MicroOpKind kind) {
  return kind == MicroOpKind::again_end || kind == MicroOpKind::fork || kind == MicroOpKind::put ||
         kind == MicroOpKind::jump;
}

/// The handler from the first operation on, ending with `close`; then its children and jobs.
using RouteProgram = std::vector<MicroOp>;

/// Who reads what operations report; those that do nothing else are left out where nobody does.
enum class Reports : std::uint8_t { none, records, events };

/// The names of an arm's queues; their numbers are the places here.
using QueueNames = std::vector<std::string>;

/// Translates a route into micro-operations, from the execution model's row of the table alone.
///
/// A handler first acquires what its row says it holds. A step that holds the same keeps it; a step that
/// holds nothing gives it back and queues for it again afterwards; a step that holds something else does so
/// meanwhile. A `blocking` step keeps what the handler holds. A handler in the pool is dispatched and
/// answered by the loop, in no time but not before the loop is free. With a GIL, handler code and computing
/// need the interpreter lock, which is given back for every wait. A route whose idle connections hold the
/// handler's resource begins with acquiring it and closes with it. `body`: some load sends one.
RouteProgram compile_route(const Route& route, const Traits& traits, const Arm& arm, QueueNames& queues,
                           bool body = false, Reports reports = Reports::events);

/// Whether a connection keeps what its handler holds while its client is idle.
bool keeps_handler(const Traits& traits);

/// What one request asks of one resource when nothing is in its way, in nanoseconds.
struct Need {
  Nanos head = 0;  ///< from its arrival until it first holds it
  Nanos work = 0;  ///< how long it holds it in all
  Nanos tail = 0;  ///< from its last release until the reply
  int pieces = 0;  ///< in how many goes
};

/// What one request must at least ask for before its reply, read off its program. Zero-time holds are no
/// need, nor is what comes after the reply or may be left out: everything after a queue that can be full.
struct Demand {
  std::array<Need, kResources> needs;  ///< by Resource
  Nanos length = 0;                    ///< from arrival to reply
  bool cpu = false;

  const Need& of(Resource resource) const { return needs[static_cast<std::size_t>(resource)]; }
};

Demand demand_of(const RouteProgram& program);

}  // namespace lab
