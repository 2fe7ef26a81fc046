#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "lab/core/event_ring.hpp"
#include "lab/core/process.hpp"
#include "lab/servers/task_queue/shared_job_queue.hpp"
#include "lab/servers/worker/restart_policy.hpp"
#include "lab/servers/worker/worker.hpp"

namespace lab {

/// The processes that execute the jobs of queues that all workers share: forked, restarted and ended by the
/// master. Not thread-safe.
class QueueWorkers {
 public:
  /// `status`: one for each of count(), in shared memory.
  QueueWorkers(const ServerSetup& setup, EventRings* rings, SharedJobQueue& board, WorkerStatus* status,
               int ready_signal);
  QueueWorkers(const QueueWorkers&) = delete;
  QueueWorkers& operator=(const QueueWorkers&) = delete;
  ~QueueWorkers() { kill(); }

  static std::size_t count(const SharedJobQueue& board);

  Result<void> start();
  /// Whether all are there and can execute jobs.
  bool ready() const;
  /// Takes note of those that have died, and starts again whose time has come. What they were at is lost.
  /// The error: they keep dying.
  Result<void> look_after(Nanos now);
  std::optional<Nanos> next_due() const;
  /// Each ends after the job that it is at.
  void stop();
  bool all_gone() const;
  void kill();

 private:
  struct Member {
    std::size_t queue = 0;
    ChildProcess process;
    Nanos started = 0;
    std::optional<Nanos> restart_at;
  };
  Result<void> fork_member(std::size_t index);
  int be_member(std::size_t index);
  int ring_of(std::size_t index) const;

  const ServerSetup& setup_;
  EventRings* rings_;
  SharedJobQueue& board_;
  WorkerStatus* status_;
  int ready_signal_;
  std::vector<Member> members_;
  RestartPolicy policy_;
  bool stopping_ = false;
};

/// Marks what somebody held as lost and tells of it in the ring of that slot.
void report_lost(EventRings* rings, int slot, const std::vector<Job>& lost);

}  // namespace lab
