#include <algorithm>
#include <utility>

#include "harness/model/clients.hpp"
#include "harness/model/jobs.hpp"
#include "harness/model/workers.hpp"
#include "lab/core/schedule.hpp"

namespace lab {

namespace {

bool sends_bodies(const Case& load_case, std::size_t route) {
  return std::ranges::any_of(load_case.loads, [&](const Load& load) {
    return load.route == route && (load.body_over > 0 || load.body_bytes > 0);
  });
}

Programs compile(const ModelInput& input, Reports reports) {
  Programs all;
  for (std::size_t route = 0; route < input.routes->size(); ++route) {
    const auto begin = static_cast<std::uint32_t>(all.ops.size());
    all.entries.push_back(begin);
    for (MicroOp& op : compile_route((*input.routes)[route], input.arm->modes[route], *input.arm,
                                     all.queue_names, sends_bodies(*input.load_case, route), reports)) {
      if (has_target(op.kind)) op.index += begin;
      all.ops.push_back(op);
    }
  }
  return all;
}

Detail detail_of(const ModelInput& input, const Programs& programs, bool observed) {
  const bool full =
      !input.load_case->kills.empty() || input.arm->accept == Accept::one ||
      input.arm->accept == Accept::greedy ||
      std::ranges::any_of(input.load_case->loads,
                          [](const Load& load) { return load.hang_up > 0 || load.then; }) ||
      std::ranges::any_of(programs.ops, [](const MicroOp& op) { return op.kind > MicroOpKind::close; }) ||
      std::ranges::any_of(*input.routes, [](const Route& route) { return has_step<Background>(route.plan); });
  return full ? Detail::full : observed ? Detail::stamped : Detail::counted;
}

/// What the operations mean, on top of the kernel and with the modules beside it.
class Simulation final : public Kernel {
 public:
  Simulation(const ModelInput& input, std::vector<RequestRecord>* records, Events* events,
             Histogram* latencies)
      : Simulation(input,
                   compile(input, events != nullptr    ? Reports::events
                                  : records != nullptr ? Reports::records
                                                       : Reports::none),
                   records, events, latencies) {}

  Prediction run() {
    while (true) {
      const Nanos own_at = next_at();
      const Nanos at = std::min(own_at, clients_.next_arrival());
      if (accept_due && at > now) {
        workers_.accept_waiting();
        continue;
      }
      if (at == kNever) return clients_.prediction();
      now = std::max(now, at);
      // What ends at a moment frees its resources before anything new asks for them.
      if (at < own_at) {
        clients_.arrive();
      } else if (const auto event = advance(at)) {
        clients_.keep(*event);
      }
      settle();
    }
  }

  void run_task(std::uint32_t task) override {
    while (true) {
      const MicroOp& op = programs.ops[tasks[task].pc];
      switch (op.kind) {
        case MicroOpKind::acquire:
          if (!take(task, op.resource)) return;
          break;
        case MicroOpKind::release: release(task, op.resource); break;
        case MicroOpKind::wait:
          if (!clients_.cancel_if_gone(task)) start_timer(task, op);
          return;
        case MicroOpKind::cpu: {
          const double left = std::exchange(tasks[task].work, 0.0);
          compute(task, left > 0 ? left : work_of(op));
          return;
        }
        case MicroOpKind::reply: clients_.answer(task); break;
        case MicroOpKind::close:
          if (clients_.close(task, op.resource)) continue;
          return;
        case MicroOpKind::read:
        case MicroOpKind::start:
        case MicroOpKind::step_begin:
        case MicroOpKind::step_end:
        case MicroOpKind::finish: stamp(task, op); break;
        default: {
          const After after = run_full(task, op);
          if (after == After::stop) return;
          if (after == After::stay) continue;
        }
      }
      ++tasks[task].pc;
    }
  }

 private:
  enum class After : std::uint8_t { next, stay, stop };  // next operation; where pc is now; none

  Simulation(const ModelInput& input, Programs all, std::vector<RequestRecord>* records, Events* events,
             Histogram* latencies)
      : Kernel(input, all, detail_of(input, all, records != nullptr || events != nullptr), events),
        clients_(*this, input, workers_, records, latencies),
        jobs_(*this, input),
        workers_(*this, input, clients_, jobs_),
        exponential_work_(input.exponential_work),
        work_random_(~input.seed) {
    clients_.open_connections(input);
  }

  After run_full(std::uint32_t task, const MicroOp& op) {
    Extra& extra = extras[task];
    const std::string& keep = clients_.load_of(task).keep;
    bool done = true;
    switch (op.kind) {
      case MicroOpKind::look: return clients_.end_unbegun(task) ? After::stop : After::next;
      case MicroOpKind::body: clients_.wait_for_body(task); return After::stop;
      case MicroOpKind::check_body:
        done = clients_.load_of(task).body_bytes <= op.duration || extra.follow_up;
        if (!done) extra.status = 413;
        break;
      case MicroOpKind::again_begin: extra.again.push_back(op.duration); return After::next;
      case MicroOpKind::again_end:
        if (--extra.again.back() > 0) {
          tasks[task].pc = op.index;
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
        return clients_.cancel_if_gone(task) ? After::stop : After::next;
      case MicroOpKind::end_child: end_child(task); return After::stop;
      case MicroOpKind::count: {
        const std::int64_t value = ++counters[arm.shared_counters ? workers : tasks[task].worker];
        if (keep == "count") extras[extra.root].value = value;
        return After::next;
      }
      case MicroOpKind::forget: emit(EventKind::forgotten, tasks[task]); return After::next;
      case MicroOpKind::put: done = jobs_.put(task, op, keep == "task_id"); break;
      case MicroOpKind::fetch: done = jobs_.fetch(task, op.index, keep == "task_id"); break;
      case MicroOpKind::jump: tasks[task].pc = op.index; return After::stay;
      case MicroOpKind::end_job: jobs_.end(task); return After::stop;
      default: return After::next;
    }
    if (!done) return After::next;
    tasks[task].pc += 2;  // past the jump that a failure takes
    return After::stay;
  }

  void stamp(std::uint32_t task, const MicroOp& op) {
    Stamps& mine = stamps[task];
    switch (op.kind) {
      case MicroOpKind::read:
        if (mine.accepted == 0) {
          mine.accepted = now;
          emit(EventKind::accepted, tasks[task], Resource::nothing,
               static_cast<std::int64_t>(mine.connection + 1));
        }
        mine.read = now;
        return emit(EventKind::read, tasks[task]);
      case MicroOpKind::start: mine.started = now; return emit(EventKind::started, tasks[task]);
      case MicroOpKind::finish: mine.finished = now; return emit(EventKind::finished, tasks[task]);
      default:
        emit(op.kind == MicroOpKind::step_begin ? EventKind::step_begin : EventKind::step_end, tasks[task],
             op.resource, op.index);
    }
  }

  double work_of(const MicroOp& op) {
    const auto mean = static_cast<double>(op.duration);
    return exponential_work_ ? mean * next_exponential(work_random_) : mean;
  }

  Clients clients_;
  JobQueues jobs_;
  Workers workers_;
  const bool exponential_work_;
  std::uint64_t work_random_;
};

}  // namespace

Prediction simulate(const ModelInput& input, std::vector<RequestRecord>* records, Events* events,
                    Histogram* latencies) {
  return Simulation(input, records, events, latencies).run();
}

}  // namespace lab
