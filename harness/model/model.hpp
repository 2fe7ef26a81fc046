// What an arm must do with a load, without running it: a discrete-event simulation in virtual time, the bound
// that no run can beat, and formulas. Reports and the course compare measurements with them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lab/core/event.hpp"
#include "lab/core/histogram.hpp"
#include "lab/core/record.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

/// The moment of virtual time at which the load starts: an arrival `from = 0` is stamped with it. Not zero,
/// because a stamp of zero means "not known" in a RequestRecord. Subtract it to count from the load's start.
constexpr Nanos kModelStart = kSecond;

/// What the virtual-time model needs: plan, arm, load. No sockets, no sleeping, no clock.
struct ModelInput {
  const std::vector<Route>* routes = nullptr;
  const Arm* arm = nullptr;  ///< arm->cores = 0 means `cores`
  const Case* load_case = nullptr;
  int cores = 1;  ///< of the machine
  std::uint64_t seed = 0;
  std::uint64_t lot = 0;  ///< another draw of what the kernel leaves to chance, with the same arrivals
  /// Computing steps take exponentially distributed times with theirs as the mean, so that the simulation can
  /// be held against queueing theory. Servers cannot do that.
  bool exponential_work = false;
  /// What a thread gets of a core before the next one has its turn; 0: cores are shared evenly at every
  /// moment.
  Nanos slice = 0;
};

struct Prediction {
  double makespan_s = 0;             ///< first request sent to last response received; 0 without requests
  std::int64_t requests = 0;         ///< answered, with those that Load::then added
  std::vector<std::int64_t> splits;  ///< requests per worker slot
};

/// Runs the discrete-event simulation: resources loop (1 per worker), pool (P per worker), threads (T per
/// worker), GIL (1 per worker, 5 ms switch interval), database connections (per worker), task queues, cores
/// (C, shared equally by what computes: processor sharing), connections dealt to the
/// workers by the arm's accept policy: `handoff` and `one` exactly, `reuseport` by lot, `greedy` by one rule
/// among those possible (whose loop turns takes all that waits). First come, first served at every resource.
/// Each request's record goes to `records` when its reply is received, events to `events` as they happen,
/// both in order of virtual time: the load starts at kModelStart, and stamps are those that a server without
/// any overhead would leave. Without both it is several times faster, and its memory grows with what is
/// under way, not with the load; `latencies` of the requests that were answered with 200, counted from their
/// intended times, cost little more.
Prediction simulate(const ModelInput& input, std::vector<RequestRecord>* records = nullptr,
                    Events* events = nullptr, Histogram* latencies = nullptr);

/// What the makespan may be where the kernel decides: who gets a connection, who computes first.
struct Range {
  double low_s = 0;
  double median_s = 0;
  double high_s = 0;
};

/// `reuseport`: 5th percentile, median and 95th of 200 lots. `greedy`: the best dealing, what simulate()
/// gives, and all connections on one worker. Other policies and single workers: cores shared evenly and in
/// slices, where that makes a difference; else nothing.
std::optional<Range> makespan_range(const ModelInput& input);

/// Other ways in which the kernel may decide, as inputs that simulate() takes with `arm`, which must live as
/// long: for `greedy` the best dealing of connections and all on one worker, for `reuseport` forty lots;
/// where threads that compute may outnumber the cores, slices of several lengths.
struct Dealing {
  Arm arm;
  std::uint64_t lot = 0;
  Nanos slice = 0;
};
std::vector<Dealing> other_dealings(const ModelInput& input);

/// Whether chance deals the connections.
bool dealt_by_chance(const Arm& arm);

/// The least makespan that plan, arm and load allow under zero overhead and the best dealing of connections:
/// for every resource, the earliest moment it can be needed, the work it must do over its capacity, the least
/// that follows; and the longest single request. Never above any schedule's makespan, so no honest
/// measurement is below. Speaks of runs in which all is answered; zero where workers are killed.
struct Bound {
  double seconds = 0;
  bool has_cpu = false;  ///< CPU work is part of what binds
};
Bound bound(const ModelInput& input);

/// A formula, `N·d`, `d`, `⌈N/P⌉·d`, `⌈N/W⌉·d`, and its value for this input.
struct ClosedForm {
  std::string text;
  double seconds = 0;
};

/// For one burst on a route whose plan is one wait (d) or one piece of CPU work (c); none otherwise.
std::optional<ClosedForm> closed_form(const ModelInput& input);

}  // namespace lab
