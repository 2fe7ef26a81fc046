#pragma once

#include <cmath>
#include <cstdint>
#include <utility>

namespace lab {

inline constexpr std::uint64_t kRandomStep = 0x9E3779B97F4A7C15ULL;

/// What SplitMix64 (Steele, Lea, Flood 2014) gives `number` steps after the seed: the same on every machine,
/// unlike the standard library's distributions.
inline std::uint64_t hash64(std::uint64_t seed, std::uint64_t number) {
  std::uint64_t z = seed + (number + 1) * kRandomStep;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

/// The next one of them.
inline std::uint64_t next_random(std::uint64_t& state) {
  return hash64(std::exchange(state, state + kRandomStep), 0);
}

/// With mean 1.
inline double next_exponential(std::uint64_t& state) {
  const double uniform = static_cast<double>(next_random(state) >> 11) * 0x1.0p-53;
  return -std::log1p(-uniform);
}

}  // namespace lab
