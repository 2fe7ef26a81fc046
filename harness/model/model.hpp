#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lab/core/event.hpp"
#include "lab/core/record.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

/// What the virtual-time model needs: plan, arm, load. No sockets, no sleeping, no clock.
struct ModelInput {
  const std::vector<Route>* routes = nullptr;
  const Arm* arm = nullptr;       ///< arm->cores = 0 means `cores`
  const Case* load_set = nullptr;
  int cores = 1;                  ///< of the machine
  std::uint64_t seed = 0;
};

struct Prediction {
  double makespan_s = 0;
  std::int64_t requests = 0;
  std::vector<std::int64_t> splits;  ///< requests per worker slot
};

/// Runs the discrete-event simulation: resources loop (1 per worker), pool (P per worker), threads (T per worker),
/// GIL (1 per worker, 5 ms switch interval), cores (C, shared equally by what computes; processor sharing),
/// connections dealt to the workers by the arm's accept policy. Records (and events, where a sink is given) come
/// in virtual time: the load starts at 0, and stamps are those that a server without any overhead would leave.
Prediction simulate(const ModelInput& input, RecordSink* records = nullptr, EventSink* events = nullptr);

/// The least makespan that plan, arm and load allow under zero overhead and the best dealing of connections:
/// for every resource, the earliest moment it can be needed, the work it must do over its capacity, the least that
/// follows; and the longest single request. Never above any schedule's makespan, so no honest measurement is below.
struct Bound {
  double seconds = 0;
  bool has_cpu = false;  ///< CPU work is part of what binds
};
Bound bound(const ModelInput& input);

/// The closed form where there is one: `N·d`, `d`, `⌈N/P⌉·d`, `⌈N/W⌉·d`; with `ascii`, `ceil(N/P)*d`.
std::optional<std::string> closed_form(const ModelInput& input, bool ascii = false);

}  // namespace lab
