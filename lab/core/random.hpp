#pragma once

#include <cmath>
#include <cstdint>

namespace lab {

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine, unlike the standard library's
/// distributions.
inline std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15ULL;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

/// With mean 1.
inline double next_exponential(std::uint64_t& state) {
  const double uniform = static_cast<double>(next_random(state) >> 11) * 0x1.0p-53;
  return -std::log1p(-uniform);
}

}  // namespace lab
