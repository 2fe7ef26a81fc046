// What is wrong with a run, as numbered findings: each detector of this room looks for one kind in the
// records and events of a repetition. Results report them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/analysis/why.hpp"
#include "lab/core/record.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

/// A numbered diagnosis: a queue at a resource, or a promise that was broken. What each means and what to do
/// about it is data (results/findings.toml).
struct Finding {
  std::string id;     ///< LAB101
  std::string text;   ///< one sentence with its figures, `loop blocked: …`
  double cost_s = 0;  ///< request-seconds that it took; 0 where nobody waited
};

/// What one repetition of one arm left, and what its server consisted of. Not its execution model: a finding
/// rests on what was seen.
struct RunContext {
  std::span<const RequestRecord> records;
  const Events& events;  ///< in order of time
  const std::vector<Route>& routes;
  const Case& load_case;
  std::span<const Kill> kills{};         ///< that were carried out, after `began`
  std::span<const Event> supervision{};  ///< what the server's master did about its workers
  Members members{};                     ///< of each worker
  std::int64_t queue_workers = 0;        ///< of all together
  int workers = 1;
  int cores = 1;
  double pace = 1;       ///< what computing takes beside its calibration; it is in the plans of `routes`
  bool foreign = false;  ///< it is not ours: it does not report its locks
  Nanos began = 0;       ///< the load's time zero, from which kills count
};

/// The findings, the most costly first. What the evidence does not hold leads to none.
std::vector<Finding> find_findings(const RunContext& run);

/// A worker that died during a load, and what its master did about it.
struct WorkerDeath {
  Nanos at = 0;  ///< after the load's time zero
  int worker = 0;
  bool of_queue = false;              ///< a worker of a task queue, `worker` is which one
  std::optional<int> status{};        ///< how, as wait(2) says it; none: not known
  std::optional<Nanos> silent{};      ///< it hung so long, and the master killed it
  std::optional<Nanos> back_after{};  ///< the next one could answer; none: not during the load
  Nanos backoff = 0;                  ///< the next one was started so much later
  bool gave_up = false;               ///< there was none, as too many had died young
};

/// From what the master did (EventKind::died and those behind it), which a server that is not ours and the
/// model leave out: then from the harness's kills and the first sign of the next one.
std::vector<WorkerDeath> worker_deaths(std::span<const Event> supervision, std::span<const Kill> kills,
                                       std::span<const Event> events, Nanos began);

/// `worker 0 at 358 ms, back after 2.68 ms`; with how it ended, where nobody just killed it.
std::string describe(const WorkerDeath& death);

/// `no requests`, `one request`, `nine requests`, `40 requests`
std::string count(std::int64_t number, std::string_view noun);

}  // namespace lab
