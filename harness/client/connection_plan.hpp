#pragma once

#include <cstdint>
#include <vector>

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
ConnectionPlan plan_connections(const Case& load_set, const std::vector<Arrival>& arrivals);

/// Constant and poisson loads use whichever connection is idle.
bool is_pooled(const Load& load);

/// The pool of a constant or poisson load begins with so many, or one for each request where those are fewer.
/// The model deals a connection to every request; taken in turn, a round number of them comes to the same.
constexpr std::int64_t kPoolStart = 64;

}  // namespace lab
