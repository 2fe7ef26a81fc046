#include "harness/model/kernel.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

namespace lab {

namespace {

/// Whether its members have numbers, which events report.
constexpr bool is_numbered(Resource resource) {
  return resource == Resource::pool || resource == Resource::thread || resource == Resource::connection;
}

std::uint16_t& unit_of(Kernel::Task& task, Resource resource) {
  return resource == Resource::connection ? task.connection : task.unit;
}

constexpr unsigned bit(Resource resource) {
  return 1U << static_cast<unsigned>(resource);
}

}  // namespace

Kernel::Kernel(const ModelInput& input, Programs all, Detail what, Events* events)
    : arm(*input.arm),
      load_case(*input.load_case),
      detail(what),
      workers(static_cast<std::uint32_t>(std::max(1, input.arm->workers))),
      programs(std::move(all)),
      epochs(workers),
      counters(workers + std::size_t{1}),
      events_(events),
      timer_of_(programs.ops.size()),
      slots_(std::size_t{workers} * kResources),
      switch_generation_(workers),
      cores_(std::max(1, input.arm->cores > 0 ? input.arm->cores : input.cores), input.slice) {
  for (const MicroOp& op : programs.ops) {
    if (op.kind == MicroOpKind::wait) timers_.add(op.duration);
  }
  for (std::size_t i = 0; i < programs.ops.size(); ++i) {
    const MicroOp& op = programs.ops[i];
    if (op.kind == MicroOpKind::wait) timer_of_[i] = timers_.index_of(op.duration);
  }
  if (events_ != nullptr) {
    units_.resize(slots_.size());
    cores_.resumed = [this](std::uint32_t task, Nanos waited) {
      emit(EventKind::preempted, tasks[task], Resource::nothing, waited);
    };
  }
  if (events_ != nullptr || workers_accept()) turns_.resize(workers);
  turn_over.resize(turns_.size());
  for (std::uint32_t worker = 0; worker < workers; ++worker) reset_worker(worker);
}

void Kernel::reset_worker(std::uint32_t worker) {
  const auto members = static_cast<std::uint32_t>(std::max(1, arm.threads));
  const auto connections = static_cast<std::uint32_t>(std::max(0, arm.connections));
  for (std::size_t kind = 0; kind < kResources; ++kind) slot(worker, static_cast<Resource>(kind)) = Slot{};
  for (const auto& [resource, free] :
       {std::pair{Resource::loop, 1U}, std::pair{Resource::gil, 1U}, std::pair{Resource::pool, members},
        std::pair{Resource::thread, members}, std::pair{Resource::connection, connections}}) {
    slot(worker, resource).free = free;
    if (events_ == nullptr || !is_numbered(resource)) continue;
    std::vector<std::uint16_t> units(free);
    std::iota(units.begin(), units.end(), std::uint16_t{0});
    units_[place_of(worker, resource)] = FreeUnits(std::greater<>(), std::move(units));
  }
  ++switch_generation_[worker];
  counters[worker] = 0;
  if (!turns_.empty()) {
    turns_[worker] = Turn{};
    turn_over[worker] = 0;
  }
}

// What happens.

Nanos Kernel::next_at() {
  while (!switches_.empty() && switches_.front().generation != switch_generation_[switches_.front().worker]) {
    switches_.pop_front();
  }
  next_timer_ = timers_.earliest();
  return std::min({cores_.next(), next_timer_ != nullptr ? next_timer_->due : kNever,
                   switches_.empty() ? kNever : switches_.front().due,
                   calendar_.empty() ? kNever : calendar_.top().at});
}

std::optional<Kernel::ScheduledEvent> Kernel::advance(Nanos at) {
  if (cores_.next() == at) {
    if (const auto task = cores_.finish()) {
      if (is_full()) extras[*task].place = Place::none;
      ++tasks[*task].pc;
      run_task(*task);
    }
  } else if (next_timer_ != nullptr && next_timer_->due == at) {
    expire(*next_timer_);
  } else if (!switches_.empty() && switches_.front().due == at) {
    force_switch();
  } else {
    const ScheduledEvent event = calendar_.top();
    calendar_.pop();
    return event;
  }
  return std::nullopt;
}

void Kernel::expire(TimerQueues::Queue& queue) {
  const std::uint32_t task = pop(queue.tasks);
  queue.due = queue.tasks.head == kNone ? kNever : tasks[queue.tasks.head].due;
  if (is_full() && std::exchange(extras[task].place, Place::none) == Place::dead) {
    free_task(task);
  } else {
    run_all_of(task);
  }
}

void Kernel::run_all_of(std::uint32_t task) {
  while (tasks[task].count > 1) {
    const MicroOp& op = programs.ops[tasks[task].pc];
    if (op.kind == MicroOpKind::acquire && !is_free(tasks[task].worker, op.resource)) {
      enqueue(slot(tasks[task].worker, op.resource), task, op.resource);
      return;
    }
    run_task(split(task));
    settle();
  }
  run_task(task);
}

// Resources.

bool Kernel::take(std::uint32_t task, Resource resource) {
  Slot& wanted = slot(tasks[task].worker, resource);
  if (wanted.free == 0) {
    enqueue(wanted, task, resource);
    return false;
  }
  --wanted.free;
  grant(wanted, task, resource);
  return true;
}

void Kernel::grant(Slot& granted, std::uint32_t task, Resource resource) {
  const std::uint32_t worker = tasks[task].worker;
  if (resource == Resource::gil) {
    granted.holder = task;
    restart_switch(worker, granted);
  }
  if (is_full()) {
    extras[task].held |= static_cast<std::uint8_t>(bit(resource));
    extras[task].place = Place::none;
  }
  if (resource == Resource::loop && !turns_.empty()) begin_turn(worker);
  if (events_ == nullptr) return;
  if (is_numbered(resource)) {
    FreeUnits& free = units_[place_of(worker, resource)];
    unit_of(tasks[task], resource) = free.top();
    free.pop();
  }
  emit(EventKind::acquire, tasks[task], resource);
}

void Kernel::release(std::uint32_t task, Resource resource) {
  Slot& released = slot(tasks[task].worker, resource);
  if (events_ != nullptr) {
    emit(EventKind::release, tasks[task], resource);
    if (is_numbered(resource))
      units_[place_of(tasks[task].worker, resource)].push(unit_of(tasks[task], resource));
  }
  if (is_full()) extras[task].held &= static_cast<std::uint8_t>(~bit(resource));
  if (resource == Resource::loop && !turns_.empty()) leave_turn(tasks[task].worker);
  if (released.queue.head == kNone) {
    ++released.free;
    return;
  }
  const std::uint32_t next = pop_one(released.queue);  // may move tasks, not slots_
  grant(released, next, resource);
  // A task that was made to give up the GIL goes on in the middle of its cpu step.
  if (programs.ops[tasks[next].pc].kind == MicroOpKind::acquire) ++tasks[next].pc;
  push(ready_, next);  // each on its own: it has what its like in the queue still wait for
}

void Kernel::enqueue(Slot& wanted, std::uint32_t task, Resource resource) {
  const bool first = wanted.queue.head == kNone;
  if (is_full()) extras[task].place = Place::queue;
  if (resource == Resource::loop && !turns_.empty()) join_turn(task);
  append(wanted.queue, task);
  if (first && resource == Resource::gil) restart_switch(tasks[wanted.queue.head].worker, wanted);
}

void Kernel::start_timer(std::uint32_t index, const MicroOp& op) {
  Task& task = tasks[index];
  task.due = later(now, op.duration);
  TimerQueues::Queue& queue = timers_[timer_of_[task.pc]];
  ++task.pc;
  if (is_full()) extras[index].place = Place::timer;
  append(queue.tasks, index);
  queue.due = tasks[queue.tasks.head].due;
}

void Kernel::compute(std::uint32_t task, double work) {
  cores_.add(task, work, now);
  if (is_full()) extras[task].place = Place::core;
}

// The interpreter lock. The oldest waiter's patience counts from when it came, or from the last change of the
// holder.

void Kernel::restart_switch(std::uint32_t worker, const Slot& gil) {
  const std::uint32_t generation = ++switch_generation_[worker];
  if (gil.queue.head != kNone) switches_.push_back({now + kSwitchInterval, worker, generation});
}

void Kernel::force_switch() {
  Slot& gil = slot(switches_.front().worker, Resource::gil);
  switches_.pop_front();
  const std::uint32_t task = gil.holder;
  assert(programs.ops[tasks[task].pc].kind == MicroOpKind::cpu);  // nothing else holds it while time passes
  // At least a trace of work marks the step as begun.
  tasks[task].work = std::max(cores_.remove(task, now), 1e-6);
  release(task, Resource::gil);
  enqueue(gil, task, Resource::gil);
}

// Turns of loops.

void Kernel::begin_turn(std::uint32_t worker) {
  Turn& turn = turns_[worker];
  if (turn.left > 0) return;
  turn = {1, 0, now};
  for (std::uint32_t i = slot(worker, Resource::loop).queue.head; i != kNone; i = tasks[i].next) ++turn.left;
  turn.size = turn.left;
}

// Requests that come at the moment at which a turn begins were there when it did.
void Kernel::join_turn(std::uint32_t task) {
  Turn& turn = turns_[tasks[task].worker];
  const std::uint32_t entry = programs.entries[load_case.loads[tasks[task].load].route];
  if (turn.left == 0 || turn.began != now || tasks[task].pc != entry) return;
  ++turn.left;
  ++turn.size;
}

void Kernel::leave_turn(std::uint32_t worker) {
  Turn& turn = turns_[worker];
  if (--turn.left > 0) return;
  emit(EventKind::turn, {.worker = worker}, Resource::nothing, turn.size);
  turn_over[worker] = 1;
  if (workers_accept()) accept_due = true;
}

// Tasks and the lists in which they stand.

std::uint32_t Kernel::allocate() {
  if (free_ != kNone) {
    const std::uint32_t index = free_;
    free_ = tasks[index].next;
    if (is_full()) extras[index] = Extra{};
    return index;
  }
  tasks.emplace_back();
  if (detail != Detail::counted) stamps.emplace_back();
  if (is_full()) extras.emplace_back();
  return static_cast<std::uint32_t>(tasks.size() - 1);
}

std::uint32_t Kernel::create(Task task) {
  const std::uint32_t index = allocate();
  tasks[index] = task;
  return index;
}

void Kernel::free_task(std::uint32_t index) {
  if (is_full()) extras[index] = Extra{};
  tasks[index].next = free_;
  free_ = index;
}

void Kernel::fork(std::uint32_t parent, std::uint32_t begin) {
  const Task& whole = tasks[parent];
  const std::uint32_t index =
      create({.id = whole.id, .pc = begin, .load = whole.load, .worker = whole.worker});
  Extra& extra = extras[index];
  extra.root = extras[parent].root;
  extra.parent = parent;
  extra.route = extras[parent].route;
  extra.epoch = extras[parent].epoch;
  ++extras[parent].children;
  run_task(index);  // as far as the queue for the loop, which its parent holds
}

void Kernel::end_child(std::uint32_t index) {
  const std::uint32_t parent = extras[index].parent;
  drop(index);
  if (--extras[parent].children > 0 || extras[parent].place != Place::joining) return;
  extras[parent].place = Place::none;
  push(ready_, parent);
}

void Kernel::drop(std::uint32_t index) {
  if (extras[index].place != Place::timer) return free_task(index);
  extras[index] = Extra{};
  extras[index].place = Place::dead;
}

void Kernel::unlink_from_queue(std::uint32_t index, Resource resource) {
  TaskList& list = slot(tasks[index].worker, resource).queue;
  std::uint32_t before = kNone;
  for (std::uint32_t i = list.head; i != index; i = tasks[i].next) before = i;
  (before == kNone ? list.head : tasks[before].next) = tasks[index].next;
  if (list.tail == index) list.tail = before;
}

std::uint32_t Kernel::split(std::uint32_t from) {
  const std::uint32_t index = allocate();
  tasks[index] = tasks[from];
  tasks[index].count = 1;
  tasks[index].next = kNone;
  --tasks[from].count;
  return index;
}

void Kernel::push(TaskList& list, std::uint32_t index) {
  (list.tail == kNone ? list.head : tasks[list.tail].next) = index;
  tasks[index].next = kNone;
  list.tail = index;
}

void Kernel::append(TaskList& list, std::uint32_t index) {
  const auto alike = [](const Task& a, const Task& b) {
    return a.pc == b.pc && a.load == b.load && a.worker == b.worker && a.due == b.due && a.work == 0 &&
           b.work == 0 && a.intended == b.intended;
  };
  if (detail == Detail::counted && list.tail != kNone && alike(tasks[list.tail], tasks[index])) {
    tasks[list.tail].count += tasks[index].count;
    free_task(index);
  } else {
    push(list, index);
  }
}

std::uint32_t Kernel::pop(TaskList& list) {
  const std::uint32_t head = list.head;
  list.head = tasks[head].next;
  if (list.head == kNone) list.tail = kNone;
  return head;
}

void Kernel::emit(EventKind kind, const Task& task, Resource resource, std::int64_t value) {
  if (events_ == nullptr) return;
  const bool has_unit = is_numbered(resource) || resource == Resource::queue;
  const std::uint16_t unit = resource == Resource::connection ? task.connection : task.unit;
  events_->push_back({now, value, task.id, static_cast<std::uint16_t>(task.worker),
                      has_unit ? unit : std::uint16_t{0}, kind, resource});
}

}  // namespace lab
