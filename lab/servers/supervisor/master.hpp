#pragma once

#include <sys/types.h>

#include <deque>
#include <optional>
#include <vector>

#include "lab/core/process.hpp"
#include "lab/servers/supervisor/family.hpp"
#include "lab/servers/supervisor/server.hpp"
#include "lab/servers/task_queue/shared_job_queue.hpp"

namespace lab {

/// Supervises the processes of one server: binds, forks them, restarts those that die, hands out connections
/// where there are several workers, and ends them. One thread, no Asio: it forks. Blocks TERM, INT and CHLD
/// in its thread while it lives.
class Master {
 public:
  Master(const ServerSetup& setup, EventRings* rings);
  Master(const Master&) = delete;
  Master& operator=(const Master&) = delete;
  ~Master();

  /// Binds. Errors: see listen_on; no descriptors or memory for the channels.
  Result<void> open();
  /// Serves until TERM or INT, then until what is in flight has finished; a second signal ends that at once.
  /// The error: the workers kept dying, with their last words.
  Result<void> run(const ServerReady& ready);

 private:
  /// Where one worker's connections come from.
  struct Slot {
    // A pair outlives its worker, so connections that a dead one had not taken reach its successor.
    UniqueFd channel;         // the master's end
    UniqueFd worker_channel;  // the worker's
    // Of `reuseport`: kept open while no worker is there, so its queue waits for the successor, too.
    UniqueFd listener;
  };

  Result<void> listen();
  Result<void> open_channels();
  Family::Kind workers();
  Family::Kind queue_workers();
  int run_slot(std::size_t slot);
  void report_lost(std::size_t slot, const std::vector<Job>& lost);
  void wait_for_something();
  void read_signals();
  void announce_if_ready(const ServerReady& ready);
  void begin_stop();
  void kill_all();
  bool all_gone() const;
  bool handoff() const { return setup_.arm.accept == Accept::handoff && slots_.size() > 1; }
  int source_of(std::size_t slot) const;

  const ServerSetup& setup_;
  EventRings* rings_;
  Listener listener_;  // no descriptor where every slot has its own
  UniqueFd signals_;
  UniqueFd ready_signal_;
  SharedMemory<WorkerStatus> status_;  // one a slot, then one a queue worker
  SharedJobQueue board_;
  std::vector<std::size_t> queues_;  // of each queue worker
  std::vector<Slot> slots_;
  std::deque<Family> families_;  // the workers, then those of the queues
  std::optional<Dealer> dealer_;
  sigset_t old_mask_{};
  Nanos accept_again_ = 0;  // 0: at once
  Nanos stop_began_ = 0;
  bool announced_ = false;
  bool stopping_ = false;
};

}  // namespace lab
