#include "harness/model/program.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace lab {

namespace {

bool only_reports(MicroOpKind kind) {
  return kind == MicroOpKind::read || kind == MicroOpKind::start || kind == MicroOpKind::finish ||
         kind == MicroOpKind::step_begin || kind == MicroOpKind::step_end;
}

/// Translates one route. Used once.
class Compiler {
 public:
  Compiler(const Traits& traits, const Arm& arm, QueueNames& queues, Reports reports)
      : traits_(traits), arm_(arm), queues_(queues), reports_(reports), processes_(arm.pool_processes) {}

  RouteProgram compile(const Route& route, bool body) {
    runner_ = own();
    begin(route, body);
    if (is_job(traits_, route.plan)) {
      enqueue(std::string(kDefaultQueue), route.plan);
    } else {
      steps(route.plan);
    }
    for (const std::uint32_t jump : std::exchange(failing_, {})) ops_[jump].index = here();
    end();
    finish_later();
    return std::move(ops_);
  }

 private:
  /// Who runs the steps, and what they hold.
  struct Runner {
    Resource handler = Resource::nothing;
    Resource waiting = Resource::nothing;
    Resource computing = Resource::nothing;
    bool gil = false;
    bool elsewhere = false;  ///< in a process of its own, which shares no connections
    bool may_fail = false;   ///< the request can be answered with an error from here
  };
  /// A plan whose operations come later in the program.
  struct Later {
    const Plan* plan = nullptr;
    std::uint32_t position = 0;  ///< of its first step
    Runner runner;
    std::uint32_t patch = 0;  ///< the operation that leads there
    bool job = false;
    bool quiet = false;
  };
  struct AfterReply {
    const Plan* plan = nullptr;
    std::uint32_t position = 0;
    std::int64_t times = 1;
  };

  static Runner in(Resource resource, bool gil) { return {resource, resource, resource, gil, false, false}; }

  void add(MicroOpKind kind, Resource resource = Resource::nothing, std::uint32_t index = 0,
           Nanos duration = 0) {
    const bool read = kind == MicroOpKind::forget ? reports_ == Reports::events
                                                  : reports_ != Reports::none || !only_reports(kind);
    if (read) ops_.push_back({kind, resource, index, duration});
  }
  void mark(MicroOpKind kind, Resource resource, std::uint32_t position) {
    if (quiet_ == 0) add(kind, resource, position);
  }
  std::uint32_t here() const { return static_cast<std::uint32_t>(ops_.size()); }
  void acquire(Resource resource, bool needed = true) {
    if (needed && resource != Resource::nothing) add(MicroOpKind::acquire, resource);
  }
  void release(Resource resource, bool held = true) {
    if (held && resource != Resource::nothing) add(MicroOpKind::release, resource);
  }
  bool locks(Resource resource) const { return runner_.gil && !(resource == Resource::pool && processes_); }
  void lock(bool needed) { acquire(Resource::gil, needed); }
  void unlock(bool held) { release(Resource::gil, held); }
  void enter(Resource resource) {
    acquire(resource);
    lock(locks(resource));
  }
  void leave(Resource resource) {
    unlock(locks(resource));
    release(resource);
  }

  Runner own() const {
    // What a queue's worker would hold, a handler that computes itself holds no more of than its loop.
    const Resource computing = traits_.computing == Resource::queue ? traits_.handler : traits_.computing;
    return {traits_.handler, traits_.waiting, computing, arm_.gil, false, true};
  }

  void begin(const Route& route, bool body) {
    const Resource handler = traits_.handler;
    const bool by_loop = handler == Resource::pool;
    if (body && !keeps_handler(traits_)) add(MicroOpKind::body);
    if (by_loop) {
      enter(Resource::loop);
    } else if (handler == Resource::loop) {
      enter(handler);  // the loop's own code reads the request, so it needs the lock for that already
    } else {
      acquire(handler);
      if (body && keeps_handler(traits_)) add(MicroOpKind::body);
    }
    add(MicroOpKind::read);
    const bool looks = arm_.cancel && traits_.looks_first();
    if (by_loop && route.depends.empty()) {
      leave(Resource::loop);
      acquire(handler);
      if (looks) add(MicroOpKind::look);
      add(MicroOpKind::start);
      lock(locks(handler));
    } else {
      if (looks) add(MicroOpKind::look);
      add(MicroOpKind::start);
      if (!by_loop && handler != Resource::loop) lock(locks(handler));
      for (const Dependency& dependency : route.depends) depend(dependency);
      if (by_loop) {
        leave(Resource::loop);
        enter(handler);
      }
    }
    if (body) {
      add(MicroOpKind::check_body, Resource::nothing, 0, route.body_limit);
      fail_from_here();
    }
  }

  void depend(const Dependency& dependency) {
    const bool beside_loop = traits_.handler == Resource::loop || traits_.handler == Resource::pool;
    const Runner on_loop{Resource::loop, Resource::nothing, Resource::loop, arm_.gil, false, false};
    const Runner before = std::exchange(runner_, beside_loop ? on_loop : in(traits_.handler, arm_.gil));
    dependency.asynchronous ? steps(dependency.steps) : pooled(dependency.steps);
    runner_ = before;
  }

  void end() {
    const Resource handler = traits_.handler;
    add(MicroOpKind::finish);
    if (handler == Resource::pool) {
      leave(handler);
      enter(Resource::loop);
      add(MicroOpKind::reply);
      leave(Resource::loop);
      if (!after_.empty()) {
        enter(handler);
        after_reply();
        leave(handler);
      }
      add(MicroOpKind::close);
      return;
    }
    add(MicroOpKind::reply);
    after_reply();
    if (keeps_handler(traits_)) {
      unlock(locks(handler));
      add(MicroOpKind::close, handler);
      if (traits_.idle_timeout > 0) {  // for clients that stay connected and ask no more
        add(MicroOpKind::wait, Resource::nothing, 0, traits_.idle_timeout);
        release(handler);
        add(MicroOpKind::close);
      }
    } else {
      leave(handler);
      add(MicroOpKind::close);
    }
  }

  void after_reply() {
    runner_.may_fail = false;
    for (std::size_t i = 0; i < after_.size(); ++i) {  // one may add another
      const AfterReply later = after_[i];
      position_ = later.position;
      repeat(later.times, later.position - 1, [&] { steps(*later.plan); });
    }
  }

  void finish_later() {
    for (std::size_t i = 0; i < later_.size(); ++i) {
      const Later later = later_[i];
      ops_[later.patch].index = here();
      runner_ = later.runner;
      position_ = later.position;
      quiet_ = later.quiet ? 1 : 0;
      if (later.job) {
        lock(runner_.gil);
        steps(*later.plan);
        unlock(runner_.gil);
        add(MicroOpKind::end_job);
      } else {
        enter(runner_.handler);
        steps(*later.plan);
        for (const std::uint32_t jump : std::exchange(failing_, {})) ops_[jump].index = here();
        leave(runner_.handler);
        add(MicroOpKind::end_child);
      }
    }
  }

  void repeat(std::int64_t times, std::uint32_t position, const std::function<void()>& body) {
    if (times <= 1) {
      if (times == 1) body();
      return;
    }
    const bool reported_as_one = times > Repeat::kMaxReported;
    const std::int64_t around = std::exchange(repeated_, repeated_ * times);
    if (reported_as_one) {
      mark(MicroOpKind::step_begin, runner_.handler, position);
      ++quiet_;
    }
    add(MicroOpKind::again_begin, Resource::nothing, 0, times);
    const std::uint32_t first = here();
    body();
    add(MicroOpKind::again_end, Resource::nothing, first);
    if (reported_as_one) {
      --quiet_;
      mark(MicroOpKind::step_end, runner_.handler, position);
    }
    repeated_ = around;
  }

  // What each kind of step becomes.

  void steps(const Plan& plan) {
    for (const Step& each : plan) {
      const std::uint32_t position = position_++;
      step(each, position);
    }
  }

  /// Where a step stands in the text, and what it holds.
  struct Place {
    std::uint32_t position;
    Resource waits_on, computes_on;
  };

  void step(const Step& step, std::uint32_t position) {
    const Place place{position, step.blocking ? runner_.handler : runner_.waiting,
                      step.blocking ? runner_.handler : runner_.computing};
    std::visit([&](const auto& action) { translate(action, place); }, step.action);
  }

  void translate(const Wait& wait, const Place& place) { wait_for(wait.duration, place, wait.on_connection); }
  void translate(const CallUpstream& call, const Place& place) { wait_for(call.duration, place, false); }
  void translate(const Query& query, const Place& place) { wait_for(query.duration, place, true); }
  void translate(const Increment&, const Place&) { add(MicroOpKind::count); }
  void translate(const Yield&, const Place&) {
    if (runner_.handler != Resource::loop) return;
    leave(Resource::loop);
    enter(Resource::loop);
  }
  void translate(const Ready&, const Place&) {}
  void translate(const Repeat& again, const Place& place) {
    const std::uint32_t inner = position_;
    repeat(again.times, place.position, [&] { steps(again.steps); });
    position_ = inner;
    skip(again.steps);
  }
  void translate(const Pooled& function, const Place&) { pooled(function.steps); }
  void translate(const Forget& forget, const Place&) {
    add(MicroOpKind::forget);
    skip(forget.steps);
  }
  void translate(const Background& later, const Place&) {
    after_.push_back({&later.steps, position_, repeated_});
    skip(later.steps);
  }
  void translate(const Enqueue& job, const Place&) { enqueue(job.queue, job.steps); }
  void translate(const FetchResult& result, const Place&) {
    add(MicroOpKind::fetch, Resource::queue, queue_number(result.queue));
    fail_from_here();
  }

  void wait_for(Nanos duration, const Place& place, bool connection) {
    const Resource handler = runner_.handler;
    const Resource holds = place.waits_on;
    const bool locked = locks(handler);
    const Resource database =
        connection && arm_.connections > 0 && !runner_.elsewhere ? Resource::connection : Resource::nothing;
    const bool moves = holds != handler && holds != Resource::nothing;
    if (moves) {
      leave(handler);
      acquire(holds);
    }
    const auto let_go = [&] {
      if (moves) return;
      unlock(locked);
      if (holds == Resource::nothing) release(handler);
    };
    if (database != Resource::nothing) {
      let_go();
      acquire(database);
      mark(MicroOpKind::step_begin, holds, place.position);
    } else {
      mark(MicroOpKind::step_begin, holds, place.position);
      let_go();
    }
    add(MicroOpKind::wait, Resource::nothing, 0, duration);
    mark(MicroOpKind::step_end, holds, place.position);
    release(database);
    if (moves) release(holds);
    if (holds != handler) acquire(handler);
    lock(locked);
  }

  void translate(const Compute& compute, const Place& place) {
    const Resource handler = runner_.handler;
    const Resource holds = place.computes_on;
    const bool unlocked = releases_gil(compute.work);
    const bool moves = holds != handler;
    if (moves) {
      leave(handler);
      acquire(holds);
      lock(locks(holds) && !unlocked);
    }
    mark(MicroOpKind::step_begin, holds, place.position);
    if (!moves && unlocked) unlock(locks(handler));
    if (compute.duration > 0) add(MicroOpKind::cpu, Resource::core, 0, compute.duration);
    mark(MicroOpKind::step_end, holds, place.position);
    if (!moves && unlocked) lock(locks(handler));
    if (moves) {
      unlock(locks(holds) && !unlocked);
      release(holds);
      enter(handler);
    }
  }

  void translate(const Gather& gather, const Place&) {
    if (runner_.handler != Resource::loop) {
      for (const Plan& branch : gather.branches) steps(branch);
      return;
    }
    for (const Plan& branch : gather.branches) {
      later_.push_back({&branch, position_, runner_, here(), false, quiet_ > 0});
      add(MicroOpKind::fork);
      skip(branch);
    }
    leave(Resource::loop);
    add(MicroOpKind::join);
    enter(Resource::loop);
  }

  void pooled(const Plan& plan) {
    if (runner_.handler != Resource::loop) {
      steps(plan);
      return;
    }
    const Runner before = runner_;
    leave(Resource::loop);
    enter(Resource::pool);
    runner_ = in(Resource::pool, locks(Resource::pool));
    steps(plan);
    runner_ = before;
    leave(Resource::pool);
    enter(Resource::loop);
  }

  void enqueue(const std::string& queue, const Plan& plan) {
    Runner runner = in(Resource::queue, arm_.gil && !shared(queue));
    runner.elsewhere = shared(queue);
    later_.push_back({&plan, position_, runner, here(), true, quiet_ > 0});
    add(MicroOpKind::put, Resource::queue, 0, queue_number(queue));
    fail_from_here();
    skip(plan);
  }

  void skip(const Plan& plan) { position_ += static_cast<std::uint32_t>(text_size(plan)); }

  void fail_from_here() {
    if (runner_.may_fail) failing_.push_back(here());
    add(MicroOpKind::jump, Resource::nothing, here() + 1);
  }

  std::uint32_t queue_number(const std::string& name) {
    const auto at = std::ranges::find(queues_, name);
    const auto number = static_cast<std::uint32_t>(at - queues_.begin());
    if (at == queues_.end()) queues_.push_back(name);
    return number;
  }

  bool shared(const std::string& name) const {
    const auto found = arm_.queues.find(name);
    return found != arm_.queues.end() && found->second.shared;
  }

  const Traits& traits_;
  const Arm& arm_;
  QueueNames& queues_;
  Reports reports_;
  bool processes_;
  Runner runner_;
  std::uint32_t position_ = 0;  // of the next step in the text
  int quiet_ = 0;               // repeats around this that are too long to be reported step by step
  std::int64_t repeated_ = 1;   // how often what is translated now is executed
  std::vector<std::uint32_t> failing_;
  std::vector<Later> later_;
  std::vector<AfterReply> after_;
  RouteProgram ops_;
};

}  // namespace

bool keeps_handler(const Traits& traits) {
  // The pool is no place for idle connections: its members only get requests that the loop has read.
  return traits.idle == traits.handler && traits.handler != Resource::nothing &&
         traits.handler != Resource::pool;
}

RouteProgram compile_route(const Route& route, const Traits& traits, const Arm& arm, QueueNames& queues,
                           bool body, Reports reports) {
  return Compiler(traits, arm, queues, reports).compile(route, body);
}

}  // namespace lab
