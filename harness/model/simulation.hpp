#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
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
  Simulation(const ModelInput& input, RecordSink* records, EventSink* events);
  Prediction run();

 private:
  static constexpr std::uint32_t kNone = TimerQueues::kNone;
  static constexpr Nanos kNever = TimerQueues::kNever;

  struct Task {
    std::uint32_t next = kNone;
    std::uint32_t id = 0;
    std::uint32_t pc = 0;  // index into ops_
    std::uint32_t load = 0;
    std::uint32_t worker = 0;
    std::uint32_t count = 1;
    std::uint16_t unit = 0;  // of the pool or the threads: no request holds members of both
    Nanos due = 0;
    double work = 0;  // left of a cpu step that was interrupted, ns
  };
  struct Stamps {
    Nanos intended = 0, accepted = 0, read = 0, started = 0, finished = 0;
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
  };
  struct SwitchDeadline {
    Nanos due = 0;
    std::uint32_t worker = 0;
    std::uint32_t generation = 0;
  };

  void compile(const ModelInput& input);
  void make_resources(const ModelInput& input);
  void announce_connections(const ModelInput& input);

  void arrive(const ArrivalStream::Run& run);
  std::uint32_t make_task(std::uint32_t load, std::uint64_t connection, std::uint32_t count);
  void begin_request(std::uint32_t task, std::uint64_t connection);
  bool next_of_client(std::uint32_t task, Resource held);
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
  void arm_switch(std::uint32_t worker, const Slot& gil);

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
  void take_unit(Task& task, Resource resource);
  void give_unit(const Task& task, Resource resource);
  void emit(EventKind kind, const Task& task, Resource resource = Resource::nothing, std::int64_t value = 0);

  static constexpr std::size_t kKinds = 6;  // of Resource

  RecordSink* records_;
  EventSink* events_;
  bool lean_;      // no sinks
  bool together_;  // arrivals of one moment are dealt worker by worker
  ArrivalStream arrivals_;
  std::uint32_t workers_;
  std::uint64_t first_worker_;

  std::vector<MicroOp> ops_;
  std::vector<LoadState> loads_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> switch_generation_;  // per worker; an older deadline is void
  std::deque<SwitchDeadline> switches_;           // all 5 ms from when they were set, so in order
  std::vector<std::uint64_t> units_;              // free members as bits: pool, then threads, per worker
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
  std::uint64_t next_opened_ = 0, next_fresh_ = 0;
  std::vector<std::int64_t> splits_;
};

}  // namespace lab
