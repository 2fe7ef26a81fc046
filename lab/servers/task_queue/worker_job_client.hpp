#pragma once

#include <thread>
#include <vector>

#include "lab/servers/http/route_table.hpp"
#include "lab/servers/steps/execution.hpp"
#include "lab/servers/steps/services.hpp"
#include "lab/servers/task_queue/shared_job_queue.hpp"
#include "lab/servers/worker/worker.hpp"

namespace lab {

/// The Enqueue steps of a server's routes, numbered alike in all of its processes. The table must outlive it.
class QueuedPlans {
 public:
  explicit QueuedPlans(const RouteTable& routes);
  std::uint32_t number(const Enqueue& step) const;
  const Enqueue& step(std::uint32_t number) const { return *steps_[number]; }

 private:
  std::vector<const Enqueue*> steps_;
};

/// Executes jobs of one queue in this process until it is closed; gives the exit code. `unit` is what its
/// events call it; `ready_signal` is written to when it can.
int run_queue_worker(const ServerSetup& setup, const EventLog& events, SharedJobQueue& board,
                     std::size_t queue, std::size_t unit, WorkerStatus& status, int ready_signal);

/// A worker's side of the board: its handlers put jobs there and ask for them, and its threads execute those
/// of its own queues. Thread safety: enqueue() and fetch() from any thread.
class WorkerJobClient final : public JobClient {
 public:
  /// Starts the threads. Everything must outlive it.
  WorkerJobClient(SharedJobQueue& board, int slot, const RouteTable& routes, const EventLog& events,
                  Services& services);
  /// Lets the threads finish the jobs that they are at.
  ~WorkerJobClient() override;

  void enqueue(PlanExecution& execution, const Enqueue& job, StepPlace place) override;
  void fetch(PlanExecution& execution, const FetchResult& fetch, std::string_view id) override;

 private:
  SharedJobQueue& board_;
  int slot_;
  QueuedPlans plans_;
  const EventLog& events_;
  std::vector<std::thread> threads_;
};

}  // namespace lab
