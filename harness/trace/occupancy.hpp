#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "lab/core/event.hpp"

namespace lab {

/// One request held one resource.
struct Hold {
  Resource resource = Resource::nothing;
  std::uint16_t worker = 0;
  std::uint16_t unit = 0;
  std::uint32_t request = 0;
  Nanos from = 0, to = 0;
};

/// One step of a request's plan, as it was executed.
struct StepSpan {
  std::uint32_t request = 0;
  std::int64_t index = 0;
  Nanos from = 0, to = 0;
};

/// Who held what, and when, read from a server's (or the model's) events.
struct Occupancy {
  std::vector<Hold> holds;      ///< in order of `from`
  std::vector<StepSpan> steps;  ///< in order of `from`

  /// Builds it from events in time order. What was never released (a killed worker) ends at the last event.
  explicit Occupancy(const Events& events);

  const std::vector<Hold>& holds_of(std::uint32_t request) const;
  const std::vector<StepSpan>& steps_of(std::uint32_t request) const;

 private:
  std::unordered_map<std::uint32_t, std::vector<Hold>> holds_by_request_;
  std::unordered_map<std::uint32_t, std::vector<StepSpan>> steps_by_request_;
};

}  // namespace lab
