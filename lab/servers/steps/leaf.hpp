#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lab/core/plan.hpp"
#include "lab/servers/steps/database.hpp"

namespace lab {

/// Why a step failed, as its reply says it; status 200: it did not.
struct LeafFault {
  int status = 200;
  std::string reason;
  bool none() const { return status == 200; }
};
constexpr int kServerFault = 500;
constexpr int kBadGateway = 502;
constexpr int kUnavailable = 503;

/// What came of a step, the CPU time that its computing took the thread and the units that were run in it; 0
/// where it does not compute.
struct LeafEnd {
  LeafFault fault;
  Nanos cpu = 0;
  std::int64_t units = 0;
};

/// How much longer a unit took than it is calibrated to, 1.0 as calibrated: of the units that were run, so
/// that work done twice is no slow core. 0 where none was.
double pace_of(const Compute& compute, const LeafEnd& end);

/// What a leaf needs of whoever runs it.
struct LeafTools {
  std::uint16_t upstream_port = 0;
  const std::string* postgres = nullptr;
  PgConnection* connection = nullptr;  ///< null: a new one for the query
  std::function<void()> between;       ///< called while computing; may be empty
};

/// Wait, CallUpstream, Query: it waits for something outside this process.
bool is_waiting(const Step& step);
/// Holds one of the worker's database connections while it waits, where there are any.
bool needs_connection(const Step& step);

/// Runs a waiting or computing step to its end in the calling thread, which sleeps or burns. A wait's
/// deadline counts from `begun`, so no wait is seen to end early. Steps of other kinds do nothing.
LeafEnd run_leaf(const Step& step, Nanos begun, const LeafTools& tools);

}  // namespace lab
