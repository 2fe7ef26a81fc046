#pragma once

#include <optional>
#include <span>
#include <string>

#include "lab/core/event.hpp"
#include "lab/core/record.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

/// Last sent - first sent of the largest burst; 0 where there is none.
Nanos send_skew(const Case& load_case, std::span<const RequestRecord> records);

/// A warning where the generator sent open loads late: median above 100 us or p99 above 1 ms. Of a burst only
/// the first request counts (the rest is its skew), of fresh connections none (connecting is part of the
/// request).
std::optional<std::string> fell_behind(const Case& load_case, std::span<const RequestRecord> records);

/// How long computing took beside its calibration, by the CPU time of the threads that did it: the median of
/// what the steps tell. Takes their events (EventKind::computed) out. Nothing where no step told.
std::optional<double> take_computed_pace(Events& events);

}  // namespace lab
