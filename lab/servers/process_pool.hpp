#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "lab/servers/leaf.hpp"
#include "lab/servers/server.hpp"
#include "lab/servers/unique_fd.hpp"

namespace lab {

/// The processes of a worker's pool, forked from it. They run leaves one at a time and die with the worker.
/// Thread safety: one thread at a time per member.
class ProcessPool {
 public:
  /// Forks setup.arm.threads members, while the process has one thread. The setup must outlive it. Throws
  /// Failure where the machine gives no more processes.
  explicit ProcessPool(const ServerSetup& setup);
  ProcessPool(const ProcessPool&) = delete;
  ProcessPool& operator=(const ProcessPool&) = delete;
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
  Result<void> start(Member& member) const;
  static void reap(Member& member);

  const ServerSetup& setup_;
  std::vector<Member> members_;
};

}  // namespace lab
