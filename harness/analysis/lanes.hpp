#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "harness/trace/occupancy.hpp"
#include "lab/core/event.hpp"
#include "lab/core/record.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

/// Turns records and what their requests held into lanes, seconds after the first request was sent. At most
/// `limit` of them, in order of their ids; the same for measured and for simulated records. A client process
/// of `load_case` has sent nothing yet while it starts.
std::vector<Lane> make_lanes(std::span<const RequestRecord> records, const Occupancy& occupancy,
                             const std::vector<Route>& routes, const Case& load_case, std::size_t limit);

}  // namespace lab
