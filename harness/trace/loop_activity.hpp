#pragma once

#include <cstdint>
#include <vector>

#include "lab/core/event.hpp"

namespace lab {

/// One turn of a worker's loop: from the first handler's start to the moment at which it asks for more.
struct LoopTurn {
  std::uint16_t worker = 0;
  Nanos from = 0, to = 0;
};

/// The turns in which handlers ran, in order of their ends, read from events in time order. A turn ends with
/// its `turn` event. Where that is missing (a killed worker, a lost event) it ends with the last hold before
/// the loop was nobody's for a millisecond, or before the events end.
std::vector<LoopTurn> loop_turns(const Events& events);

/// The longest turn, in nanoseconds; 0 without any.
Nanos longest_gap(const std::vector<LoopTurn>& turns);

/// The part of [from, to] that the busiest worker's loop was busy, 0 to 1.
double utilisation(const std::vector<LoopTurn>& turns, Nanos from, Nanos to);

}  // namespace lab
