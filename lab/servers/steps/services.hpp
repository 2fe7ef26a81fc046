#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/servers/server_setup.hpp"
#include "lab/servers/steps/connection_pool.hpp"
#include "lab/servers/steps/counter.hpp"
#include "lab/servers/steps/execution.hpp"
#include "lab/servers/steps/gil.hpp"
#include "lab/servers/steps/process_pool.hpp"

namespace lab {

/// The worker's task queues as a handler sees them. Thread safety: all of it, from any thread.
class JobClient {
 public:
  virtual ~JobClient() = default;

  /// Queues the job and leaves its id, or why there is no place, as the execution's reply. `place` is that of
  /// the step itself; its steps come behind it.
  virtual void enqueue(PlanExecution& execution, const Enqueue& job, StepPlace place) = 0;
  /// Leaves the state of the job that `id` names as the execution's reply.
  virtual void fetch(PlanExecution& execution, const FetchResult& fetch, std::string_view id) = 0;
};

/// What the steps of a worker's handlers share: its interpreter lock, its connections, its counter, the
/// processes of its pool. Thread safety: open() and set_jobs() from the main thread while it is the
/// only one, the rest from any thread.
class Services {
 public:
  /// The setup must outlive it.
  explicit Services(const ServerSetup& setup);

  /// Makes what the first requests would otherwise wait for. It forks, so the process must have one thread.
  /// A database that does not answer is no error here: its queries will say so. Throws Failure where no
  /// member can be forked.
  void open();

  Gil* gil() { return gil_.get(); }  ///< null: the arm has none
  /// Null: every query has a connection of its own.
  ConnectionPool* connection_pool() { return connection_pool_.get(); }
  ProcessPool* processes() { return processes_.get(); }  ///< null: the pool's members are threads
  JobClient* jobs() { return jobs_; }                    ///< null: no task queues
  void set_jobs(JobClient* jobs) { jobs_ = jobs; }
  Counter& counter() { return counter_; }
  /// Where the master looks; until somebody says where, nobody does.
  Progress& progress() { return *progress_; }
  void report_to(Progress& progress) { progress_ = &progress; }
  /// For a step that holds this one of the connections, or none. Who holds it may use it.
  LeafTools tools(std::optional<std::uint16_t> connection);
  /// Guards what the steps of one execution leave: rare, so one mutex for all.
  std::mutex& results() { return results_; }

 private:
  const ServerSetup& setup_;
  std::mutex results_;
  std::unique_ptr<Gil> gil_;
  std::unique_ptr<ConnectionPool> connection_pool_;
  std::vector<PgConnection> connections_;  // none where no step asks the database
  std::unique_ptr<ProcessPool> processes_;
  JobClient* jobs_ = nullptr;
  Progress unwatched_;
  Progress* progress_ = &unwatched_;
  Counter counter_;
};

/// What each process of a server begins with: its name, the signals that it leaves to somebody else, and
/// timers that expire on time.
void begin_service(const std::string& name, std::initializer_list<int> ignored);

/// What the steps of some routes are about.
struct StepKinds {
  bool query = false, increment = false;
};
/// Makes what their first units of work would otherwise wait for (prepare_work).
StepKinds prepare_steps(const std::vector<Route>& routes);

}  // namespace lab
