#include "harness/client/computed_pace.hpp"

#include <algorithm>
#include <ratio>

#include "harness/statistics/statistics.hpp"

namespace lab {

std::optional<double> take_computed_pace(Events& events) {
  std::vector<double> paces;
  for (const Event& event : events) {
    if (event.kind == EventKind::computed)
      paces.push_back(static_cast<double>(event.value) / std::micro::den);
  }
  if (paces.empty()) return std::nullopt;
  std::erase_if(events, [](const Event& event) { return event.kind == EventKind::computed; });
  return summarise(std::move(paces)).median;
}

}  // namespace lab
