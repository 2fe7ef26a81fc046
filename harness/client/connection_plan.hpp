#pragma once

#include <cstdint>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/schedule.hpp"

namespace lab {

constexpr std::uint32_t kNoConnection = ~std::uint32_t{0};

/// Which connection each arrival uses, and which of them are opened before the load. Connections are numbered
/// in the order in which the arrivals first need them: servers that deal connections in turn deal them in
/// that order.
struct ConnectionPlan {
  struct Connection {
    std::uint32_t load = 0;  ///< index into Case::loads
    bool preopened = false;
  };
  std::vector<Connection> connections;
  /// By arrival; kNoConnection: the longest idle one of its load's pool, or a new one where none is idle.
  std::vector<std::uint32_t> of_arrival;
};

/// Burst and staggered: one connection a request; closed: one a client; constant and poisson: a pool that
/// begins with `kPoolStart` and grows when every one is busy. Fresh ones are opened with their request.
ConnectionPlan plan_connections(const Case& load_case, const std::vector<Arrival>& arrivals);

/// Constant and poisson loads use whichever connection is idle.
bool is_pooled(const Load& load);

/// The pool of a constant or poisson load begins with so many, or one for each request where those are fewer.
/// The model deals a connection to every request; taken in turn, a round number of them comes to the same.
constexpr std::int64_t kPoolStart = 64;

/// Descriptors that a case needs: its connections, and room for everything else that the process has open.
struct DescriptorNeed {
  std::uint64_t least = 0;   ///< connections that are open at once for certain
  std::uint64_t wished = 0;  ///< where every request of a constant or poisson load overlaps
};
DescriptorNeed descriptor_need(const Case& load_case);

/// The soft limit to set, given the present ones. Error (exit 3): even the hard limit is too low.
Result<std::uint64_t> choose_limit(const DescriptorNeed& need, std::uint64_t soft, std::uint64_t hard);

/// Raises this process's soft limit to what is wished, or as far as is allowed, and returns it.
Result<std::uint64_t> raise_descriptor_limit(const DescriptorNeed& need);

}  // namespace lab
