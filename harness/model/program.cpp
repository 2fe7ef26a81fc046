#include "harness/model/program.hpp"

namespace lab {

namespace {

class Compiler {
 public:
  Compiler(const Traits& traits, bool gil) : traits_(traits), gil_(gil) {}

  RouteProgram compile(const Plan& plan) {
    const Resource handler = traits_.handler;
    if (handler == Resource::pool) {
      enter(Resource::loop);
      add(MicroOpKind::read);
      leave(Resource::loop);
      acquire(handler);
      add(MicroOpKind::start);
      lock();
    } else if (handler == Resource::loop) {
      enter(handler);  // the loop's own code reads the request, so it needs the lock for that already
      add(MicroOpKind::read);
      add(MicroOpKind::start);
    } else {
      acquire(handler);
      add(MicroOpKind::read);
      add(MicroOpKind::start);
      lock();
    }
    for (std::size_t i = 0; i < plan.size(); ++i) step(plan[i], static_cast<std::uint32_t>(i));
    add(MicroOpKind::finish);
    if (handler == Resource::pool) {
      leave(handler);
      enter(Resource::loop);
      add(MicroOpKind::reply);
      leave(Resource::loop);
      add(MicroOpKind::close);
    } else if (keeps_handler(traits_)) {
      add(MicroOpKind::reply);
      unlock();
      add(MicroOpKind::close, handler);
    } else {
      add(MicroOpKind::reply);
      leave(handler);
      add(MicroOpKind::close);
    }
    return std::move(ops_);
  }

 private:
  void add(MicroOpKind kind, Resource resource = Resource::nothing, std::uint32_t index = 0,
           Nanos duration = 0) {
    ops_.push_back({kind, resource, index, duration});
  }
  void acquire(Resource resource) {
    if (resource != Resource::nothing) add(MicroOpKind::acquire, resource);
  }
  void release(Resource resource) {
    if (resource != Resource::nothing) add(MicroOpKind::release, resource);
  }
  void lock() {
    if (gil_) add(MicroOpKind::acquire, Resource::gil);
  }
  void unlock() {
    if (gil_) add(MicroOpKind::release, Resource::gil);
  }
  void enter(Resource resource) {
    acquire(resource);
    lock();
  }
  void leave(Resource resource) {
    unlock();
    release(resource);
  }

  void step(const Step& step, std::uint32_t index) {
    if (const auto* wait = std::get_if<Wait>(&step.action)) {
      wait_step(index, wait->duration, step.blocking ? traits_.handler : traits_.waiting);
    } else if (const auto* cpu = std::get_if<Cpu>(&step.action)) {
      cpu_step(index, cpu->duration, step.blocking ? traits_.handler : traits_.computing);
    }
    static_assert(std::variant_size_v<decltype(step.action)> == 2,
                  "a new kind of step needs a translation here");
  }

  void wait_step(std::uint32_t index, Nanos duration, Resource holds) {
    const Resource handler = traits_.handler;
    const bool moves = holds != handler && holds != Resource::nothing;
    if (moves) {
      leave(handler);
      acquire(holds);
    }
    add(MicroOpKind::step_begin, holds, index);
    if (!moves) unlock();
    if (holds == Resource::nothing) release(handler);
    add(MicroOpKind::wait, Resource::nothing, 0, duration);
    add(MicroOpKind::step_end, holds, index);
    if (moves) release(holds);
    if (holds != handler) acquire(handler);
    lock();
  }

  void cpu_step(std::uint32_t index, Nanos duration, Resource holds) {
    const Resource handler = traits_.handler;
    if (holds != handler) {
      leave(handler);
      enter(holds);
    }
    add(MicroOpKind::step_begin, holds, index);
    if (duration > 0) add(MicroOpKind::cpu, Resource::core, 0, duration);
    add(MicroOpKind::step_end, holds, index);
    if (holds != handler) {
      leave(holds);
      enter(handler);
    }
  }

  const Traits& traits_;
  bool gil_;
  RouteProgram ops_;
};

}  // namespace

bool keeps_handler(const Traits& traits) {
  // The pool is no place for idle connections: its members only get requests that the loop has read.
  return traits.idle == traits.handler && traits.handler != Resource::nothing &&
         traits.handler != Resource::pool;
}

RouteProgram compile_route(const Plan& plan, const Traits& traits, bool gil) {
  return Compiler(traits, gil).compile(plan);
}

}  // namespace lab
