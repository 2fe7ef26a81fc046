#pragma once

#include <string>

#include "lab/core/plan.hpp"
#include "lab/core/scenario.hpp"
#include "lab/core/traits.hpp"

namespace lab {

/// `POST /delay: wait 100 ms`, with what must be done before and what it may be sent.
std::string describe_route(const Route& route);

/// `ping: 49, one every 100 ms, from 50 ms, connections open`, and what the client does besides.
std::string describe_load(const Load& load, const Scenario& scenario);

/// `worker 0 is killed at 355 ms`.
std::string describe_kill(const Kill& kill);

/// What a request in that mode holds: `the loop, while it waits and while it computes`.
std::string describe_holding(const Traits& mode);

}  // namespace lab
