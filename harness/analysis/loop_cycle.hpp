#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lab/core/event.hpp"
#include "lab/core/record.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

/// What happened to a request in a loop.
enum class CycleEvent : std::uint8_t {
  arrives,  ///< its bytes lie in the socket: it queues for the loop
  starts,   ///< its handler runs for the first time
  awaits,   ///< it gave the loop back and waits
  ready,    ///< what it waited for is there: it queues for the loop
  resumes,  ///< it runs again
  yields,   ///< it gave the loop back and queues at once
  ends,
};

std::string_view to_string(CycleEvent event);

/// One moment of a loop.
struct CycleChange {
  Nanos at = 0;
  CycleEvent what = CycleEvent::arrives;
  std::uint32_t request = 0;
};

/// What happened in one worker's loop, read from events in order of time. A request is ready when its planned
/// wait is over, even where the loop came to it later.
std::vector<CycleChange> loop_changes(const Events& events, std::span<const RequestRecord> records,
                                      const std::vector<Route>& routes, std::uint16_t worker = 0);

/// Such a moment, and how the loop's sets are from then on. Requests by id, each in the order of coming.
struct CycleStep : CycleChange {
  std::optional<std::uint32_t> running;  ///< never more than one
  std::vector<std::uint32_t> ready, waiting;
};

/// The life of one worker's loop.
std::vector<CycleStep> loop_cycle(const Events& events, std::span<const RequestRecord> records,
                                  const std::vector<Route>& routes, std::uint16_t worker = 0);

/// One hop of a request's way: accept (connecting until the server took the connection; only where it was
/// made for this request), parse (bytes there until it was read), route (until the handler began), handler,
/// write (until the kernel had the reply), reply (until it was received).
struct PathSpan {
  std::string_view name;
  Nanos from = 0, to = 0;
};

/// The hops that are known, in order; none of a request that was never sent.
std::vector<PathSpan> request_path(const RequestRecord& record, const Events& events);

}  // namespace lab
