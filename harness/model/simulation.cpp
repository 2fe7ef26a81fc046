#include "harness/model/simulation.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "lab/core/random.hpp"

namespace lab {

namespace {

Nanos later(Nanos now, Nanos span) {
  Nanos sum = 0;
  // 292 years are the end of virtual time, one nanosecond before "never".
  constexpr Nanos kEnd = kNever - 1;
  return __builtin_add_overflow(now, span, &sum) ? kEnd : std::min(sum, kEnd);
}

}  // namespace

Prediction simulate(const ModelInput& input, RecordSink* records, EventSink* events, Histogram* latencies) {
  return Simulation(input, records, events, latencies).run();
}

Prediction Simulation::run() {
  auto arrival = arrivals_.next();
  while (true) {
    TimerQueues::Queue* timer = timers_.earliest();
    const Nanos timer_at = timer != nullptr ? timer->due : kNever;
    const Nanos cpu_at = cores_.next();
    const Nanos arrival_at = arrival ? later(kModelStart, arrival->at) : kNever;
    while (!switches_.empty() &&
           switches_.front().generation != switch_generation_[switches_.front().worker]) {
      switches_.pop_front();
    }
    const Nanos switch_at = switches_.empty() ? kNever : switches_.front().due;
    const Nanos agenda_at = agenda_.empty() ? kNever : agenda_.top().at;
    // What ends at a moment frees its resources before anything new asks for them.
    const Nanos at =
        std::min(std::min(std::min(cpu_at, timer_at), std::min(switch_at, arrival_at)), agenda_at);
    if (accept_due_ && at > now_) {
      accept_waiting();
      continue;
    }
    if (at == kNever) break;
    now_ = std::max(now_, at);
    if (cpu_at == at) {
      if (const auto task = cores_.finish()) {
        if (rich_) extras_[*task].place = Place::none;
        ++tasks_[*task].pc;
        run_task(*task);
      }
    } else if (timer_at == at) {
      expire(*timer);
    } else if (switch_at == at) {
      const SwitchDeadline deadline = switches_.front();
      switches_.pop_front();
      force_switch(deadline);
    } else if (agenda_at == at) {
      const Appointment appointment = agenda_.top();
      agenda_.pop();
      keep_appointment(appointment);
    } else {
      arrive(*arrival);
      arrival = arrivals_.next();
    }
    settle();
  }
  Prediction prediction;
  prediction.requests = finished_;
  prediction.makespan_s = finished_ == 0 ? 0 : seconds(last_received_ - first_sent_);
  prediction.splits = std::move(splits_);
  return prediction;
}

void Simulation::arrive(const ArrivalStream::Run& run) {
  first_sent_ = std::min(first_sent_, now_);
  std::uint64_t& connection = loads_[run.load].fresh ? next_fresh_ : next_opened_;
  const std::uint64_t first = connection;
  connection += static_cast<std::uint64_t>(run.count);
  // What each worker gets of them together, or one after another as they come: where clients race for the
  // last requests of a closed load, it matters who is first.
  const std::int64_t parts = together_ ? std::min<std::int64_t>(run.count, workers_) : run.count;
  for (std::int64_t part = 0; part < parts; ++part) {
    const std::int64_t count = run.count / parts + (part < run.count % parts ? 1 : 0);
    const std::uint32_t task = make_task(run.load, static_cast<std::uint32_t>(count));
    if (begin_request(task, first + static_cast<std::uint64_t>(part))) run_all_of(task);
    settle();
  }
}

std::uint32_t Simulation::make_task(std::uint32_t load, std::uint32_t count) {
  const std::uint32_t index = allocate();
  Task& task = tasks_[index];
  task = Task{};
  task.load = load;
  task.count = count;
  task.id = last_id_ + 1;
  last_id_ += count;
  if (rich_) extras_[index].route = loads_[load].route;
  return index;
}

std::uint32_t Simulation::worker_of(std::uint64_t connection) const {
  if (!dealt_ && connection < connections_.size()) {
    return static_cast<std::uint32_t>(std::max(0, connections_[connection].worker));
  }
  if (arm_.accept == Accept::reuseport)
    return static_cast<std::uint32_t>(hash64(seed_, connection) % workers_);
  return static_cast<std::uint32_t>((first_worker_ + connection % workers_) % workers_);
}

bool Simulation::begin_request(std::uint32_t index, std::uint64_t connection) {
  Task& task = tasks_[index];
  const LoadState& load = loads_[task.load];
  task.pc = load.entry;
  task.intended = now_;
  if (detailed()) stamps_[index] = {load.fresh || load.keeps ? 0 : kModelStart, 0, 0, 0, connection};
  if (rich_) {
    begin_rich(index);
    if (!connect(index, connection)) return false;
  } else {
    task.worker = worker_of(connection);
  }
  splits_[tasks_[index].worker] += tasks_[index].count;
  return true;
}

// The client of a closed load sends its next request as soon as it has its reply.
bool Simulation::next_of_client(std::uint32_t index, Resource held) {
  LoadState& load = loads_[tasks_[index].load];
  if (load.left == 0) return false;
  --load.left;
  if (load.keeps) {
    if (events_ != nullptr) emit(EventKind::release, tasks_[index], held);
  } else if (held != Resource::nothing) {
    release(index, held);
  }
  tasks_[index].id = ++last_later_id_;
  const std::uint64_t old = lean_ ? 0 : stamps_[index].connection;
  if (load.fresh) {
    begin_request(index, next_fresh_++);
    return true;
  }
  Task& task = tasks_[index];
  ++splits_[task.worker];
  task.pc = load.keeps ? load.entry_kept : load.entry;
  task.intended = now_;
  if (!lean_) {
    const Nanos accepted = stamps_[index].accepted;
    stamps_[index] = {accepted, 0, 0, 0, old};
  }
  if (load.keeps && events_ != nullptr) emit(EventKind::acquire, task, held);
  return true;
}

// The clients of closed loads keep their connections when they have nothing more to ask; a server whose idle
// connections hold something has lost that until its own timeout.
bool Simulation::stays_connected(std::uint32_t index, Resource held) {
  const LoadState& load = loads_[tasks_[index].load];
  if (held == Resource::nothing || !load.keeps || load.source->arrivals != Arrivals::closed) return false;
  if (arm_.modes[load.route].idle_timeout == 0) return false;
  if (events_ == nullptr) return true;
  emit(EventKind::release, tasks_[index], held);
  tasks_[index].id = 0;
  emit(EventKind::acquire, tasks_[index], held);
  return true;
}

void Simulation::expire(TimerQueues::Queue& queue) {
  const std::uint32_t task = queue.head;
  queue.head = tasks_[task].next;
  if (queue.head == kNone) queue.tail = kNone;
  queue.due = queue.head == kNone ? kNever : tasks_[queue.head].due;
  if (rich_ && std::exchange(extras_[task].place, Place::none) == Place::dead) {
    free_task(task);
  } else {
    run_all_of(task);
  }
}

void Simulation::force_switch(const SwitchDeadline& deadline) {
  Slot& gil = slot(deadline.worker, Resource::gil);
  const std::uint32_t task = gil.holder;
  assert(ops_[tasks_[task].pc].kind == MicroOpKind::cpu);  // nothing else holds it while time passes
  // At least a trace of work marks the step as begun.
  tasks_[task].work = std::max(cores_.remove(task, now_), 1e-6);
  release(task, Resource::gil);
  enqueue(gil, task, Resource::gil);
}

}  // namespace lab
