#include "lab/core/schedule.hpp"

#include <algorithm>
#include <cmath>

namespace lab {

namespace {

// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine, unlike std::exponential_distribution.
std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15ULL;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

double exponential(std::uint64_t& state) {
  const double uniform = static_cast<double>(next_random(state) >> 11) * 0x1.0p-53;
  return -std::log1p(-uniform);
}

}  // namespace

std::vector<Arrival> schedule(const Case& load_set, std::uint64_t seed) {
  std::vector<Arrival> arrivals;
  for (std::uint32_t index = 0; index < load_set.loads.size(); ++index) {
    const Load& load = load_set.loads[index];
    std::uint64_t random = seed + 0x51ED2701ULL * (index + 1);
    switch (load.arrivals) {
      case Arrivals::burst:
        arrivals.insert(arrivals.end(), static_cast<std::size_t>(load.requests), Arrival{load.from, index});
        break;
      case Arrivals::closed:
        arrivals.insert(arrivals.end(), static_cast<std::size_t>(std::min(load.clients, load.requests)),
                        Arrival{load.from, index});
        break;
      case Arrivals::constant:
        for (std::int64_t i = 0; i < load.requests; ++i) arrivals.push_back({load.from + i * load.every, index});
        break;
      case Arrivals::poisson: {
        double at = static_cast<double>(load.from);
        for (std::int64_t i = 0; i < load.requests; ++i) {
          at += exponential(random) * static_cast<double>(load.every);
          arrivals.push_back({static_cast<Nanos>(at), index});
        }
        break;
      }
      case Arrivals::staggered:
        for (const Nanos at : load.at) arrivals.push_back({load.from + at, index});
        break;
    }
  }
  const auto earlier = [](const Arrival& a, const Arrival& b) { return a.at < b.at; };
  if (!std::is_sorted(arrivals.begin(), arrivals.end(), earlier)) {
    std::stable_sort(arrivals.begin(), arrivals.end(), earlier);
  }
  return arrivals;
}

}  // namespace lab
