#pragma once

#include <cstddef>
#include <string>

#include "lab/core/plan.hpp"
#include "lab/core/scenario.hpp"
#include "lab/core/traits.hpp"

namespace lab {

/// A route's handler as one line of FastAPI in the given execution model:
/// `async def delay(): await asyncio.sleep(0.1)`. Of statements that do not fit into `longest` columns the
/// last ones are left out, and `…` says so.
std::string fastapi_line(const Route& route, const Traits& mode, std::size_t longest = 72);
/// The same as that arm runs it, whose pool may be one of processes.
std::string fastapi_line(const Route& route, const Traits& mode, const Arm& arm, std::size_t longest = 72);

/// Where the arm's settings are not the usual ones: `(pool of 100)`, `(8 threads, GIL) × 4 workers`; else
/// empty.
std::string unusual_settings(const Arm& arm);

}  // namespace lab
