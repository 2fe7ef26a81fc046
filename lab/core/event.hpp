#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/core/traits.hpp"

namespace lab {

enum class EventKind : std::uint8_t {
  none,
  accepted,  ///< a connection was taken over; value = the client's port
  read,      ///< the request was parsed
  started,   ///< the handler began
  finished,  ///< the handler is done
  replied,   ///< the reply was handed to the kernel
  acquire,   ///< the request holds a resource from now on
  release,
  step_begin,  ///< value = index of the step in its plan (nested plans: in order of execution)
  step_end,
  turn,  ///< the loop has run all that was ready and asks the kernel for more; value = handlers run in it
  forgotten,  ///< the handler made a coroutine that nobody awaits
  cancelled,  ///< the handler was ended because its client had gone
  enqueued,   ///< the request's job is in a queue; value = its id
  computed,   ///< a step has computed; value = its thread's CPU time, in millionths of the calibrated time
  lost,       ///< the request's job was held by a worker that died; value = its id
  preempted,  ///< its thread computes again, which had no core for `value` nanoseconds
  // What the master did about a worker; of a task queue's the resource is the queue, and the unit which one.
  died,       ///< value = how, as wait(2) says it
  hung,       ///< it was killed, since no step had begun for `value` nanoseconds
  backoff,    ///< the next one is started `value` nanoseconds after its death
  serving,    ///< the next one can answer; value = nanoseconds since its death, or since the reload
  reloading,  ///< the next one is started before it ends
  gave_up,    ///< too many died young, so the server ends
};
/// Whether it is of the last ones.
constexpr bool is_of_master(EventKind kind) {
  return kind >= EventKind::died;
}
BOOST_DESCRIBE_ENUM(EventKind, none, accepted, read, started, finished, replied, acquire, release, step_begin,
                    step_end, turn, forgotten, cancelled, enqueued, computed, lost, preempted, died, hung,
                    backoff, serving, reloading, gave_up)

/// One thing that happened inside a server (or in the virtual-time model). Fixed size, in the order in which
/// requests.bin has it.
struct Event {
  Nanos at = 0;
  std::int64_t value = 0;
  std::uint32_t request = 0;  ///< RequestRecord::id; 0: none
  std::uint16_t worker = 0;   ///< slot
  std::uint16_t unit = 0;     ///< which member of the resource: pool thread 0 … P-1
  EventKind kind = EventKind::none;
  Resource resource = Resource::nothing;
};

using Events = std::vector<Event>;

/// The order in which events are sorted.
inline bool earlier(const Event& a, const Event& b) {
  return a.at < b.at;
}

/// What happens to a request from a moment on.
enum class LaneState : std::uint8_t {
  unsent,    ///< not sent yet (blank)
  unread,    ///< sent, nobody has taken it from the socket
  runnable,  ///< read, waits for a pool member, a core …
  loop,      ///< holds the loop
  pool,      ///< holds a pool member or a thread
  waiting,   ///< waits and holds nothing
  lock,      ///< has what it needs but the interpreter lock, which another thread holds
  reply,     ///< finished, the reply is on its way
  served,    ///< of many requests in one lane: the moment at which one has its reply
};
BOOST_DESCRIBE_ENUM(LaneState, unsent, unread, runnable, loop, pool, waiting, lock, reply, served)

struct LaneSegment {
  double from_s = 0, to_s = 0;
  LaneState state = LaneState::unsent;
};

struct Lane {
  std::uint32_t request = 0;
  std::string route;
  std::int32_t worker = -1;
  bool answered = false;
  double end_s = 0;  ///< received
  std::vector<LaneSegment> segments;
};

}  // namespace lab
