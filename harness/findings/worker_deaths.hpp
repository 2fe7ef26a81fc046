#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lab/core/event.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

/// A worker that died during a load, and what its master did about it.
struct WorkerDeath {
  Nanos at = 0;  ///< after the load's time zero
  int worker = 0;
  bool of_queue = false;            ///< a worker of a task queue, `worker` is which one
  std::optional<int> status;        ///< how, as wait(2) says it; none: not known
  std::optional<Nanos> silent;      ///< it hung so long, and the master killed it
  std::optional<Nanos> back_after;  ///< the next one could answer; none: not during the load
  Nanos backoff = 0;                ///< the next one was started so much later
  bool gave_up = false;             ///< there was none, as too many had died young
};

/// From what the master did (EventKind::died and those behind it), which a server that is not ours and the
/// model leave out: then from the harness's kills and the first sign of the next one.
std::vector<WorkerDeath> worker_deaths(std::span<const Event> supervision, std::span<const Kill> kills,
                                       std::span<const Event> events, Nanos began);

/// `worker 0 at 358 ms, back after 2.68 ms`; with how it ended, where nobody just killed it.
std::string describe(const WorkerDeath& death);

}  // namespace lab
