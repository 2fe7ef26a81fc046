#pragma once

#include <cstdint>
#include <vector>

#include "lab/core/scenario.hpp"

namespace lab {

/// When one request of an open load is meant to be sent.
struct Arrival {
  Nanos at = 0;          ///< after the start of the load
  std::uint32_t load = 0;  ///< index into Case::loads
};

/// All arrivals of the case's open loads in time order (ties: order of the loads); closed loads give their
/// first `clients` arrivals only, the rest follows the replies. The same seed gives the same times, and the
/// harness and the virtual-time model both use them.
std::vector<Arrival> schedule(const Case& load_set, std::uint64_t seed);

}  // namespace lab
