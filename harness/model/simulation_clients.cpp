// What clients do after a reply, before it, and instead of waiting for it.
#include <algorithm>

#include "harness/model/simulation.hpp"

namespace lab {

namespace {

constexpr unsigned kConnectionBit = 1U << static_cast<unsigned>(Resource::connection);

}  // namespace

void Simulation::appoint(Nanos at, Due due, std::uint32_t who, std::uint64_t ticket) {
  agenda_.push({at, appointments_++, ticket, who, due});
}

void Simulation::keep_appointment(const Appointment& appointment) {
  const std::uint32_t who = appointment.who;
  if (appointment.due == Due::kill) {
    kill(who);
    return;
  }
  if (extras_[who].ticket != appointment.ticket) return;
  const LoadState& load = loads_[tasks_[who].load];
  switch (appointment.due) {
    case Due::body:
      extras_[who].place = Place::none;
      ++tasks_[who].pc;
      run_task(who);
      break;
    case Due::next_request:
      if (!load.reconnects && extras_[who].epoch == epochs_[tasks_[who].worker]) {
        next_on_connection(who, now_);
        run_task(who);
      } else if (begin_request(who, next_fresh_++)) {
        run_task(who);
      }
      break;
    case Due::hang_up:
      if (!extras_[who].answered) hang_up(who);
      break;
    case Due::kill: break;
  }
}

void Simulation::begin_rich(std::uint32_t index) {
  Extra& extra = extras_[index];
  extra.root = index;
  extra.status = 200;
  extra.value = -1;
  extra.answered = extra.gone = false;
  extra.told = JobState::none;
  extra.place = Place::none;
  extra.held = 0;
  extra.again.clear();
  extra.ticket = ++tickets_;
  tasks_[index].pc = route_entries_[extra.route];
  const Nanos patience = loads_[tasks_[index].load].source->hang_up;
  const Nanos sent = tasks_[index].intended;
  if (patience > 0 && patience < kNever / 2 - sent) {
    appoint(std::max(now_, sent + patience), Due::hang_up, index, extra.ticket);
  }
}

void Simulation::next_on_connection(std::uint32_t index, Nanos sent) {
  const LoadState& load = loads_[tasks_[index].load];
  const Stamps before = stamps_[index];
  tasks_[index].intended = sent;
  stamps_[index] = {before.accepted, 0, 0, 0, before.connection};
  begin_rich(index);
  ++splits_[tasks_[index].worker];
  if (!load.keeps) return;
  ++tasks_[index].pc;  // it has what it would begin with
  const Resource held = arm_.modes[load.route].handler;
  extras_[index].held = static_cast<std::uint8_t>(1U << static_cast<unsigned>(held));
  emit(EventKind::acquire, tasks_[index], held);
}

void Simulation::answer(std::uint32_t index) {
  emit(EventKind::replied, tasks_[index]);
  extras_[index].replied = now_;
  extras_[index].answered = true;
  if (arm_.accept == Accept::one) {
    --serving_[tasks_[index].worker];
    accept_due_ = true;
  }
  if (extras_[index].gone) {
    deliver(index, Outcome::hung_up, extras_[index].gone_at);
    return;
  }
  ++finished_;
  last_received_ = now_;
  if (extras_[index].status == 200) count_latency(index, now_);
  deliver(index, extras_[index].status == 200 ? Outcome::ok : Outcome::bad_status, now_);
  const LoadState& load = loads_[tasks_[index].load];
  if (!load.reconnects || (load.left == 0 && !load.source->then)) return;
  // What comes next needs nothing of this connection, whose handler may still be busy.
  const std::uint32_t next = allocate();
  tasks_[next] = Task{};
  tasks_[next].load = tasks_[index].load;
  tasks_[next].id = tasks_[index].id;
  extras_[next] = extras_[index];
  switch (plan_next(next)) {
    case Next::none: free_task(next); break;
    case Next::now:
      if (begin_request(next, next_fresh_++)) push(ready_, next);
      break;
    case Next::paused: break;
  }
}

Simulation::Next Simulation::plan_next(std::uint32_t index) {
  Task& task = tasks_[index];
  Extra& extra = extras_[index];
  LoadState& load = loads_[task.load];
  if (load.source->then && !extra.gone) {
    const Then& then = *load.source->then;
    if (!extra.follow_up) {
      extra.first_reply = extra.replied;
      extra.first_id = task.id;
      extra.asked = extra.value;
    }
    const std::string_view told = extra.told == JobState::pending ? "pending"
                                  : extra.told == JobState::done  ? "done"
                                  : extra.told == JobState::lost  ? "lost"
                                                                  : "";
    const bool goes_on = extra.follow_up ? told != "lost" && told != then.until : extra.value >= 0;
    if (goes_on && then.every <= then.at_most - (extra.replied - extra.first_reply)) {
      task.id = ++last_follow_id_;
      extra.follow_up = true;
      extra.route = static_cast<std::uint32_t>(then.route);
      extra.root = index;
      extra.place = Place::pause;
      extra.ticket = ++tickets_;
      appoint(std::max(now_, extra.replied + then.every), Due::next_request, index, extra.ticket);
      return Next::paused;
    }
  }
  if (load.left == 0) return Next::none;
  --load.left;
  task.id = ++last_later_id_;
  extra.follow_up = false;
  extra.first_id = 0;
  extra.route = load.route;
  return Next::now;
}

bool Simulation::close(std::uint32_t index, Resource held) {
  const LoadState& load = loads_[tasks_[index].load];
  const std::uint32_t id = tasks_[index].id;
  const Next next = load.reconnects || extras_[index].gone ? Next::none : plan_next(index);
  if (next == Next::none && !extras_[index].gone && stays_connected(index, held)) {
    ++tasks_[index].pc;
    return true;
  }
  if (next == Next::none) {
    if (held != Resource::nothing) release(index, held);
    free_task(index);
    return false;
  }
  if (load.keeps && events_ != nullptr) {
    Task before = tasks_[index];
    before.id = id;
    emit(EventKind::release, before, held);
  }
  if (next == Next::paused) return false;
  next_on_connection(index, extras_[index].replied);
  return true;
}

void Simulation::spawn_next(std::uint32_t number) {
  LoadState& load = loads_[number];
  if (load.left == 0) return;
  --load.left;
  const std::uint32_t index = allocate();
  tasks_[index] = Task{};
  tasks_[index].load = number;
  tasks_[index].id = ++last_later_id_;
  extras_[index].route = load.route;
  if (begin_request(index, next_fresh_++)) push(ready_, index);
}

void Simulation::hang_up(std::uint32_t index) {
  extras_[index].gone = true;
  extras_[index].gone_at = now_;
  const auto waits = [&](std::uint32_t task) {
    const Place place = extras_[task].place;
    const bool for_connection =
        place == Place::queue && ops_[tasks_[task].pc].resource == Resource::connection;
    return (place == Place::timer || for_connection) && may_cancel(task);
  };
  const std::uint32_t load = tasks_[index].load;
  if (waits(index)) {
    cancel(index);
  } else if (extras_[index].place == Place::joining) {
    for (std::uint32_t task = 0; task < tasks_.size(); ++task) {
      if (task != index && extras_[task].root == index && waits(task)) cancel(task);
    }
  }
  spawn_next(load);
}

bool Simulation::may_cancel(std::uint32_t task) const {
  const Extra& extra = extras_[task];
  const Traits& traits = arm_.modes[extra.route];
  return arm_.cancel && extra.job == 0 && !extras_[extra.root].answered && traits.handler == Resource::loop &&
         traits.waiting == Resource::nothing && (extra.held & ~kConnectionBit) == 0;
}

void Simulation::cancel(std::uint32_t index) {
  if ((extras_[index].held & kConnectionBit) != 0) release(index, Resource::connection);
  const Place place = extras_[index].place;
  if (place == Place::queue) {
    unlink(slot(tasks_[index].worker, Resource::connection).queue, index);
  }
  const bool whole = extras_[index].root == index;
  if (whole) {
    emit(EventKind::cancelled, tasks_[index]);
    deliver(index, Outcome::hung_up, extras_[index].gone_at);
    if (arm_.accept == Accept::one) {
      --serving_[tasks_[index].worker];
      accept_due_ = true;
    }
  }
  const std::uint32_t parent = extras_[index].parent;
  if (place == Place::timer) {
    extras_[index] = Extra{};
    extras_[index].parent = parent;
    extras_[index].place = Place::dead;  // its timer frees it
    if (!whole) end_child(index);
  } else if (whole) {
    free_task(index);
  } else {
    end_child(index);
  }
}

void Simulation::unlink(List& list, std::uint32_t index) {
  std::uint32_t before = kNone;
  for (std::uint32_t i = list.head; i != index; i = tasks_[i].next) before = i;
  (before == kNone ? list.head : tasks_[before].next) = tasks_[index].next;
  if (list.tail == index) list.tail = before;
}

}  // namespace lab
