#pragma once

#include <string>
#include <string_view>

#include "harness/client/load_generator.hpp"

namespace lab {

/// What one process sent and got, as bytes for another process of the same program.
std::string to_bytes(const LoadTotals& totals);

/// Adds what to_bytes() wrote: as if both had been one load.
void add_bytes(std::string_view bytes, LoadTotals& totals);

}  // namespace lab
