#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <queue>
#include <string>
#include <vector>

#include "harness/model/model.hpp"
#include "harness/model/program.hpp"
#include "harness/model/shared_cores.hpp"
#include "harness/model/timer_queues.hpp"
#include "lab/core/schedule.hpp"

namespace lab {

/// One run of the discrete-event simulation. A request is a task in a slot that is used again when it ends; a
/// task runs its route's micro-operations until one of them has to wait, and is then an element of exactly
/// one list: the queue of a resource, a queue of timers, the ready list, or the cores.
///
/// Without sinks nobody can tell equal requests apart, so those that stand one behind the other in a queue
/// are one slot with a count: ten million requests on ten thousand workers need ten thousand slots.
class Simulation {
 public:
  Simulation(const ModelInput& input, RecordSink* records, EventSink* events, Histogram* latencies);
  Prediction run();

 private:
  static constexpr std::uint32_t kNone = TimerQueues::kNone;

  struct Task {
    std::uint32_t next = kNone;
    std::uint32_t id = 0;
    std::uint32_t pc = 0;  // index into ops_
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
  struct List {
    std::uint32_t head = kNone, tail = kNone;
  };
  struct Slot {  // one resource of one worker
    List queue;
    std::uint32_t free = 0;
    std::uint32_t holder = kNone;  // of the GIL
  };
  struct LoadState {
    std::uint32_t entry = 0;       // into ops_
    std::uint32_t entry_kept = 0;  // when the connection already holds what it needs
    std::uint32_t route = 0;
    std::int64_t left = 0;  // closed: requests that are not issued yet
    bool fresh = false;
    // An idle connection holds the handler's resource. It is taken with the connection's first request: those
    // come in the order of the connections, so taking it earlier would make no request wait longer or
    // shorter.
    bool keeps = false;
    bool reconnects = false;  // for every later request
    bool keeps_count = false, keeps_task = false;
    const Load* source = nullptr;
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

  /// What only some plans, arms and loads need to know of a task.
  struct Extra {
    std::uint32_t root = kNone;    // the task that is the whole request
    std::uint32_t parent = kNone;  // of a child
    std::uint32_t children = 0;    // that have not ended
    std::uint32_t route = 0;
    std::uint32_t epoch = 0;     // of the worker when the connection came to it
    std::uint32_t first_id = 0;  // of the request that is followed up
    std::uint64_t ticket = 0;    // entries of the agenda with another one are void
    std::int64_t value = -1;     // kept of the reply
    std::int64_t asked = 0;      // the job in the path
    std::int64_t job = 0;        // that this task is
    Nanos replied = 0, first_reply = 0, gone_at = 0;
    std::uint16_t status = 200;
    std::uint8_t held = 0;  // bits by Resource
    Place place = Place::none;
    JobState told = JobState::none;
    bool follow_up = false, gone = false, answered = false, in_shared_queue = false;
    std::vector<std::int64_t> again;  // turns left of the repeats around
  };
  enum class Due : std::uint8_t { body, next_request, hang_up, kill };
  struct Appointment {
    Nanos at = 0;
    std::uint64_t order = 0;
    std::uint64_t ticket = 0;
    std::uint32_t who = 0;  // task, or the slot of a worker
    Due due = Due::kill;
    bool operator>(const Appointment& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  /// One turn of a loop: those that were ready when it began.
  struct Turn {
    std::uint32_t left = 0, size = 0;
    Nanos began = 0;
    bool ended = false;  // at this moment
  };
  struct Job {
    JobState state = JobState::pending;
    std::uint32_t worker = 0, epoch = 0, queue = 0;
  };
  struct JobBench {  // a queue of one worker, or of all
    std::deque<std::uint32_t> waiting;
    std::vector<std::uint16_t> free;  // units, the lowest last
  };
  struct JobQueue {
    QueueSettings settings;
    std::uint16_t first_unit = 0;
    std::vector<JobBench> benches;
  };
  /// A connection that no policy has dealt beforehand.
  struct Connection {
    std::int32_t worker = -1;
    std::uint32_t task = kNone;
    std::uint32_t epoch = 0;  // of the worker when it took it
  };

  struct SwitchDeadline {
    Nanos due = 0;
    std::uint32_t worker = 0;
    std::uint32_t generation = 0;
  };

  void compile(const ModelInput& input);
  void append_program(const RouteProgram& program);
  bool is_rich(const ModelInput& input) const;
  LoadState state_of(const Load& load, const ModelInput& input) const;
  void prepare_rich(const ModelInput& input);
  void make_resources(const ModelInput& input);
  void reset_worker(std::uint32_t worker);
  void announce_connections(const ModelInput& input);

  void arrive(const ArrivalStream::Run& run);
  std::uint32_t make_task(std::uint32_t load, std::uint32_t count);
  bool begin_request(std::uint32_t task, std::uint64_t connection);  // false: it waits to be accepted
  std::uint32_t worker_of(std::uint64_t connection) const;
  bool next_of_client(std::uint32_t task, Resource held);
  bool stays_connected(std::uint32_t task, Resource held);
  void expire(TimerQueues::Queue& queue);
  void force_switch(const SwitchDeadline& deadline);

  void run_all_of(std::uint32_t task);
  void run_task(std::uint32_t task);
  void settle();
  bool take(std::uint32_t task, Resource resource);
  void release(std::uint32_t task, Resource resource);
  void grant(Slot& slot, std::uint32_t task, Resource resource);
  void enqueue(Slot& slot, std::uint32_t task, Resource resource);
  void start_timer(std::uint32_t task, const MicroOp& op);
  void stamp(std::uint32_t task, const MicroOp& op);
  void reply(std::uint32_t task);
  void deliver(std::uint32_t task, Outcome outcome, Nanos received);
  void arm_switch(std::uint32_t worker, const Slot& gil);

  // Steps and what they leave behind (simulation_steps.cpp).
  enum class After : std::uint8_t { next, stay, stop };  // next operation; this one, or where pc is now; none
  After run_rich(std::uint32_t task, const MicroOp& op);
  void fork(std::uint32_t task, std::uint32_t begin);
  void end_child(std::uint32_t task);
  void wait_for_body(std::uint32_t task);
  void note_grant(std::uint32_t task, Resource resource);
  void note_release(std::uint32_t task, Resource resource);
  void note_queued(std::uint32_t task);
  void tell_turn(std::uint32_t worker, std::uint32_t size);
  void count(std::uint32_t task);

  // Task queues (simulation_jobs.cpp).
  void make_queues(const ModelInput& input);
  bool put_job(std::uint32_t task, const MicroOp& op);
  void start_job(std::uint32_t task, JobBench& bench);
  void end_job(std::uint32_t task);
  bool fetch(std::uint32_t task, std::uint32_t queue);
  void lose_jobs(std::uint32_t worker);
  JobBench& bench_of(std::uint32_t queue, std::uint32_t worker);

  // Clients (simulation_clients.cpp).
  enum class Next : std::uint8_t { none, now, paused };
  Next plan_next(std::uint32_t task);
  void answer(std::uint32_t task);
  bool close(std::uint32_t task, Resource held);  // true: it goes on with the next request
  void spawn_next(std::uint32_t load);
  void begin_rich(std::uint32_t task);
  void next_on_connection(std::uint32_t task, Nanos sent);
  void keep_appointment(const Appointment& appointment);
  void appoint(Nanos at, Due due, std::uint32_t who, std::uint64_t ticket);
  void hang_up(std::uint32_t task);
  bool may_cancel(std::uint32_t task) const;
  void cancel(std::uint32_t task);
  void unlink(List& list, std::uint32_t task);

  // Accepting and dying (simulation_workers.cpp).
  void deal_opened(const ModelInput& input);
  bool connect(std::uint32_t task, std::uint64_t connection);
  bool may_accept(std::uint32_t worker);
  void accept_waiting();
  void accept_one(std::uint32_t worker);
  void kill(std::uint32_t worker);
  void stop(std::uint32_t task, std::vector<std::uint32_t>& orphans);

  std::uint32_t allocate();
  void free_task(std::uint32_t task);
  std::uint32_t split(std::uint32_t task);
  void push(List& list, std::uint32_t task);
  void append(List& list, std::uint32_t task);  // together with its like where it may
  std::uint32_t pop_one(List& list);
  bool alike(const Task& a, const Task& b) const;

  Slot& slot(std::uint32_t worker, Resource resource) {
    return slots_[std::size_t{worker} * kKinds + static_cast<std::size_t>(resource)];
  }
  std::uint64_t* units_of(const Task& task, Resource resource);  // null where members have no numbers
  void take_unit(Task& task, Resource resource);
  void give_unit(const Task& task, Resource resource);
  void emit(EventKind kind, const Task& task, Resource resource = Resource::nothing, std::int64_t value = 0);

  static constexpr std::size_t kKinds = kResources;
  static constexpr std::size_t kUnitRows = 3;  // pool, threads, connections

  bool detailed() const { return !lean_ || rich_; }  // stamps are kept

  double work_of(const MicroOp& op);
  void count_latency(std::uint32_t task, Nanos received);

  RecordSink* records_;
  EventSink* events_;
  Histogram* latencies_;
  bool lean_;             // no sinks
  bool rich_ = false;     // tasks have extras
  bool turns_ = false;    // of loops are counted
  bool noted_ = false;    // who holds what matters: rich_ or turns_
  bool grouped_ = false;  // equal tasks share a slot
  bool together_;         // arrivals of one moment are dealt worker by worker
  ArrivalStream arrivals_;
  std::uint32_t workers_;
  std::uint64_t first_worker_;

  std::vector<MicroOp> ops_;
  std::vector<LoadState> loads_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> switch_generation_;  // per worker; an older deadline is void
  std::deque<SwitchDeadline> switches_;           // all 5 ms from when they were set, so in order
  std::vector<std::uint64_t> units_;              // free members as bits, per worker
  std::size_t unit_words_ = 0;

  std::vector<Task> tasks_;
  std::vector<Stamps> stamps_;
  std::uint32_t free_ = kNone;
  List ready_;
  TimerQueues timers_;
  SharedCores cores_;

  Nanos now_ = kModelStart;
  Nanos first_sent_ = kNever;
  Nanos last_received_ = 0;
  std::int64_t finished_ = 0;
  std::uint32_t last_id_ = 0;        // of the schedule
  std::uint32_t last_later_id_ = 0;  // of the requests that follow replies
  std::uint64_t opened_ = 0;         // connections that are there before the load
  std::uint64_t next_opened_ = 0, next_fresh_ = 0;
  std::vector<std::int64_t> splits_;

  const Arm& arm_;
  const std::uint64_t seed_;  // of the kernel's lots
  const bool exponential_work_;
  std::uint64_t work_random_;
  std::vector<std::uint32_t> route_entries_;
  std::vector<Extra> extras_;
  std::vector<Turn> worker_turns_;
  std::vector<std::uint32_t> epochs_;  // of workers: how often they died
  std::priority_queue<Appointment, std::vector<Appointment>, std::greater<>> agenda_;
  std::uint64_t appointments_ = 0, tickets_ = 0;
  std::uint32_t last_follow_id_ = 0;
  std::vector<std::int64_t> counters_;
  QueueNames queue_names_;
  std::vector<JobQueue> queues_;
  std::vector<Job> jobs_;  // by id - 1
  std::vector<Connection> connections_;
  std::deque<std::uint64_t> backlog_;  // connections
  std::vector<int> serving_;           // connections, by worker
  std::uint32_t next_acceptor_ = 0;
  bool accept_due_ = false;
  bool dealt_ = true;  // every connection has its worker from the start
};

}  // namespace lab
