#include <algorithm>

#include "harness/analysis/why.hpp"
#include "harness/trace/route_steps.hpp"

namespace lab {

namespace {

/// Paints later facts over earlier ones: first the stamps' phases, then steps, what was held, and what was
/// lacking.
class Painter {
 public:
  Painter(const RequestRecord& record, Nanos end) : cuts_{record.sent, end} {}

  void paint(Nanos from, Nanos to, LaneState state) {
    from = std::max(from, cuts_.front());
    to = std::min(to, cuts_.back());
    if (from >= to) return;
    layers_.push_back({from, to, state});
    marks_.push_back(from);
    marks_.push_back(to);
  }

  std::vector<LaneSegment> segments(Nanos zero) {
    std::ranges::sort(marks_);
    marks_.erase(std::unique(marks_.begin(), marks_.end()), marks_.end());
    std::vector<LaneSegment> result;
    for (std::size_t i = 0; i + 1 < marks_.size(); ++i) {
      const LaneState state = state_at(marks_[i]);
      if (!result.empty() && result.back().state == state) {
        result.back().to_s = seconds(marks_[i + 1] - zero);
      } else {
        result.push_back({seconds(marks_[i] - zero), seconds(marks_[i + 1] - zero), state});
      }
    }
    return result;
  }

 private:
  struct Layer {
    Nanos from, to;
    LaneState state;
  };

  LaneState state_at(Nanos at) const {
    LaneState state = LaneState::runnable;
    for (const Layer& layer : layers_) {
      if (layer.from <= at && at < layer.to) state = layer.state;
    }
    return state;
  }

  std::vector<Nanos> cuts_;
  std::vector<Nanos> marks_;
  std::vector<Layer> layers_;
};

Lane make_lane(const RequestRecord& record, const Occupancy& occupancy, const std::vector<Route>& routes,
               const std::vector<RouteSteps>& steps, Nanos zero, Nanos last, LaneState before_read) {
  Lane lane;
  lane.request = record.id;
  lane.route = routes[record.route].name;
  lane.worker = record.worker;
  lane.answered = record.received != 0;
  lane.end_s = lane.answered ? seconds(record.received - zero) : 0;
  const Nanos end = record.received == 0 ? last : record.received;
  Painter painter(record, end);
  painter.paint(record.sent, record.read == 0 ? end : record.read, before_read);
  if (record.read != 0) painter.paint(record.read, end, LaneState::runnable);
  if (record.finished != 0) painter.paint(record.finished, end, LaneState::reply);
  for (const StepSpan& step : occupancy.steps_of(record.id)) {
    const Nanos planned_end = step.from + steps[record.route].unhindered(step.index);
    painter.paint(step.from, std::min(step.to, planned_end), LaneState::waiting);
  }
  for (const Hold& hold : occupancy.holds_of(record.id)) {
    if (hold.resource == Resource::loop) painter.paint(hold.from, hold.to, LaneState::loop);
    if (hold.resource == Resource::pool || hold.resource == Resource::thread) {
      painter.paint(hold.from, hold.to, LaneState::pool);
    }
  }
  for (const Hold& hold : occupancy.holds_of(record.id)) {
    if (hold.resource == Resource::gil)
      painter.paint(idle_since(record, hold, occupancy), hold.from, LaneState::lock);
  }
  for (const CoreGap& pause : occupancy.pauses_of(record.id))
    painter.paint(pause.from, pause.to, LaneState::runnable);
  lane.segments = painter.segments(zero);
  if (lane.segments.empty())
    lane.segments.push_back({seconds(end - zero), seconds(end - zero), LaneState::reply});
  return lane;
}

}  // namespace

std::vector<Lane> make_lanes(std::span<const RequestRecord> records, const Occupancy& occupancy,
                             const std::vector<Route>& routes, const Case& load_case, std::size_t limit) {
  Nanos zero = 0;
  Nanos last = 0;
  for (const RequestRecord& record : records) {
    if (record.sent == 0) continue;
    if (zero == 0 || record.sent < zero) zero = record.sent;
    last = std::max({last, record.received, record.sent});
  }
  const std::vector<RouteSteps> steps = steps_of_routes(routes);
  std::vector<Lane> lanes;
  for (const RequestRecord& record : records) {
    if (lanes.size() == limit) break;
    if (record.sent == 0) continue;
    const bool starts = record.load < load_case.loads.size() && load_case.loads[record.load].client_process;
    lanes.push_back(make_lane(record, occupancy, routes, steps, zero, last,
                              starts ? LaneState::unsent : LaneState::unread));
  }
  return lanes;
}

}  // namespace lab
