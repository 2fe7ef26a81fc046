// What one task does until it has to wait, and the lists in which it stands meanwhile.
#include <utility>

#include "harness/model/simulation.hpp"
#include "lab/core/random.hpp"

namespace lab {

namespace {

// CPython's default (sys.getswitchinterval): a thread that has waited so long asks the holder to give the
// lock up.
constexpr Nanos kSwitchInterval = 5 * kMillisecond;

}  // namespace

void Simulation::run_all_of(std::uint32_t task) {
  while (tasks_[task].count > 1) {
    const MicroOp& op = ops_[tasks_[task].pc];
    if (op.kind == MicroOpKind::acquire && slot(tasks_[task].worker, op.resource).free == 0) {
      enqueue(slot(tasks_[task].worker, op.resource), task, op.resource);
      return;
    }
    run_task(split(task));
    settle();
  }
  run_task(task);
}

void Simulation::run_task(std::uint32_t task) {
  while (true) {
    const MicroOp& op = ops_[tasks_[task].pc];
    switch (op.kind) {
      case MicroOpKind::acquire:
        if (!take(task, op.resource)) return;
        break;
      case MicroOpKind::release: release(task, op.resource); break;
      case MicroOpKind::wait:
        if (rich_ && extras_[extras_[task].root].gone && may_cancel(task)) {
          cancel(task);
        } else {
          start_timer(task, op);
        }
        return;
      case MicroOpKind::cpu: {
        const double left = std::exchange(tasks_[task].work, 0.0);
        cores_.add(task, left > 0 ? left : work_of(op), now_);
        if (rich_) extras_[task].place = Place::core;
        return;
      }
      case MicroOpKind::reply: reply(task); break;
      case MicroOpKind::close:
        if (rich_) {
          if (close(task, op.resource)) continue;
          return;
        }
        if (next_of_client(task, op.resource)) continue;
        if (stays_connected(task, op.resource)) break;
        if (op.resource != Resource::nothing) release(task, op.resource);
        free_task(task);
        return;
      case MicroOpKind::read:
      case MicroOpKind::start:
      case MicroOpKind::step_begin:
      case MicroOpKind::step_end:
      case MicroOpKind::finish: stamp(task, op); break;
      default: {
        const After after = run_rich(task, op);
        if (after == After::stop) return;
        if (after == After::stay) continue;
      }
    }
    ++tasks_[task].pc;
  }
}

void Simulation::settle() {
  while (ready_.head != kNone) {
    const std::uint32_t task = ready_.head;
    ready_.head = tasks_[task].next;
    if (ready_.head == kNone) ready_.tail = kNone;
    run_task(task);
  }
}

bool Simulation::take(std::uint32_t task, Resource resource) {
  Slot& wanted = slot(tasks_[task].worker, resource);
  if (wanted.free == 0) {
    enqueue(wanted, task, resource);
    return false;
  }
  --wanted.free;
  grant(wanted, task, resource);
  return true;
}

void Simulation::grant(Slot& granted, std::uint32_t task, Resource resource) {
  if (resource == Resource::gil) {
    granted.holder = task;
    arm_switch(tasks_[task].worker, granted);
  }
  if (noted_) note_grant(task, resource);
  if (events_ == nullptr) return;
  take_unit(tasks_[task], resource);
  emit(EventKind::acquire, tasks_[task], resource);
}

void Simulation::release(std::uint32_t task, Resource resource) {
  Slot& released = slot(tasks_[task].worker, resource);
  if (events_ != nullptr) {
    emit(EventKind::release, tasks_[task], resource);
    give_unit(tasks_[task], resource);
  }
  if (noted_) note_release(task, resource);
  if (released.queue.head == kNone) {
    ++released.free;
    return;
  }
  const std::uint32_t next = pop_one(released.queue);  // may move tasks_, not slots_
  grant(released, next, resource);
  // A task that was made to give up the GIL goes on in the middle of its cpu step.
  if (ops_[tasks_[next].pc].kind == MicroOpKind::acquire) ++tasks_[next].pc;
  push(ready_, next);  // each on its own: it has what its like in the queue still wait for
}

void Simulation::enqueue(Slot& wanted, std::uint32_t task, Resource resource) {
  const bool first = wanted.queue.head == kNone;
  if (rich_) extras_[task].place = Place::queue;
  if (turns_ && resource == Resource::loop) note_queued(task);
  append(wanted.queue, task);
  if (first && resource == Resource::gil) arm_switch(tasks_[wanted.queue.head].worker, wanted);
}

// The oldest waiter's patience counts from when it came, or from the last change of the holder.
void Simulation::arm_switch(std::uint32_t worker, const Slot& gil) {
  const std::uint32_t generation = ++switch_generation_[worker];
  if (gil.queue.head != kNone) switches_.push_back({now_ + kSwitchInterval, worker, generation});
}

void Simulation::start_timer(std::uint32_t index, const MicroOp& op) {
  Task& task = tasks_[index];
  task.due = op.duration > kNever - 1 - now_ ? kNever - 1 : now_ + op.duration;
  ++task.pc;
  if (rich_) extras_[index].place = Place::timer;
  TimerQueues::Queue& queue = timers_[op.index];
  List list{queue.head, queue.tail};
  append(list, index);
  queue.head = list.head;
  queue.tail = list.tail;
  queue.due = tasks_[queue.head].due;
}

void Simulation::stamp(std::uint32_t index, const MicroOp& op) {
  const Task& task = tasks_[index];
  Stamps& stamps = stamps_[index];
  switch (op.kind) {
    case MicroOpKind::read:
      if (stamps.accepted == 0) {
        stamps.accepted = now_;
        emit(EventKind::accepted, task, Resource::nothing, static_cast<std::int64_t>(stamps.connection + 1));
      }
      stamps.read = now_;
      emit(EventKind::read, task);
      break;
    case MicroOpKind::start:
      stamps.started = now_;
      emit(EventKind::started, task);
      break;
    case MicroOpKind::finish:
      stamps.finished = now_;
      emit(EventKind::finished, task);
      break;
    default:
      emit(op.kind == MicroOpKind::step_begin ? EventKind::step_begin : EventKind::step_end, task,
           op.resource, op.index);
  }
}

void Simulation::reply(std::uint32_t index) {
  if (rich_) {
    answer(index);
    return;
  }
  ++finished_;
  last_received_ = now_;
  count_latency(index, now_);
  if (lean_) return;
  emit(EventKind::replied, tasks_[index]);
  deliver(index, Outcome::ok, now_);
}

void Simulation::count_latency(std::uint32_t index, Nanos received) {
  if (latencies_ != nullptr) latencies_->add(received - tasks_[index].intended);
}

double Simulation::work_of(const MicroOp& op) {
  const auto mean = static_cast<double>(op.duration);
  return exponential_work_ ? mean * next_exponential(work_random_) : mean;
}

void Simulation::deliver(std::uint32_t index, Outcome outcome, Nanos received) {
  if (records_ == nullptr) return;
  const Task& task = tasks_[index];
  const Stamps& stamps = stamps_[index];
  RequestRecord record;
  record.id = task.id;
  record.load = task.load;
  record.route = loads_[task.load].route;
  record.worker = static_cast<std::int32_t>(task.worker);
  record.intended = task.intended;
  record.sent = task.intended;
  record.accepted = stamps.accepted;
  record.read = stamps.read;
  record.started = stamps.started;
  record.finished = stamps.finished;
  record.received = received;
  record.status = 200;
  record.outcome = outcome;
  if (rich_) {
    const Extra& extra = extras_[index];
    record.route = extra.route;
    record.parent = extra.first_id;
    record.value = extra.value;
    record.status = extra.answered && !extra.gone ? extra.status : std::uint16_t{0};
  }
  if (record.status != 0) record.first_byte = received;
  records_->record(record);
}

}  // namespace lab
