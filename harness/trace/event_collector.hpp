#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lab/core/event_ring.hpp"
#include "lab/core/record.hpp"

namespace lab {

/// The reading end of the servers' event rings during one load. Does nothing where there are no rings.
class EventCollector {
 public:
  /// `rings` may be null. `requests`: how many the load has.
  EventCollector(EventRings* rings, std::size_t requests);

  /// Takes what is in the rings. Must be called now and then during the load, or they overflow.
  void drain();

  /// Waits until a server has accepted the connections of all these client ports, at most until `until`
  /// (CLOCK_MONOTONIC). Returns how many it has not.
  std::size_t await_accepted(std::span<const std::uint16_t> ports, Nanos until);

  /// Waits until the `replied` event of every answered request was seen, at most until `until`.
  void await_replied(std::span<const RequestRecord> records, Nanos until);

  /// Waits until every handler and every step that began has ended, at most until `until`; gives up when
  /// nothing was heard for `patience`. What goes on after the last reply is seen only so.
  void await_ends(Nanos patience, Nanos until);

  /// All events not before `began`, ordered by time. Leaves none.
  Events take(Nanos began);

  /// `accepted` events of all time, the warm-up included, ordered by time.
  Events take_accepted();

  std::uint64_t dropped() const;

 private:
  /// Drains until `done` or `until`, with a pause in between.
  template <class Done>
  void drain_until(Nanos until, Nanos pause, Done&& done);

  EventRings* rings_;
  Events events_;
  Events accepted_;
  std::vector<bool> port_accepted_;  // by port
  std::vector<bool> replied_;        // by request id
  std::uint64_t dropped_before_ = 0;
};

/// Fills `accepted` of each record from the last acceptance of its client port (`ports`, by record) that is
/// not after its request was read. `accepted`: ordered by time.
void apply_accepted(const Events& accepted, std::span<const std::uint16_t> ports,
                    std::span<RequestRecord> records);

/// Fills read, started, finished and worker of the records from a server's events (by request id), and
/// accepted where that event bears an id. run_load finds accepted by the client's port as well.
void apply_events(const Events& events, std::vector<RequestRecord>& records);

}  // namespace lab
