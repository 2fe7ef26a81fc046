// Steps beyond waiting and computing, and what is noted of who holds what.
#include "harness/model/simulation.hpp"

namespace lab {

namespace {

constexpr unsigned bit(Resource resource) {
  return 1U << static_cast<unsigned>(resource);
}

}  // namespace

Simulation::After Simulation::run_rich(std::uint32_t task, const MicroOp& op) {
  Extra& extra = extras_[task];
  switch (op.kind) {
    case MicroOpKind::body: wait_for_body(task); return After::stop;
    case MicroOpKind::check_body:
      if (loads_[tasks_[task].load].source->body_bytes > op.duration && !extra.follow_up) {
        extra.status = 413;
        return After::next;
      }
      break;
    case MicroOpKind::again_begin: extra.again.push_back(op.duration); return After::next;
    case MicroOpKind::again_end:
      if (--extra.again.back() > 0) {
        tasks_[task].pc = op.index;
        return After::stay;
      }
      extra.again.pop_back();
      return After::next;
    case MicroOpKind::fork: fork(task, op.index); return After::next;
    case MicroOpKind::join:
      if (extra.children > 0) {
        extra.place = Place::joining;
        return After::stop;
      }
      if (extras_[extra.root].gone && may_cancel(task)) {
        cancel(task);
        return After::stop;
      }
      return After::next;
    case MicroOpKind::end_child: end_child(task); return After::stop;
    case MicroOpKind::count: count(task); return After::next;
    case MicroOpKind::forget: emit(EventKind::forgotten, tasks_[task]); return After::next;
    case MicroOpKind::put:
      if (!put_job(task, op)) return After::next;
      break;
    case MicroOpKind::fetch:
      if (!fetch(task, op.index)) return After::next;
      break;
    case MicroOpKind::jump: tasks_[task].pc = op.index; return After::stay;
    case MicroOpKind::end_job: end_job(task); return After::stop;
    default: return After::next;
  }
  tasks_[task].pc += 2;  // past the jump that a failure takes
  return After::stay;
}

void Simulation::fork(std::uint32_t parent, std::uint32_t begin) {
  const std::uint32_t index = allocate();
  Task child;
  child.id = tasks_[parent].id;
  child.load = tasks_[parent].load;
  child.worker = tasks_[parent].worker;
  child.pc = begin;
  tasks_[index] = child;
  Extra& extra = extras_[index];
  extra.root = extras_[parent].root;
  extra.parent = parent;
  extra.route = extras_[parent].route;
  extra.epoch = extras_[parent].epoch;
  ++extras_[parent].children;
  run_task(index);  // as far as the queue for the loop, which its parent holds
}

void Simulation::end_child(std::uint32_t index) {
  const std::uint32_t parent = extras_[index].parent;
  if (extras_[index].place != Place::dead) free_task(index);
  if (--extras_[parent].children > 0 || extras_[parent].place != Place::joining) return;
  extras_[parent].place = Place::none;
  push(ready_, parent);
}

void Simulation::wait_for_body(std::uint32_t index) {
  const Load& load = *loads_[tasks_[index].load].source;
  const Nanos sent = tasks_[index].intended;
  const bool follow_up = extras_[index].follow_up;
  const Nanos whole = follow_up ? sent : sent + std::min(load.body_over, kNever / 2 - sent);
  extras_[index].place = Place::body;
  appoint(std::max(now_, whole), Due::body, index, extras_[index].ticket);
}

void Simulation::count(std::uint32_t index) {
  const std::uint32_t counter = arm_.shared_counters ? workers_ : tasks_[index].worker;
  const std::int64_t value = ++counters_[counter];
  if (loads_[tasks_[index].load].keeps_count) extras_[extras_[index].root].value = value;
}

void Simulation::note_grant(std::uint32_t task, Resource resource) {
  if (rich_) {
    extras_[task].held |= static_cast<std::uint8_t>(bit(resource));
    extras_[task].place = Place::none;
  }
  if (!turns_ || resource != Resource::loop) return;
  const std::uint32_t worker = tasks_[task].worker;
  Turn& turn = worker_turns_[worker];
  if (turn.left > 0) return;
  turn.began = now_;
  turn.size = 1;
  for (std::uint32_t i = slot(worker, Resource::loop).queue.head; i != kNone; i = tasks_[i].next) {
    ++turn.size;
  }
  turn.left = turn.size;
}

// Requests that come at the moment at which a turn begins were there when it did.
void Simulation::note_queued(std::uint32_t task) {
  Turn& turn = worker_turns_[tasks_[task].worker];
  if (turn.left == 0 || turn.began != now_ || tasks_[task].pc != loads_[tasks_[task].load].entry) return;
  ++turn.left;
  ++turn.size;
}

void Simulation::note_release(std::uint32_t task, Resource resource) {
  if (rich_) extras_[task].held &= static_cast<std::uint8_t>(~bit(resource));
  if (!turns_ || resource != Resource::loop) return;
  const std::uint32_t worker = tasks_[task].worker;
  Turn& turn = worker_turns_[worker];
  if (--turn.left > 0) return;
  tell_turn(worker, turn.size);
  turn.ended = true;
  if (!dealt_) accept_due_ = true;
}

void Simulation::tell_turn(std::uint32_t worker, std::uint32_t size) {
  Task nobody;
  nobody.worker = worker;
  emit(EventKind::turn, nobody, Resource::nothing, size);
}

}  // namespace lab
