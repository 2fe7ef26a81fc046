#pragma once

#include "lab/core/event_ring.hpp"

namespace lab {

/// One worker's end of the event rings. Every call does nothing where there is no ring, so a server run by
/// hand pays one comparison. Thread safety: all of it, from any thread.
class EventLog {
 public:
  EventLog() = default;
  EventLog(EventRings* rings, int slot) : rings_(rings), slot_(slot) {}

  bool on() const { return rings_ != nullptr; }
  /// Now, or 0 where nobody will read it.
  Nanos stamp() const { return on() ? monotonic_now() : 0; }

  void add(EventKind kind, std::uint32_t request, Nanos at, std::int64_t value = 0) const {
    if (on()) rings_->append(slot_, Event{.at = at, .value = value, .request = request, .kind = kind});
  }
  void acquire(Resource resource, std::uint16_t unit, std::uint32_t request, Nanos at) const {
    hold(EventKind::acquire, resource, unit, request, at);
  }
  void release(Resource resource, std::uint16_t unit, std::uint32_t request, Nanos at) const {
    hold(EventKind::release, resource, unit, request, at);
  }

 private:
  void hold(EventKind kind, Resource resource, std::uint16_t unit, std::uint32_t request, Nanos at) const {
    if (!on()) return;
    rings_->append(slot_,
                   Event{.at = at, .request = request, .unit = unit, .kind = kind, .resource = resource});
  }

  EventRings* rings_ = nullptr;
  int slot_ = 0;
};

}  // namespace lab
