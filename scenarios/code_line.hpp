#pragma once

#include <string>

#include "lab/core/plan.hpp"
#include "lab/core/scenario.hpp"
#include "lab/core/traits.hpp"

namespace lab {

/// A route's handler as one line of FastAPI in the given execution model:
/// `async def delay(): await asyncio.sleep(0.1)`.
std::string fastapi_line(const Route& route, const Traits& mode);

/// Where the arm's settings are not the usual ones: `(pool of 100)`, `(8 threads, GIL) × 4 workers`; else
/// empty.
std::string unusual_settings(const Arm& arm);

}  // namespace lab
