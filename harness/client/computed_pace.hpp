#pragma once

#include <optional>

#include "lab/core/event.hpp"

namespace lab {

/// How long computing took beside its calibration, by the CPU time of the threads that did it: the median of
/// what the steps tell. Takes their events (EventKind::computed) out. Nothing where no step told.
std::optional<double> take_computed_pace(Events& events);

}  // namespace lab
