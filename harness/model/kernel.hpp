#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <queue>
#include <vector>

#include "harness/model/model.hpp"
#include "harness/model/program.hpp"
#include "harness/model/shared_cores.hpp"

namespace lab {

/// So long after a moment. 292 years are the end of virtual time, one nanosecond before "never".
constexpr Nanos later(Nanos from, Nanos span) {
  return span > kNever - 1 - from ? kNever - 1 : from + span;
}

/// First and last of a list that is linked through its elements.
struct TaskList {
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t head = kNone, tail = kNone;
};

/// One queue of timers per distinct duration. Timers of equal duration expire in the order in which they were
/// set, so each queue is a plain first-in-first-out list (linked by the owner of its elements) and only the
/// heads have to be compared. Longer durations come first: of two timers that expire together the longer was
/// set earlier.
class TimerQueues {
 public:
  struct Queue {
    Nanos duration = 0;
    Nanos due = kNever;  // of the head
    TaskList tasks{};
  };

  /// Makes room for this duration; call it for all before index_of.
  void add(Nanos duration) {
    const auto at = std::lower_bound(queues_.begin(), queues_.end(), duration,
                                     [](const Queue& queue, Nanos value) { return queue.duration > value; });
    if (at == queues_.end() || at->duration != duration) queues_.insert(at, Queue{duration});
  }
  std::uint32_t index_of(Nanos duration) const {
    const auto at = std::ranges::find(queues_, duration, &Queue::duration);
    return static_cast<std::uint32_t>(at - queues_.begin());
  }

  Queue& operator[](std::uint32_t index) { return queues_[index]; }

  /// The queue whose head expires first; null where all are empty.
  Queue* earliest() {
    Queue* best = nullptr;
    Nanos due = kNever;
    for (Queue& queue : queues_) {
      if (queue.due < due) {
        due = queue.due;
        best = &queue;
      }
    }
    return best;
  }

 private:
  std::vector<Queue> queues_;
};

/// All routes of an experiment as one program.
struct Programs {
  std::vector<MicroOp> ops;
  std::vector<std::uint32_t> entries;  ///< by route
  QueueNames queue_names;
};

/// What the simulation has to know of each request.
enum class Detail : std::uint8_t {
  counted,  ///< nobody looks at single requests: equal ones share a slot with a count
  stamped,  ///< each has its own slot, with stamps
  full      ///< and what only some plans, arms and loads need, such as steps within steps
};

/// The kernel of the discrete-event simulation: the clock, the calendar, the tasks and the resources for
/// which they queue. A task is a request, or a part of one, in a slot that is used again when it ends. It
/// runs its micro-operations until one of them has to wait, and is then an element of exactly one list: the
/// queue of a resource, a queue of timers, the ready list, or the cores. What the operations mean is up to
/// the derived Simulation and its modules: clients, workers, job queues.
class Kernel {
 public:
  static constexpr std::uint32_t kNone = TaskList::kNone;

  struct Task {
    std::uint32_t next = kNone;
    std::uint32_t id = 0;
    std::uint32_t pc = 0;  // index into ops
    std::uint32_t load = 0;
    std::uint32_t worker = 0;
    std::uint32_t count = 1;
    std::uint16_t unit = 0;        // of the pool, the threads or the queue: no task holds members of two
    std::uint16_t connection = 0;  // of the database's
    Nanos due = 0;
    Nanos intended = 0;
    double work = 0;  // left of a cpu step that was interrupted, ns
  };
  struct Stamps {
    Nanos accepted = 0, read = 0, started = 0, finished = 0;
    std::uint64_t connection = 0;
  };
  /// Where a task stands that does not run.
  enum class Place : std::uint8_t {
    none,
    queue,
    timer,
    core,
    joining,
    body,
    pause,
    backlog,
    job_queue,
    dead
  };
  enum class JobState : std::uint8_t { none, pending, done, lost };
  struct Extra {
    std::uint32_t root = kNone;    // the task that is the whole request
    std::uint32_t parent = kNone;  // of a child
    std::uint32_t children = 0;    // that have not ended
    std::uint32_t route = 0;
    std::uint32_t epoch = 0;     // of the worker when the connection came to it
    std::uint32_t first_id = 0;  // of the request that is followed up
    std::uint64_t ticket = 0;    // entries of the calendar with another one are void
    std::int64_t value = -1;     // kept of the reply
    std::int64_t asked = 0;      // the job in the path
    std::int64_t job = 0;        // that this task is
    Nanos replied = 0, first_reply = 0, gone_at = 0;
    std::uint16_t status = 200;
    std::uint8_t held = 0;  // bits by Resource
    Place place = Place::none;
    JobState reported = JobState::none;
    bool follow_up = false, gone = false, answered = false, in_shared_queue = false;
    std::vector<std::int64_t> again;  // turns left of the repeats around
  };
  enum class Due : std::uint8_t { body, next_request, hang_up, kill };
  struct ScheduledEvent {
    Nanos at = 0;
    std::uint64_t order = 0;
    std::uint64_t ticket = 0;
    std::uint32_t who = 0;  // task, or the slot of a worker
    Due due = Due::kill;
    bool operator>(const ScheduledEvent& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  Kernel(const ModelInput& input, Programs programs, Detail what, Events* events);
  virtual ~Kernel() = default;

  /// Until the task has to wait, or ends.
  virtual void run_task(std::uint32_t task) = 0;
  /// Runs each of the requests that share this slot.
  void run_all_of(std::uint32_t task);
  /// Runs whatever is ready.
  void settle() {
    while (ready_.head != kNone) run_task(pop(ready_));
  }

  std::uint32_t create(Task task);
  void free_task(std::uint32_t task);
  void push_ready(std::uint32_t task) { push(ready_, task); }
  /// A child of the same request, which begins at `begin`.
  void fork(std::uint32_t parent, std::uint32_t begin);
  void end_child(std::uint32_t task);
  /// Ends a task wherever it stands; the slot of one in a queue of timers is freed by its timer.
  void drop(std::uint32_t task);
  void unlink_from_queue(std::uint32_t task, Resource resource);

  bool take(std::uint32_t task, Resource resource);  // false: it queues
  void release(std::uint32_t task, Resource resource);
  void start_timer(std::uint32_t task, const MicroOp& op);
  void compute(std::uint32_t task, double work);
  void stop_computing(std::uint32_t task) { cores_.remove(task, now); }
  bool is_free(std::uint32_t worker, Resource resource) { return slot(worker, resource).free > 0; }
  void schedule(Nanos at, Due due, std::uint32_t who, std::uint64_t ticket) {
    calendar_.push({at, scheduled_++, ticket, who, due});
  }
  /// All that a worker has is free, and nobody waits for it.
  void reset_worker(std::uint32_t worker);

  void emit(EventKind kind, const Task& task, Resource resource = Resource::nothing, std::int64_t value = 0);
  bool has_events() const { return events_ != nullptr; }
  bool is_full() const { return detail == Detail::full; }
  /// Workers take connections for themselves, rather than being dealt them.
  bool workers_accept() const { return arm.accept == Accept::one || arm.accept == Accept::greedy; }

  const Arm& arm;
  const Case& load_case;
  const Detail detail;
  const std::uint32_t workers;
  const Programs programs;
  Nanos now = kModelStart;
  std::vector<Task> tasks;
  std::vector<Stamps> stamps;           // by task, from Detail::stamped on
  std::vector<Extra> extras;            // by task, with Detail::full
  std::vector<std::uint32_t> epochs;    // of workers: how often they died
  std::vector<std::uint8_t> turn_over;  // by worker: a turn of its loop has ended at this moment
  std::vector<std::int64_t> counters;   // by worker; the last is shared by all
  bool accept_due = false;              // a worker may have room for a connection

 protected:
  /// When the first thing happens that is not an arrival.
  Nanos next_at();
  /// Takes out what happens at `at`, the last next_at(), and does it, but for what stands in the calendar,
  /// which it returns.
  std::optional<ScheduledEvent> advance(Nanos at);

 private:
  struct Slot {  // one resource of one worker
    TaskList queue;
    std::uint32_t free = 0;
    std::uint32_t holder = kNone;  // of the GIL
  };
  /// One turn of a loop: those that were ready when it began.
  struct Turn {
    std::uint32_t left = 0, size = 0;
    Nanos began = 0;
  };
  struct SwitchDeadline {
    Nanos due = 0;
    std::uint32_t worker = 0;
    std::uint32_t generation = 0;
  };
  using FreeUnits =
      std::priority_queue<std::uint16_t, std::vector<std::uint16_t>, std::greater<>>;  // the lowest first

  void grant(Slot& slot, std::uint32_t task, Resource resource);
  void enqueue(Slot& slot, std::uint32_t task, Resource resource);
  void begin_turn(std::uint32_t worker);
  void join_turn(std::uint32_t task);
  void leave_turn(std::uint32_t worker);
  void expire(TimerQueues::Queue& queue);
  void restart_switch(std::uint32_t worker, const Slot& gil);
  void force_switch();

  std::uint32_t allocate();
  std::uint32_t split(std::uint32_t task);
  void push(TaskList& list, std::uint32_t task);
  void append(TaskList& list, std::uint32_t task);  // together with its like where it may
  std::uint32_t pop(TaskList& list);
  std::uint32_t pop_one(TaskList& list) { return tasks[list.head].count > 1 ? split(list.head) : pop(list); }

  static std::size_t place_of(std::uint32_t worker, Resource resource) {
    return std::size_t{worker} * kResources + static_cast<std::size_t>(resource);
  }
  Slot& slot(std::uint32_t worker, Resource resource) { return slots_[place_of(worker, resource)]; }

  Events* events_;
  std::vector<std::uint32_t> timer_of_;       // by operation
  TimerQueues::Queue* next_timer_ = nullptr;  // at the last next_at()
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> switch_generation_;  // per worker; an older deadline is void
  std::deque<SwitchDeadline> switches_;           // all 5 ms from when they were set, so in order
  std::vector<FreeUnits> units_;                  // by place, where there are events
  std::vector<Turn> turns_;                       // of loops, where they matter
  std::uint32_t free_ = kNone;
  TaskList ready_;
  TimerQueues timers_;
  SharedCores cores_;
  std::priority_queue<ScheduledEvent, std::vector<ScheduledEvent>, std::greater<>> calendar_;
  std::uint64_t scheduled_ = 0;
};

}  // namespace lab
