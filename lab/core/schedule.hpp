#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lab/core/scenario.hpp"

namespace lab {

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
