#pragma once

#include <string>
#include <variant>
#include <vector>

#include "lab/core/clock.hpp"

namespace lab {

/// Waits for something outside this process: a database, another server, a timer.
struct Wait {
  Nanos duration = 0;
};

/// Computes for that much CPU time.
struct Cpu {
  Nanos duration = 0;
};

/// One step of a handler. A new kind of step is one more alternative; the interpreters that do not know it
/// yet then fail to compile.
struct Step {
  std::variant<Wait, Cpu> action;
  /// A blocking call made directly by the handler: it keeps what the handler holds (in an asynchronous
  /// handler the loop) instead of being awaited or sent to a pool.
  bool blocking = false;
};

/// What one request does, in order.
using Plan = std::vector<Step>;

struct Route {
  std::string name;    ///< the scenario's word for it: `slow`, `ping`
  std::string method;  ///< GET, POST
  std::string path;    ///< /delay
  Plan plan;
};

/// `wait 100 ms, cpu 5 ms`; `nothing` for an empty plan.
std::string describe(const Plan& plan);

/// The plan's own time when nothing is in its way, in nanoseconds.
Nanos unhindered_time(const Plan& plan);

}  // namespace lab
