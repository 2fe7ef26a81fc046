#include "harness/model/simulation.hpp"

#include <algorithm>
#include <cassert>

namespace lab {

namespace {

Nanos later(Nanos now, Nanos span) {
  Nanos sum = 0;
  // 292 years are the end of virtual time, one nanosecond before "never".
  constexpr Nanos kEnd = TimerQueues::kNever - 1;
  return __builtin_add_overflow(now, span, &sum) ? kEnd : std::min(sum, kEnd);
}

bool is_stamp(MicroOpKind kind) {
  return kind == MicroOpKind::read || kind == MicroOpKind::start || kind == MicroOpKind::finish ||
         kind == MicroOpKind::step_begin || kind == MicroOpKind::step_end;
}

}  // namespace

Prediction simulate(const ModelInput& input, RecordSink* records, EventSink* events) {
  return Simulation(input, records, events).run();
}

Simulation::Simulation(const ModelInput& input, RecordSink* records, EventSink* events)
    : records_(records),
      events_(events),
      lean_(records == nullptr && events == nullptr),
      together_(lean_ && std::none_of(input.load_set->loads.begin(), input.load_set->loads.end(),
                                      [](const Load& load) { return load.arrivals == Arrivals::closed; })),
      arrivals_(*input.load_set, input.seed),
      workers_(static_cast<std::uint32_t>(std::max(1, input.arm->workers))),
      first_worker_(input.seed % workers_),
      cores_(std::max(1, input.arm->cores > 0 ? input.arm->cores : input.cores)) {
  compile(input);
  make_resources(input);
  if (events_ != nullptr) announce_connections(input);
}

void Simulation::compile(const ModelInput& input) {
  std::vector<std::uint32_t> entries;
  for (std::size_t route = 0; route < input.routes->size(); ++route) {
    entries.push_back(static_cast<std::uint32_t>(ops_.size()));
    for (MicroOp& op : compile_route((*input.routes)[route].plan, input.arm->modes[route], input.arm->gil)) {
      if (op.kind == MicroOpKind::wait) timers_.add(op.duration);
      if (!lean_ || !is_stamp(op.kind)) ops_.push_back(op);
    }
  }
  for (MicroOp& op : ops_) {
    if (op.kind == MicroOpKind::wait) op.index = timers_.index_of(op.duration);
  }
  for (const Load& load : input.load_set->loads) {
    const Traits& traits = input.arm->modes[load.route];
    LoadState state;
    state.route = static_cast<std::uint32_t>(load.route);
    state.entry = entries[load.route];
    state.entry_kept = state.entry + 1;
    state.fresh = load.fresh_connections;
    state.keeps = !load.fresh_connections && keeps_handler(traits);
    const std::int64_t first_ones = scheduled(load);
    if (load.arrivals == Arrivals::closed) state.left = load.requests - first_ones;
    if (!load.fresh_connections) next_fresh_ += static_cast<std::uint64_t>(first_ones);
    last_later_id_ += static_cast<std::uint32_t>(first_ones);
    loads_.push_back(state);
  }
}

void Simulation::make_resources(const ModelInput& input) {
  const auto members = static_cast<std::uint32_t>(std::max(1, input.arm->threads));
  slots_.resize(std::size_t{workers_} * kKinds);
  for (std::uint32_t worker = 0; worker < workers_; ++worker) {
    slot(worker, Resource::loop).free = 1;
    slot(worker, Resource::gil).free = 1;
    slot(worker, Resource::pool).free = members;
    slot(worker, Resource::thread).free = members;
  }
  if (input.arm->gil) switch_generation_.resize(workers_);
  if (events_ != nullptr) {
    unit_words_ = (members + std::size_t{63}) / 64;
    units_.assign(std::size_t{workers_} * 2 * unit_words_, ~std::uint64_t{0});
  }
  splits_.resize(workers_);
}

void Simulation::announce_connections(const ModelInput& input) {
  ArrivalStream connections(*input.load_set, input.seed);
  std::uint64_t connection = 0;
  std::uint32_t id = 0;
  while (const auto run = connections.next()) {
    const LoadState& load = loads_[run->load];
    // A connection that keeps its thread is accepted by that thread, and that is when there is one.
    const bool now = !load.fresh && !load.keeps;
    for (std::int64_t i = 0; i < run->count; ++i) {
      ++id;
      if (load.fresh) continue;
      Task task;
      task.id = id;
      task.worker = static_cast<std::uint32_t>((first_worker_ + connection++) % workers_);
      if (now) emit(EventKind::accepted, task, Resource::nothing, static_cast<std::int64_t>(connection));
    }
  }
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
    // What ends at a moment frees its resources before anything new asks for them.
    const Nanos at = std::min(std::min(cpu_at, timer_at), std::min(switch_at, arrival_at));
    if (at == kNever) break;
    now_ = std::max(now_, at);
    if (cpu_at == at) {
      const std::uint32_t task = cores_.finish();
      ++tasks_[task].pc;
      run_task(task);
    } else if (timer_at == at) {
      expire(*timer);
    } else if (switch_at == at) {
      const SwitchDeadline deadline = switches_.front();
      switches_.pop_front();
      force_switch(deadline);
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
  // What each worker gets of them together, or one after another as they come: where clients race for the
  // last requests of a closed load, it matters who is first.
  const std::int64_t parts = together_ ? std::min<std::int64_t>(run.count, workers_) : run.count;
  for (std::int64_t part = 0; part < parts; ++part) {
    const std::int64_t count = run.count / parts + (part < run.count % parts ? 1 : 0);
    run_all_of(make_task(run.load, connection + static_cast<std::uint64_t>(part),
                         static_cast<std::uint32_t>(count)));
    settle();
  }
  connection += static_cast<std::uint64_t>(run.count);
}

std::uint32_t Simulation::make_task(std::uint32_t load, std::uint64_t connection, std::uint32_t count) {
  const std::uint32_t index = allocate();
  Task& task = tasks_[index];
  task = Task{};
  task.load = load;
  task.count = count;
  task.id = last_id_ + 1;
  last_id_ += count;
  begin_request(index, connection);
  return index;
}

void Simulation::begin_request(std::uint32_t index, std::uint64_t connection) {
  Task& task = tasks_[index];
  const LoadState& load = loads_[task.load];
  task.worker = static_cast<std::uint32_t>((first_worker_ + connection % workers_) % workers_);
  task.pc = load.entry;
  splits_[task.worker] += task.count;
  if (!lean_) stamps_[index] = {now_, load.fresh || load.keeps ? 0 : kModelStart, 0, 0, 0, connection};
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
  if (!lean_) {
    const Nanos accepted = stamps_[index].accepted;
    stamps_[index] = {now_, accepted, 0, 0, 0, old};
  }
  if (load.keeps && events_ != nullptr) emit(EventKind::acquire, task, held);
  return true;
}

void Simulation::expire(TimerQueues::Queue& queue) {
  const std::uint32_t task = queue.head;
  queue.head = tasks_[task].next;
  if (queue.head == kNone) queue.tail = kNone;
  queue.due = queue.head == kNone ? kNever : tasks_[queue.head].due;
  run_all_of(task);
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
