#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lab/core/error.hpp"

namespace lab {

/// One named function over request records, applied alike to simulated and to measured ones:
/// `makespan`, `throughput`, `ping.latency.max`, `slow.service.median`, `result.share(status=404)`,
/// `count(error)`. The route is optional; without it all requests count. Some speak of the server as a whole:
/// `loop.gap`, `server.memory`, `work.done`.
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
    turnaround,  ///< of requests that are followed up: from the first one's intended time to the last reply
    value,       ///< what Load::keep kept; a plain number
    share,
    count,
    // Of the server as a whole, written `loop.gap`, `server.memory`, `work.done`:
    gap,          ///< longest time a loop went without turning
    utilisation,  ///< part of the load's time that the busiest loop was busy
    cpu,          ///< CPU time over the load's time: 1 is one core
    memory,       ///< bytes of private memory that the load added, of all workers
    memory_each,  ///< the same by request
    resident,     ///< bytes at the peak, of all workers
    virtual_memory,
    threads,
    switches,     ///< context switches by request
    done,         ///< steps with work or waiting that were finished
    forgotten,    ///< coroutines that nobody awaited
    lost,         ///< jobs and handlers that a killed worker took with it
    abandoned,    ///< handlers that went on to their end for a client that had gone
    cancelled,    ///< handlers that were ended because their client had gone
    switch_time,  ///< time of one hand-over of a `switch` step
  };
  enum class Aggregate : std::uint8_t { none, min, mean, median, p90, p95, p99, max };

  std::string route;  ///< empty: all routes
  Quantity quantity = Quantity::makespan;
  Aggregate aggregate = Aggregate::none;
  std::optional<int> status;  ///< of share and count: this status
  bool errors = false;        ///< of share and count: failed requests

  bool is_time() const {
    return (quantity <= Quantity::turnaround && quantity != Quantity::throughput) ||
           quantity == Quantity::gap || quantity == Quantity::switch_time;
  }
  bool is_bytes() const {
    return quantity == Quantity::memory || quantity == Quantity::memory_each ||
           quantity == Quantity::resident || quantity == Quantity::virtual_memory;
  }
  /// Says something of the server, not of its requests.
  bool of_server() const { return quantity >= Quantity::gap; }
  bool operator==(const Stat&) const = default;
};

/// Reads a stat; the error names the nearest valid word. Says nothing about whether the route exists.
Result<Stat> parse_stat(std::string_view text);

std::string to_string(const Stat& stat);

}  // namespace lab
