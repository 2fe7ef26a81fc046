#pragma once

#include <cstdint>

#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

/// Descriptors that a case needs: its connections, and room for everything else that the process has open.
struct DescriptorNeed {
  std::uint64_t least = 0;   ///< connections that are open at once for certain
  std::uint64_t wished = 0;  ///< where every request of a constant or poisson load overlaps
};
DescriptorNeed descriptor_need(const Case& load_set);

/// The soft limit to set, given the present ones. Error (exit 3): even the hard limit is too low.
Result<std::uint64_t> choose_limit(const DescriptorNeed& need, std::uint64_t soft, std::uint64_t hard);

/// Raises this process's soft limit to what is wished, or as far as is allowed, and returns it.
Result<std::uint64_t> raise_descriptor_limit(const DescriptorNeed& need);

}  // namespace lab
