#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lab/core/error.hpp"

namespace lab {

/// One named function over request records, applied alike to simulated and to measured ones:
/// `makespan`, `throughput`, `ping.latency.max`, `slow.service.median`, `result.share(status=404)`,
/// `count(error)`. The route is optional; without it all requests count.
struct Stat {
  enum class Quantity : std::uint8_t {
    makespan,
    throughput,
    latency,
    lag,
    unread,
    runnable,
    service,
    reply,
    share,
    count
  };
  enum class Aggregate : std::uint8_t { none, min, mean, median, p90, p95, p99, max };

  std::string route;  ///< empty: all routes
  Quantity quantity = Quantity::makespan;
  Aggregate aggregate = Aggregate::none;
  std::optional<int> status;  ///< of share and count: this status
  bool errors = false;        ///< of share and count: failed requests

  bool is_time() const { return quantity <= Quantity::reply && quantity != Quantity::throughput; }
  bool operator==(const Stat&) const = default;
};

/// Reads a stat; the error names the nearest valid word. Says nothing about whether the route exists.
Result<Stat> parse_stat(std::string_view text);

std::string to_string(const Stat& stat);

}  // namespace lab
