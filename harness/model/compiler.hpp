#pragma once

#include <functional>
#include <vector>

#include "harness/model/program.hpp"

namespace lab {

/// Translates one route; see compile_route. Used once.
class Compiler {
 public:
  Compiler(const Traits& traits, const Arm& arm, QueueNames& queues)
      : traits_(traits), arm_(arm), queues_(queues), processes_(arm.pool_processes) {}

  RouteProgram compile(const Route& route, bool body);

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

  Runner own() const;
  static Runner in(Resource resource, bool gil) { return {resource, resource, resource, gil, false, false}; }

  void begin(const Route& route, bool body);
  void depend(const Dependency& dependency);
  void end();
  void after_reply();
  void finish_later();

  void steps(const Plan& plan);
  void step(const Step& step, std::uint32_t position);
  void wait_step(std::uint32_t position, Nanos duration, Resource holds, bool connection);
  void cpu_step(std::uint32_t position, const Compute& compute, Resource holds);
  void repeat(std::int64_t times, std::uint32_t position, const std::function<void()>& body);
  void gather(const Gather& gather);
  void pooled(const Plan& plan);
  void background(const Plan& plan);
  void enqueue(const std::string& queue, const Plan& plan);
  void fetch(const std::string& queue);
  void skip(const Plan& plan);
  void fail_from_here();

  std::uint32_t queue_number(const std::string& name);
  bool shared(const std::string& name) const;

  void add(MicroOpKind kind, Resource resource = Resource::nothing, std::uint32_t index = 0,
           Nanos duration = 0) {
    ops_.push_back({kind, resource, index, duration});
  }
  void mark(MicroOpKind kind, Resource resource, std::uint32_t position) {
    if (quiet_ == 0) add(kind, resource, position);
  }
  std::uint32_t here() const { return static_cast<std::uint32_t>(ops_.size()); }
  void acquire(Resource resource) {
    if (resource != Resource::nothing) add(MicroOpKind::acquire, resource);
  }
  void release(Resource resource) {
    if (resource != Resource::nothing) add(MicroOpKind::release, resource);
  }
  bool locks(Resource resource) const { return runner_.gil && !(resource == Resource::pool && processes_); }
  void lock(bool needed) {
    if (needed) add(MicroOpKind::acquire, Resource::gil);
  }
  void unlock(bool held) {
    if (held) add(MicroOpKind::release, Resource::gil);
  }
  void enter(Resource resource) {
    acquire(resource);
    lock(locks(resource));
  }
  void leave(Resource resource) {
    unlock(locks(resource));
    release(resource);
  }

  const Traits& traits_;
  const Arm& arm_;
  QueueNames& queues_;
  bool processes_;
  Runner runner_;
  std::uint32_t position_ = 0;  // of the next step in the text
  int quiet_ = 0;               // repeats around this that are too long to be told step by step
  std::int64_t repeated_ = 1;   // how often what is translated now is executed
  std::vector<std::uint32_t> failing_;
  std::vector<Later> later_;
  std::vector<AfterReply> after_;
  RouteProgram ops_;
};

}  // namespace lab
