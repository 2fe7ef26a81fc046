#include "harness/model/clients.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "harness/model/workers.hpp"

namespace lab {

namespace {

constexpr unsigned kConnectionBit = 1U << static_cast<unsigned>(Resource::connection);

constexpr std::array<std::string_view, 4> kJobStates{"", "pending", "done", "lost"};

}  // namespace

Clients::Clients(Kernel& kernel, const ModelInput& input, Workers& workers,
                 std::vector<RequestRecord>* records, Histogram* latencies)
    : k_(kernel),
      workers_(workers),
      records_(records),
      latencies_(latencies),
      arrivals_(*input.load_case, input.seed),
      next_(arrivals_.next()),
      splits_(k_.workers),
      last_follow_id_(static_cast<std::uint32_t>(input.load_case->requests())) {
  bool closed = false;
  for (const Load& load : k_.load_case.loads) {
    LoadState state;
    state.reconnects = load.fresh_connections || k_.arm.accept == Accept::one;
    state.keeps = !state.reconnects && keeps_handler(k_.arm.modes[load.route]);
    last_later_id_ += static_cast<std::uint32_t>(scheduled(load));
    if (load.arrivals == Arrivals::closed) {
      state.left = load.requests - scheduled(load);
      closed = true;
    }
    loads_.push_back(state);
  }
  // What each worker gets of them together, or one after another as they come: where clients race for the
  // last requests of a closed load, it matters who is first.
  const bool together =
      k_.detail == Detail::counted && input.slice == 0 && !closed && k_.arm.accept == Accept::handoff;
  most_parts_ = together ? k_.workers : std::numeric_limits<std::int64_t>::max();
}

void Clients::open_connections(const ModelInput& input) {
  std::uint64_t opened = 0;
  for (const Load& load : k_.load_case.loads) {
    if (!load.fresh_connections) opened += static_cast<std::uint64_t>(scheduled(load));
  }
  workers_.open(opened);
  if (!k_.has_events()) return;
  ArrivalStream connections(*input.load_case, input.seed);
  std::uint64_t connection = 0;
  Kernel::Task task;
  while (const auto run = connections.next()) {
    const bool fresh = k_.load_case.loads[run->load].fresh_connections;
    for (std::int64_t i = 0; i < run->count; ++i) {
      ++task.id;
      if (fresh) continue;
      const std::uint64_t number = connection++;
      // A connection that keeps its thread is accepted by that thread, and that is when there is one.
      if (loads_[run->load].keeps || !workers_.has_worker(number)) continue;
      task.worker = workers_.worker_of(number);
      k_.emit(EventKind::accepted, task, Resource::nothing, static_cast<std::int64_t>(connection));
    }
  }
}

void Clients::arrive() {
  first_sent_ = std::min(first_sent_, k_.now);
  const std::uint64_t first = workers_.number(k_.load_case.loads[next_->load].fresh_connections,
                                              static_cast<std::uint64_t>(next_->count));
  const std::int64_t parts = std::min(next_->count, most_parts_);
  for (std::int64_t part = 0; part < parts; ++part) {
    const auto count =
        static_cast<std::uint32_t>(next_->count / parts + (part < next_->count % parts ? 1 : 0));
    const std::uint32_t task = k_.create({.id = last_id_ + 1, .load = next_->load, .count = count});
    last_id_ += count;
    if (k_.is_full()) k_.extras[task].route = static_cast<std::uint32_t>(load_of(task).route);
    if (begin(task, first + static_cast<std::uint64_t>(part))) k_.run_all_of(task);
    k_.settle();
  }
  next_ = arrivals_.next();
}

bool Clients::begin(std::uint32_t task, std::uint64_t connection) {
  const bool on_arrival = load_of(task).fresh_connections || state_of(task).keeps;
  // Requests that differ only in a time that nobody asks for are equal.
  reset(task, k_.detail == Detail::counted && latencies_ == nullptr ? 0 : k_.now,
        {on_arrival ? 0 : kModelStart, 0, 0, 0, connection});
  if (!workers_.connect(task, connection)) return false;
  count_split(task);
  return true;
}

void Clients::reset(std::uint32_t task, Nanos sent, const Kernel::Stamps& stamps) {
  k_.tasks[task].intended = sent;
  k_.tasks[task].pc = k_.programs.entries[load_of(task).route];
  if (k_.detail != Detail::counted) k_.stamps[task] = stamps;
  if (!k_.is_full()) return;
  Kernel::Extra& extra = k_.extras[task];
  extra.root = task;
  extra.status = 200;
  extra.value = -1;
  extra.answered = extra.gone = false;
  extra.reported = Kernel::JobState::none;
  extra.place = Kernel::Place::none;
  extra.held = 0;
  extra.again.clear();
  extra.ticket = ++tickets_;
  k_.tasks[task].pc = k_.programs.entries[extra.route];
  const Nanos patience = load_of(task).hang_up;
  if (patience > 0 && patience < kNever / 2 - sent)
    k_.schedule(std::max(k_.now, sent + patience), Kernel::Due::hang_up, task, extra.ticket);
}

void Clients::begin_on_connection(std::uint32_t task, Nanos sent) {
  const Kernel::Stamps before = k_.detail == Detail::counted ? Kernel::Stamps{} : k_.stamps[task];
  reset(task, sent, {before.accepted, 0, 0, 0, before.connection});
  count_split(task);
  if (!state_of(task).keeps) return;
  ++k_.tasks[task].pc;  // it has what it would begin with
  const Resource held = k_.arm.modes[load_of(task).route].handler;
  if (k_.is_full()) k_.extras[task].held = static_cast<std::uint8_t>(1U << static_cast<unsigned>(held));
  k_.emit(EventKind::acquire, k_.tasks[task], held);
}

void Clients::begin_next(std::uint32_t load) {
  if (loads_[load].left == 0) return;
  const std::uint32_t task = k_.create({.load = load});
  plan_next(task);
  if (begin(task, workers_.number(true))) k_.push_ready(task);
}

void Clients::keep(const Kernel::ScheduledEvent& event) {
  const std::uint32_t task = event.who;
  if (event.due == Kernel::Due::kill) return workers_.kill(event.who);
  Kernel::Extra& extra = k_.extras[task];
  if (extra.ticket != event.ticket) return;
  if (event.due == Kernel::Due::hang_up) {
    if (!extra.answered) hang_up(task);
    return;
  }
  if (event.due == Kernel::Due::body) {
    extra.place = Kernel::Place::none;
    ++k_.tasks[task].pc;
  } else if (!state_of(task).reconnects && extra.epoch == k_.epochs[k_.tasks[task].worker]) {
    begin_on_connection(task, k_.now);
  } else if (!begin(task, workers_.number(true))) {
    return;
  }
  k_.run_task(task);
}

void Clients::wait_for_body(std::uint32_t task) {
  const Nanos sent = k_.tasks[task].intended;
  Kernel::Extra& extra = k_.extras[task];
  const Nanos whole = extra.follow_up ? sent : sent + std::min(load_of(task).body_over, kNever / 2 - sent);
  extra.place = Kernel::Place::body;
  k_.schedule(std::max(k_.now, whole), Kernel::Due::body, task, extra.ticket);
}

void Clients::answer(std::uint32_t task) {
  k_.emit(EventKind::replied, k_.tasks[task]);
  bool ok = true;
  if (k_.is_full()) {
    Kernel::Extra& extra = k_.extras[task];
    extra.replied = k_.now;
    extra.answered = true;
    workers_.leave(k_.tasks[task].worker);
    if (extra.gone) return fail(task, Outcome::hung_up);
    ok = extra.status == 200;
  }
  ++finished_;
  last_received_ = k_.now;
  if (ok && latencies_ != nullptr) latencies_->add(k_.now - k_.tasks[task].intended);
  deliver(task, ok ? Outcome::ok : Outcome::bad_status, k_.now);
  const LoadState& load = state_of(task);
  if (!k_.is_full() || !load.reconnects || (load.left == 0 && !load_of(task).then)) return;
  // What comes next needs nothing of this connection, whose handler may still be busy.
  const std::uint32_t next = k_.create({.id = k_.tasks[task].id, .load = k_.tasks[task].load});
  k_.extras[next] = k_.extras[task];
  const Next plan = plan_next(next);
  if (plan == Next::none) k_.free_task(next);
  if (plan == Next::now && begin(next, workers_.number(true))) k_.push_ready(next);
}

Clients::Next Clients::plan_next(std::uint32_t task) {
  if (load_of(task).then && plan_follow_up(task)) return Next::paused;
  LoadState& load = state_of(task);
  if (load.left == 0) return Next::none;
  --load.left;
  k_.tasks[task].id = ++last_later_id_;
  if (k_.is_full()) {
    Kernel::Extra& extra = k_.extras[task];
    extra.follow_up = false;
    extra.first_id = 0;
    extra.route = static_cast<std::uint32_t>(load_of(task).route);
  }
  return Next::now;
}

bool Clients::plan_follow_up(std::uint32_t task) {
  Kernel::Extra& extra = k_.extras[task];
  if (extra.gone) return false;
  const Then& then = *load_of(task).then;
  if (!extra.follow_up) {
    extra.first_reply = extra.replied;
    extra.first_id = k_.tasks[task].id;
    extra.asked = extra.value;
  }
  const std::string_view reported = kJobStates[static_cast<std::size_t>(extra.reported)];
  const bool goes_on = extra.follow_up ? reported != "lost" && reported != then.until : extra.value >= 0;
  if (!goes_on || then.every > then.at_most - (extra.replied - extra.first_reply)) return false;
  k_.tasks[task].id = ++last_follow_id_;
  extra.follow_up = true;
  extra.route = static_cast<std::uint32_t>(then.route);
  extra.root = task;
  extra.place = Kernel::Place::pause;
  extra.ticket = ++tickets_;
  k_.schedule(std::max(k_.now, extra.replied + then.every), Kernel::Due::next_request, task, extra.ticket);
  return true;
}

bool Clients::close(std::uint32_t task, Resource held) {
  const LoadState& load = state_of(task);
  const bool gone = k_.is_full() && k_.extras[task].gone;
  const bool has_planned = k_.is_full() && load.reconnects;  // when it was answered
  const std::uint32_t id = k_.tasks[task].id;
  const Next next = has_planned || gone ? Next::none : plan_next(task);
  if (next == Next::none) {
    if (!gone && stays_connected(task, held)) {
      ++k_.tasks[task].pc;
      return true;
    }
    if (held != Resource::nothing) k_.release(task, held);
    k_.free_task(task);
    return false;
  }
  const std::uint32_t next_id = std::exchange(k_.tasks[task].id, id);
  if (load.keeps) {
    k_.emit(EventKind::release, k_.tasks[task], held);
  } else if (held != Resource::nothing) {
    k_.release(task, held);
  }
  k_.tasks[task].id = next_id;
  if (next == Next::paused) return false;
  if (load.reconnects) return begin(task, workers_.number(true));
  begin_on_connection(task, k_.is_full() ? k_.extras[task].replied : k_.now);
  return true;
}

// The clients of closed loads keep their connections when they have nothing more to ask; a server whose idle
// connections hold something has lost that until its own timeout.
bool Clients::stays_connected(std::uint32_t task, Resource held) {
  const Load& load = load_of(task);
  if (held == Resource::nothing || !state_of(task).keeps || load.arrivals != Arrivals::closed) return false;
  if (k_.arm.modes[load.route].idle_timeout == 0) return false;
  k_.emit(EventKind::release, k_.tasks[task], held);
  k_.tasks[task].id = 0;
  k_.emit(EventKind::acquire, k_.tasks[task], held);
  return true;
}

void Clients::hang_up(std::uint32_t task) {
  k_.extras[task].gone = true;
  k_.extras[task].gone_at = k_.now;
  const auto waits = [&](std::uint32_t part) {
    const Kernel::Place place = k_.extras[part].place;
    const bool for_connection =
        place == Kernel::Place::queue && k_.programs.ops[k_.tasks[part].pc].resource == Resource::connection;
    return (place == Kernel::Place::timer || for_connection) && may_cancel(part);
  };
  const std::uint32_t load = k_.tasks[task].load;
  if (waits(task)) {
    cancel(task);
  } else if (k_.extras[task].place == Kernel::Place::joining) {
    for (std::uint32_t part = 0; part < k_.tasks.size(); ++part) {
      if (part != task && k_.extras[part].root == task && waits(part)) cancel(part);
    }
  }
  begin_next(load);
}

bool Clients::may_cancel(std::uint32_t task) const {
  const Kernel::Extra& extra = k_.extras[task];
  const Traits& traits = k_.arm.modes[extra.route];
  return k_.arm.cancel && extra.job == 0 && !k_.extras[extra.root].answered &&
         traits.handler == Resource::loop && traits.waiting == Resource::nothing &&
         (extra.held & ~kConnectionBit) == 0;
}

bool Clients::cancel_if_gone(std::uint32_t task) {
  if (!k_.is_full() || !k_.extras[k_.extras[task].root].gone || !may_cancel(task)) return false;
  cancel(task);
  return true;
}

bool Clients::end_unbegun(std::uint32_t task) {
  if (!k_.extras[task].gone) return false;
  cancel(task);
  return true;
}

void Clients::cancel(std::uint32_t task) {
  for (std::size_t i = kResources; i-- > 0;) {
    if ((k_.extras[task].held >> i & 1) != 0) k_.release(task, static_cast<Resource>(i));
  }
  if (k_.extras[task].place == Kernel::Place::queue) k_.unlink_from_queue(task, Resource::connection);
  const bool whole = k_.extras[task].root == task;
  if (whole) {
    k_.emit(EventKind::cancelled, k_.tasks[task]);
    fail(task, Outcome::hung_up);
    workers_.leave(k_.tasks[task].worker);
  }
  whole ? k_.drop(task) : k_.end_child(task);
}

bool Clients::has_lost(std::uint32_t task) const {
  const Kernel::Extra& extra = k_.extras[task];
  return !extra.gone && (!extra.answered || !loads_[k_.tasks[task].load].reconnects);
}

void Clients::fail(std::uint32_t task, Outcome outcome) {
  const Kernel::Extra& extra = k_.extras[task];
  deliver(task, extra.gone ? Outcome::hung_up : outcome, extra.gone ? extra.gone_at : k_.now);
}

void Clients::deliver(std::uint32_t index, Outcome outcome, Nanos received) {
  if (records_ == nullptr) return;
  const Kernel::Task& task = k_.tasks[index];
  const Kernel::Stamps& stamps = k_.stamps[index];
  RequestRecord record{.id = task.id,
                       .load = task.load,
                       .route = static_cast<std::uint32_t>(load_of(index).route),
                       .worker = static_cast<std::int32_t>(task.worker),
                       .intended = task.intended,
                       .sent = task.intended,
                       .accepted = stamps.accepted,
                       .read = stamps.read,
                       .started = stamps.started,
                       .finished = stamps.finished,
                       .received = received,
                       .status = 200,
                       .outcome = outcome};
  if (k_.is_full()) {
    const Kernel::Extra& extra = k_.extras[index];
    record.route = extra.route;
    record.parent = extra.first_id;
    record.value = extra.value;
    record.status = extra.answered && !extra.gone ? extra.status : std::uint16_t{0};
  }
  if (record.status != 0) record.first_byte = received;
  records_->push_back(record);
}

Prediction Clients::prediction() {
  const double makespan = finished_ == 0 ? 0 : seconds(last_received_ - first_sent_);
  return {.makespan_s = makespan, .requests = finished_, .splits = std::move(splits_)};
}

}  // namespace lab
