#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lab/core/process.hpp"
#include "lab/core/shared_memory.hpp"
#include "lab/servers/supervisor/listener.hpp"
#include "lab/servers/supervisor/server.hpp"
#include "lab/servers/task_queue/queue_workers.hpp"
#include "lab/servers/task_queue/shared_job_queue.hpp"
#include "lab/servers/worker/restart_policy.hpp"
#include "lab/servers/worker/worker.hpp"

namespace lab {

/// Supervises the workers of one server: binds, forks them, restarts those that die, hands out connections
/// where there are several, and ends them. One thread, no Asio: it forks. Blocks TERM, INT and CHLD in its
/// thread while it lives.
class Master {
 public:
  using Ready = std::function<void(std::uint16_t port, const std::vector<pid_t>& workers)>;

  Master(const ServerSetup& setup, EventRings* rings);
  Master(const Master&) = delete;
  Master& operator=(const Master&) = delete;
  ~Master();

  /// Binds. Errors: see listen_on; no descriptors or memory for the channels.
  Result<void> open();
  /// Serves until TERM or INT, then until what is in flight has finished; a second signal ends that at once.
  /// The error: the workers kept dying, with their last words.
  Result<void> run(const Ready& ready);

 private:
  struct Slot {
    ChildProcess process;
    Nanos started = 0;
    std::optional<Nanos> restart_at;
    // A pair outlives its worker, so connections that a dead one had not taken reach its successor.
    UniqueFd channel;         // the master's end
    UniqueFd worker_channel;  // the worker's
    // Of `reuseport`: kept open while no worker is there, so its queue waits for the successor, too.
    UniqueFd listener;
  };

  Result<void> fork_worker(std::size_t slot);
  int run_queue_worker(std::size_t slot);
  void wait_for_something();
  void read_signals();
  Result<void> reap();
  void lose_jobs(std::size_t slot);
  Result<void> restart_due(Nanos now);
  void announce_if_ready(const Ready& ready);
  void begin_stop();
  bool all_gone() const;
  void kill_all();
  std::optional<Nanos> next_due() const;
  std::string cause_of_death(std::size_t slot, int status) const;
  Result<void> listen();
  Result<void> open_channels();
  bool handoff() const { return setup_.arm.accept == Accept::handoff && slots_.size() > 1; }
  int source_of(std::size_t slot) const;

  const ServerSetup& setup_;
  EventRings* rings_;
  Listener listener_;  // no descriptor where every slot has its own
  UniqueFd signals_;
  UniqueFd ready_signal_;
  SharedMemory<WorkerStatus> status_;  // one a slot, then one a queue worker
  SharedJobQueue board_;
  std::optional<QueueWorkers> queue_workers_;
  std::vector<Slot> slots_;
  std::optional<Dealer> dealer_;
  RestartPolicy policy_;
  sigset_t old_mask_{};
  Nanos accept_again_ = 0;  // 0: at once
  Nanos stop_began_ = 0;
  bool announced_ = false;
  bool stopping_ = false;
};

}  // namespace lab
