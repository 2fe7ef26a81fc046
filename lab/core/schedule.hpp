#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "lab/core/scenario.hpp"

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

/// The natural logarithm of a number above 0, to the last bit the same in every program: libraries round
/// theirs differently. Within 4e-16 of the true one, relatively.
double same_log(double number);

/// With mean 1.
inline double next_exponential(std::uint64_t& state) {
  const double uniform = static_cast<double>(next_random(state) >> 11) * 0x1.0p-53;
  return -same_log(1 - uniform);  // the difference is exact
}

/// When one request of an open load is meant to be sent.
struct Arrival {
  Nanos at = 0;            ///< after the start of the load
  std::uint32_t load = 0;  ///< index into Case::loads
};

/// All arrivals of the case's open loads in time order (ties: order of the loads); closed loads give their
/// first `clients` arrivals only, the rest follows the replies. The same seed gives the same times, and the
/// harness and the virtual-time model both use them.
std::vector<Arrival> schedule(const Case& load_case, std::uint64_t seed);

/// How many arrivals of this load the schedule holds: all of an open load, the first ones of a closed one.
std::int64_t scheduled(const Load& load);

/// The same arrivals one after another without a list of them; what comes at once from one load comes as one
/// run, so a burst of ten million is one value. The case must outlive the stream.
class ArrivalStream {
 public:
  struct Run {
    Nanos at = 0;
    std::uint32_t load = 0;
    std::int64_t count = 0;
  };

  ArrivalStream(const Case& load_case, std::uint64_t seed);

  /// None when all have come.
  std::optional<Run> next();

 private:
  struct Cursor {
    const Load* load = nullptr;
    std::int64_t left = 0;  // arrivals from `at` on
    std::int64_t given = 0;
    Nanos at = 0;
    double exact = 0;  // poisson: `at` before it is rounded
    std::uint64_t random = 0;
    std::vector<Nanos> listed;  // staggered: in time order
  };
  static void advance(Cursor& cursor);

  std::vector<Cursor> cursors_;
};

}  // namespace lab
