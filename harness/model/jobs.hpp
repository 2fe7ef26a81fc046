#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "harness/model/kernel.hpp"

namespace lab {

/// The simulation's task queues. A job is a task that some worker of its queue runs, or that waits for one.
class JobQueues {
 public:
  JobQueues(Kernel& kernel, const ModelInput& input);

  /// A job that begins at op.index. Not where the queue is full: the request's status says so.
  bool put(std::uint32_t task, const MicroOp& op, bool keeps_task);
  void end(std::uint32_t task);
  /// The state of the job that the request asks for; not where the queue has none of that number.
  bool fetch(std::uint32_t task, std::uint32_t queue, bool keeps_task);
  void lose(std::int64_t job) { job_of(job).state = Kernel::JobState::lost; }
  /// Whatever waits at queues of this worker alone is gone, and its servers are free.
  void reset_worker(std::uint32_t worker);

 private:
  struct Job {
    Kernel::JobState state = Kernel::JobState::pending;
    std::uint32_t worker = 0, epoch = 0, queue = 0;
  };
  struct ServerGroup {  // of the queue of one worker, or of all
    std::deque<std::uint32_t> waiting;
    std::vector<std::uint16_t> free;  // units, the lowest last
  };
  struct JobQueue {
    QueueSettings settings;
    std::uint16_t first_unit = 0;
    std::vector<ServerGroup> groups;
    ServerGroup idle() const;
  };
  ServerGroup& group_of(std::uint32_t queue, std::uint32_t worker) {
    return queues_[queue].groups[queues_[queue].settings.shared ? 0 : worker];
  }
  Job& job_of(std::int64_t id) { return jobs_[static_cast<std::size_t>(id - 1)]; }
  void start(std::uint32_t task, ServerGroup& group);

  Kernel& k_;
  std::vector<JobQueue> queues_;
  std::vector<Job> jobs_;  // by id - 1
};

}  // namespace lab
