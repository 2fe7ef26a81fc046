#pragma once

#include <cstddef>
#include <string>

#include "lab/servers/steps/leaf.hpp"

namespace lab {

/// What a member of the process pool is told to do.
struct LeafOrder {
  Step step;
  Nanos begun = 0;  ///< what a wait's deadline counts from
};

constexpr std::size_t kMaxMessageBytes = 64 << 10;

std::string write_order(const Step& leaf, Nanos begun);
LeafOrder read_order(const std::string& message);
/// A fault's reason is cut to what a message holds.
std::string write_end(LeafEnd end);
LeafEnd read_end(const std::string& message);

}  // namespace lab
