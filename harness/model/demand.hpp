#pragma once

#include <array>

#include "harness/model/program.hpp"

namespace lab {

/// What one request asks of one resource when nothing is in its way, in nanoseconds.
struct Need {
  Nanos head = 0;  ///< from its arrival until it first holds it
  Nanos work = 0;  ///< how long it holds it in all
  Nanos tail = 0;  ///< from its last release until the reply
  int pieces = 0;  ///< in how many goes
};

/// What one request must at least ask for before its reply, read off its program. Zero-time holds are no
/// need, nor is what comes after the reply or may be left out: everything after a queue that can be full.
struct Demand {
  std::array<Need, kResources> needs;  ///< by Resource
  Nanos length = 0;                    ///< from arrival to reply
  bool cpu = false;

  const Need& of(Resource resource) const { return needs[static_cast<std::size_t>(resource)]; }
};

Demand demand_of(const RouteProgram& program);

}  // namespace lab
