// What one task does until it has to wait, and the lists in which it stands meanwhile.
#include <algorithm>
#include <bit>
#include <utility>

#include "harness/model/simulation.hpp"

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
      case MicroOpKind::wait: start_timer(task, op); return;
      case MicroOpKind::cpu: {
        const double left = std::exchange(tasks_[task].work, 0.0);
        cores_.add(task, left > 0 ? left : static_cast<double>(op.duration), now_);
        return;
      }
      case MicroOpKind::reply: reply(task); break;
      case MicroOpKind::close:
        if (next_of_client(task, op.resource)) continue;
        if (op.resource != Resource::nothing) release(task, op.resource);
        free_task(task);
        return;
      case MicroOpKind::read:
      case MicroOpKind::start:
      case MicroOpKind::step_begin:
      case MicroOpKind::step_end:
      case MicroOpKind::finish: stamp(task, op); break;
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
  ++finished_;
  last_received_ = now_;
  if (lean_) return;
  const Task& task = tasks_[index];
  emit(EventKind::replied, task);
  if (records_ == nullptr) return;
  const Stamps& stamps = stamps_[index];
  RequestRecord record;
  record.id = task.id;
  record.load = task.load;
  record.route = loads_[task.load].route;
  record.worker = static_cast<std::int32_t>(task.worker);
  record.intended = stamps.intended;
  record.sent = stamps.intended;
  record.accepted = stamps.accepted;
  record.read = stamps.read;
  record.started = stamps.started;
  record.finished = stamps.finished;
  record.first_byte = now_;
  record.received = now_;
  record.status = 200;
  record.outcome = Outcome::ok;
  records_->record(record);
}

std::uint32_t Simulation::allocate() {
  if (free_ != kNone) {
    const std::uint32_t index = free_;
    free_ = tasks_[index].next;
    return index;
  }
  tasks_.emplace_back();
  if (!lean_) stamps_.emplace_back();
  return static_cast<std::uint32_t>(tasks_.size() - 1);
}

void Simulation::free_task(std::uint32_t index) {
  tasks_[index].next = free_;
  free_ = index;
}

std::uint32_t Simulation::split(std::uint32_t from) {
  const std::uint32_t index = allocate();
  tasks_[index] = tasks_[from];
  tasks_[index].count = 1;
  tasks_[index].next = kNone;
  --tasks_[from].count;
  return index;
}

bool Simulation::alike(const Task& a, const Task& b) const {
  return a.pc == b.pc && a.load == b.load && a.worker == b.worker && a.due == b.due && a.work == 0 &&
         b.work == 0;
}

void Simulation::push(List& list, std::uint32_t index) {
  (list.tail == kNone ? list.head : tasks_[list.tail].next) = index;
  tasks_[index].next = kNone;
  list.tail = index;
}

void Simulation::append(List& list, std::uint32_t index) {
  if (lean_ && list.tail != kNone && alike(tasks_[list.tail], tasks_[index])) {
    tasks_[list.tail].count += tasks_[index].count;
    free_task(index);
  } else {
    push(list, index);
  }
}

std::uint32_t Simulation::pop_one(List& list) {
  const std::uint32_t head = list.head;
  if (tasks_[head].count > 1) return split(head);
  list.head = tasks_[head].next;
  if (list.head == kNone) list.tail = kNone;
  return head;
}

void Simulation::take_unit(Task& task, Resource resource) {
  if (resource != Resource::pool && resource != Resource::thread) return;
  const std::size_t row = std::size_t{task.worker} * 2 + (resource == Resource::thread ? 1 : 0);
  for (std::size_t word = row * unit_words_;; ++word) {
    if (units_[word] == 0) continue;
    const int bit = std::countr_zero(units_[word]);
    units_[word] &= units_[word] - 1;
    task.unit = static_cast<std::uint16_t>((word - row * unit_words_) * 64 + static_cast<std::size_t>(bit));
    return;
  }
}

void Simulation::give_unit(const Task& task, Resource resource) {
  if (resource != Resource::pool && resource != Resource::thread) return;
  const std::size_t row = std::size_t{task.worker} * 2 + (resource == Resource::thread ? 1 : 0);
  units_[row * unit_words_ + task.unit / 64] |= std::uint64_t{1} << (task.unit % 64);
}

void Simulation::emit(EventKind kind, const Task& task, Resource resource, std::int64_t value) {
  if (events_ == nullptr) return;
  Event event;
  event.at = now_;
  event.value = value;
  event.request = task.id;
  event.worker = static_cast<std::uint16_t>(task.worker);
  if (resource == Resource::pool || resource == Resource::thread) event.unit = task.unit;
  event.kind = kind;
  event.resource = resource;
  events_->event(event);
}

}  // namespace lab
