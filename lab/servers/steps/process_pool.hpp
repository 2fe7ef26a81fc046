#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "lab/core/process.hpp"
#include "lab/servers/server_setup.hpp"
#include "lab/servers/steps/leaf.hpp"

namespace lab {

/// A fixed set of threads that take jobs first come, first served. The constructor starts them all, so the
/// first burst is as quick as the next. Jobs belong to the submitter and must live until run() has been
/// called. Thread safety: submit() from any thread.
class JobPool {
 public:
  class Job {
   public:
    virtual ~Job() = default;
    /// `unit`: which thread of the pool this is. The job may be gone when it returns.
    virtual void run(std::uint16_t unit) = 0;

   private:
    friend class JobPool;
    Job* next_ = nullptr;
  };

  /// Throws Failure (environment) where the machine gives no more threads.
  explicit JobPool(int threads);
  /// Runs what was submitted, then joins.
  ~JobPool() { close(); }

  void submit(Job& job);

 private:
  void work(std::uint16_t unit);
  void close();

  std::mutex mutex_;
  std::condition_variable more_;
  Job* first_ = nullptr;
  Job* last_ = nullptr;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

constexpr std::size_t kMaxMessageBytes = 64 << 10;
/// What a member of the pool says of a step, in a message; a fault's reason is cut to what that holds.
std::string write_end(LeafEnd end);

/// The processes of a worker's pool. They run leaves one at a time and die with the worker. They are forked
/// from a process between it and them that has one thread, because a child that is forked beside other
/// threads may find malloc or libpq in the middle of something, for ever.
/// Thread safety: one thread at a time per member.
class ProcessPool {
 public:
  /// Has setup.arm.threads members. Call it while the process has one thread. Throws Failure where the
  /// machine gives no more processes.
  explicit ProcessPool(const ServerSetup& setup);
  /// Ends and reaps them.
  ~ProcessPool();

  /// Has the member run a waiting or computing step. A member that dies is a fault of status 502, and another
  /// one takes its place.
  LeafEnd run(std::uint16_t member, const Step& step, Nanos begun);

  pid_t pid(std::uint16_t member) const { return members_[member].pid; }

 private:
  struct Member {
    pid_t pid = -1;
    UniqueFd channel;
  };
  Result<void> start(Member& member);

  std::mutex ordering_;
  UniqueFd orders_;  // to the fork server; guarded by ordering_ once there are threads
  ChildProcess fork_server_;
  std::vector<Member> members_;
};

}  // namespace lab
