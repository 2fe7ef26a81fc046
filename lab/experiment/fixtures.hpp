#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/external/postgres.hpp"
#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"
#include "lab/core/temporary.hpp"
#include "lab/servers/supervisor/server.hpp"
#include "results/store/run.hpp"

namespace lab {

/// What the servers of an experiment need besides themselves, for as long as it runs: an upstream server, a
/// PostgreSQL, a file to read, a place for shared counters and queues. Not thread-safe; made while the
/// process has one thread.
class Fixtures {
 public:
  /// Prepares what the scenario's steps ask for and fills in the files of its `read` steps. `postgres`: a
  /// connection string, `local` for a private server, or empty. Throws Failure: a file that is not there
  /// (exit 2), a PostgreSQL that was asked for and does not answer, no room for the file (exit 3).
  static Fixtures prepare(Scenario& scenario, const std::string& postgres);

  /// Why this arm cannot be run on this case here; nothing where it can.
  std::optional<std::string> unsupported_reason(const Scenario& scenario, const Arm& arm,
                                                const Case& load_case) const;

  /// Empties the routes that nobody asks here, because the cases that do are not run: those with a query
  /// where there is no PostgreSQL.
  void clear_unasked(std::vector<Route>& routes) const;

  /// Completes the setup of one server; each gets a store of its own.
  void apply_to(ServerSetup& setup);

 private:
  TemporaryFolder folder_;
  LocalPostgres local_postgres_;
  std::string postgres_;
  Server upstream_;
  int stores_ = 0;
};

/// Measures how fast this machine does the scenario's work and fills in the durations and amounts of its
/// steps. With `only_open`, just the kinds whose duration nobody has given: a prediction needs no others.
/// The rates are what a run records. Throws Failure where the work could not be done (exit 3).
WorkRates calibrate_scenario(Scenario& scenario, bool only_open);

/// As a run records the rates, and back again.
void record_rates(const WorkRates& rates, RunHeader& header);
WorkRates recorded_rates(const RunHeader& header);

}  // namespace lab
