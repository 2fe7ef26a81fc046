// harness/analysis says what a run means: stats, critical paths, queues, lanes, a loop's cycle, claims. It
// reads records and what harness/trace made of events, and never measures. For findings, results and lab.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harness/trace/occupancy.hpp"
#include "lab/core/event.hpp"
#include "lab/core/record.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

/// A run's makespan taken apart along its critical path: from the last reply back to whoever held what it
/// waited for, and so on to the first send. Every nanosecond belongs to exactly one part, so the parts add up
/// to the makespan; what no event explains is `unexplained`.
struct CriticalPath {
  Nanos makespan = 0;
  Nanos planned =
      0;             ///< steps of the plan, as long as the model says that they take; planned arrival offsets
  Nanos lag = 0;     ///< sent late by the generator
  Nanos unread = 0;  ///< the loop was free, the request not yet taken from the socket; or accepting it
  Nanos runnable = 0;     ///< hand-over to a pool member, waking it
  Nanos service = 0;      ///< the handler took longer than its plan: late timers, shared cores, its own code
  Nanos reply = 0;        ///< writing replies and their way back
  Nanos unexplained = 0;  ///< waited although nobody held anything (events lost, or a cause unknown)
  std::vector<std::uint32_t> requests;  ///< the chain, last reply first
  /// Records and holds that were examined to find it: grows with the path, whatever the number of records.
  std::uint64_t examined = 0;
};

/// `planned_steps`: how long each step takes under this arm's own rules, from the model's events of the same
/// load. `cores`: while other requests compute on most of them, who waits for nobody else waits for a core.
/// Empty records or none answered give a path of zero.
CriticalPath critical_path(std::span<const RequestRecord> records, const Occupancy& occupancy,
                           const Occupancy& planned_steps, const std::vector<Route>& routes,
                           const Case& load_case, int cores);

/// Requests that queued behind others for one kind of resource.
struct Queue {
  Resource resource = Resource::nothing;
  std::int64_t requests = 0;  ///< how many queued, each for 5 ms or more
  Nanos waited = 0;           ///< in all
  Nanos longest = 0;
  /// Of `waited`: the holder itself was only waiting (asleep, or for another server).
  Nanos behind_waiting = 0;
  Nanos exhausted = 0;     ///< how long no member was free, at the worker where that was longest
  Nanos typical_hold = 0;  ///< median
};

/// How many members of each resource a worker has.
struct Members {
  int pool = 1;  ///< or threads
  int connections = 0;
  int queue_workers = 0;
};

/// Since when a request had done nothing else, at the moment that one of its holds began: for how long it
/// waited for what it then held.
Nanos idle_since(const RequestRecord& record, const Hold& hold, const Occupancy& occupancy);

/// The queues at the loop, the pool or threads, the interpreter lock, the database connections and the
/// workers of task queues, read from who held what while others waited. It is a queue only while no member is
/// free, and only behind steps of a plan: what takes long to wake up queues for nothing.
std::vector<Queue> find_queues(std::span<const RequestRecord> records, const Occupancy& occupancy,
                               const std::vector<Route>& routes, const Members& members);

/// Turns records and what their requests held into lanes, seconds after the first request was sent. At most
/// `limit` of them, in order of their ids; the same for measured and for simulated records. A client process
/// of `load_case` has sent nothing yet while it starts.
std::vector<Lane> make_lanes(std::span<const RequestRecord> records, const Occupancy& occupancy,
                             const std::vector<Route>& routes, const Case& load_case, std::size_t limit);

}  // namespace lab
