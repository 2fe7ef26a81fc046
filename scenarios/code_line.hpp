#pragma once

#include <string>

#include "lab/core/plan.hpp"
#include "lab/core/traits.hpp"

namespace lab {

/// A route's handler as one line of FastAPI in the given execution model:
/// `async def delay(): await asyncio.sleep(0.1)`.
std::string fastapi_line(const Route& route, const Traits& mode);

}  // namespace lab
