#include "harness/trace/occupancy.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace lab {

namespace {

template <class Span>
const std::vector<Span>& find_or_none(const std::unordered_map<std::uint32_t, std::vector<Span>>& spans,
                                      std::uint32_t request) {
  static const std::vector<Span> kNone;
  const auto found = spans.find(request);
  return found == spans.end() ? kNone : found->second;
}

template <class Span>
void sort_by_start(std::vector<Span>& spans) {
  std::stable_sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.from < b.from; });
}

}  // namespace

Occupancy::Occupancy(const Events& events) {
  using HoldKey = std::tuple<std::uint16_t, Resource, std::uint16_t, std::uint32_t>;
  using Member = std::tuple<std::uint16_t, Resource, std::uint16_t>;
  std::map<HoldKey, Nanos> open_holds;
  std::map<Member, std::uint32_t> holder_of;
  std::map<std::pair<std::uint32_t, std::int64_t>, Nanos> open_steps;
  const auto close_hold = [&](const HoldKey& key, Nanos at) {
    const auto held = open_holds.find(key);
    if (held == open_holds.end()) return;
    const auto& [worker, resource, unit, request] = key;
    holds.push_back({resource, worker, unit, request, held->second, at});
    open_holds.erase(held);
  };
  for (const Event& event : events) {
    const HoldKey key{event.worker, event.resource, event.unit, event.request};
    const std::pair<std::uint32_t, std::int64_t> step{event.request, event.value};
    switch (event.kind) {
      case EventKind::acquire: {
        // A member has one holder: who never gave it back died with its worker.
        const Member member{event.worker, event.resource, event.unit};
        const auto before = holder_of.find(member);
        if (before != holder_of.end() && before->second != event.request) {
          close_hold({event.worker, event.resource, event.unit, before->second}, event.at);
        }
        holder_of[member] = event.request;
        open_holds[key] = event.at;
        break;
      }
      case EventKind::release: close_hold(key, event.at); break;
      case EventKind::step_begin: open_steps[step] = event.at; break;
      case EventKind::step_end:
        if (const auto begun = open_steps.find(step); begun != open_steps.end()) {
          steps.push_back({event.request, event.value, begun->second, event.at});
          open_steps.erase(begun);
        }
        break;
      default: break;
    }
  }
  const Nanos end = events.empty() ? 0 : events.back().at;
  for (const auto& [key, from] : open_holds) {
    const auto& [worker, resource, unit, request] = key;
    holds.push_back({resource, worker, unit, request, from, end});
  }
  for (const auto& [step, from] : open_steps) steps.push_back({step.first, step.second, from, end});
  sort_by_start(holds);
  sort_by_start(steps);
  for (const Hold& hold : holds) holds_by_request_[hold.request].push_back(hold);
  for (const StepSpan& step : steps) steps_by_request_[step.request].push_back(step);
}

const std::vector<Hold>& Occupancy::holds_of(std::uint32_t request) const {
  return find_or_none(holds_by_request_, request);
}

const std::vector<StepSpan>& Occupancy::steps_of(std::uint32_t request) const {
  return find_or_none(steps_by_request_, request);
}

}  // namespace lab
