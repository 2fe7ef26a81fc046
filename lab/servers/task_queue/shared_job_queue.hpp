// The room task_queue: jobs in memory that all processes of a server share, and those who execute them. For
// the supervisor, which makes them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/process.hpp"
#include "lab/core/scenario.hpp"
#include "lab/servers/server_setup.hpp"

namespace lab {

class EventLog;
class JobClient;
class Worker;
struct WorkerStatus;

/// A job as it lies in a queue: which plan, for whom.
struct Job {
  std::int64_t id = 0;
  std::uint32_t request = 0;  ///< that put it there
  std::uint32_t plan = 0;     ///< which Enqueue step of the setup (QueuedPlans)
  std::int64_t position = 0;  ///< of that step, as its events count
  std::uint16_t worker = 0;   ///< slot that put it there
};

enum class JobState : std::uint8_t { unknown, queued, running, done, failed, lost };
BOOST_DESCRIBE_ENUM(JobState, unknown, queued, running, done, failed, lost)

/// A queue of a server: one of a worker's own, or one that all share.
struct NamedQueue {
  std::string name;
  int slot = -1;  ///< whose it is; -1: everybody's
  QueueSettings settings;
};

/// All jobs of a server in memory that its processes share, so that what a dead one held is still known. Made
/// by the master before it forks. Keeps every job until it is over, and then among the last 100,000. A
/// process that is killed in the middle of a change leaves the queues usable (robust mutex). Thread safety:
/// all of it, from any thread or process.
class SharedJobQueue {
 public:
  /// Of the queues that the arm and the steps of its routes name; none where there are none.
  static Result<SharedJobQueue> create(const ServerSetup& setup);
  SharedJobQueue() = default;

  const std::vector<NamedQueue>& queues() const { return queues_; }
  /// Of each worker of a queue that all share: which queue it works for.
  std::vector<std::size_t> shared_workers() const;
  /// The queue that the worker in this slot means by the name, which the setup has.
  std::size_t find(std::string_view name, int slot) const;

  /// Gives the job's id; nothing where no place is left. What is running has a place of its own.
  std::optional<std::int64_t> put(std::size_t queue, Job job);
  /// Waits for a job and takes it; nothing soon after `stop` was set, at once where wake() follows. `holder`:
  /// which worker of the queue.
  std::optional<Job> take(std::size_t queue, std::uint16_t holder, const std::atomic<bool>& stop);
  void wake(std::size_t queue);
  void finish(std::size_t queue, std::int64_t id, bool failed);
  JobState state(std::size_t queue, std::int64_t id) const;

  /// A worker of the queue has died: gives the jobs that it was at, which are lost. Without `holder`: all of
  /// them have, and what waited is lost as well.
  std::vector<Job> lose(std::size_t queue, std::optional<std::uint16_t> holder = std::nullopt);

 private:
  struct Shared;
  struct Line;
  struct Entry;
  class Lock;
  static std::vector<NamedQueue> queues_of(const ServerSetup& setup);
  Entry& entry_at(std::int64_t id) const;
  Entry* entry(std::size_t queue, std::int64_t id) const;

  std::vector<NamedQueue> queues_;
  SharedMemory<Shared> shared_;
  SharedMemory<Line> lines_;
  SharedMemory<std::int64_t> rings_;      // of each queue the ids of those that wait
  std::vector<std::size_t> rings_begin_;  // where that of each queue begins
  SharedMemory<std::byte> entries_;
  std::size_t size_ = 0;  // how many entries
};

/// Added to the numbers that hold jobs: a worker and the one that takes its place in a reload have others.
constexpr std::uint16_t holder_offset(bool second) {
  return second ? 0x8000 : 0;
}

/// A worker's side of the queues: its handlers put jobs there and ask for them, and its threads, which this
/// starts, execute those of its own queues. At its end they finish the jobs that they are at. Everything must
/// outlive it.
std::unique_ptr<JobClient> start_job_client(const Worker& worker);

/// Executes jobs of one queue in this process until TERM; gives the exit code. `unit` is what its
/// events call it; `ready_signal` is written to when it can.
int run_queue_worker(const ServerSetup& setup, const EventLog& events, SharedJobQueue& job_queues,
                     std::size_t queue, std::size_t unit, bool second, WorkerStatus& status,
                     int ready_signal);

}  // namespace lab
