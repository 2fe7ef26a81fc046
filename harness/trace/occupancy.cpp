#include "harness/trace/occupancy.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>

namespace lab {

namespace {

template <class Span>
void sort_by_start(std::vector<Span>& spans) {
  std::ranges::stable_sort(spans, {}, &Span::from);
}

// Between two handlers of one turn a loop has only its own small work to do.
constexpr Nanos kAsleep = kMillisecond;

}  // namespace

Occupancy::Occupancy(const Events& events) {
  std::map<std::tuple<std::uint16_t, Resource, std::uint16_t>, Hold> open_holds;
  std::map<std::pair<std::uint32_t, std::int64_t>, Nanos> open_steps;
  for (const Event& event : events) {
    const std::pair<std::uint32_t, std::int64_t> step{event.request, event.value};
    const bool acquires = event.kind == EventKind::acquire;
    if (acquires || event.kind == EventKind::release) {
      const Hold hold{event.resource, event.worker, event.unit, event.request, event.at, 0};
      const auto [open, is_new] = open_holds.try_emplace({event.worker, event.resource, event.unit}, hold);
      // A member has one holder: who never gave it back died with its worker.
      const bool ends = !is_new && acquires != (open->second.request == event.request);
      if (ends) holds.emplace_back(open->second).to = event.at;
      if (acquires) open->second = hold;
      if (!acquires && (ends || is_new)) open_holds.erase(open);
    } else if (event.kind == EventKind::step_begin) {
      open_steps[step] = event.at;
    } else if (event.kind == EventKind::step_end) {
      const auto begun = open_steps.find(step);
      if (begun == open_steps.end()) continue;
      steps.push_back({event.request, event.value, begun->second, event.at});
      open_steps.erase(begun);
    } else if (event.kind == EventKind::preempted) {
      pauses.push_back({event.request, event.at - event.value, event.at});
    }
  }
  const Nanos end = events.empty() ? 0 : events.back().at;
  for (const auto& [member, hold] : open_holds) holds.emplace_back(hold).to = end;
  for (const auto& [step, from] : open_steps) steps.push_back({step.first, step.second, from, end});
  sort_by_start(holds);
  sort_by_start(steps);
  for (const Hold& hold : holds) by_request_[hold.request].holds.push_back(hold);
  for (const StepSpan& step : steps) by_request_[step.request].steps.push_back(step);
  for (const CoreGap& pause : pauses) by_request_[pause.request].pauses.push_back(pause);
}

const Occupancy::OfRequest& Occupancy::of(std::uint32_t request) const {
  static const OfRequest kNone;
  const auto found = by_request_.find(request);
  return found == by_request_.end() ? kNone : found->second;
}

void TurnReader::close(std::uint16_t worker, OpenTurn& loop, Nanos at) {
  if (loop.open) turns_.push_back({worker, loop.from, at});
  loop.open = false;
}

void TurnReader::add(const Event& event) {
  last_ = event.at;
  if (event.kind == EventKind::turn) return close(event.worker, loops_[event.worker], event.at);
  if (event.resource != Resource::loop) return;
  OpenTurn& loop = loops_[event.worker];
  if (event.kind == EventKind::acquire) {
    const bool slept = loop.open && loop.holders == 0 && event.at - loop.last_release > kAsleep;
    if (slept) close(event.worker, loop, loop.last_release);
    if (!loop.open) loop = {true, event.at, event.at, loop.holders};
    // A loop has one holder; a second one means that the first died with its worker.
    loop.holders = 1;
  } else if (event.kind == EventKind::release) {
    loop.holders = 0;
    loop.last_release = event.at;
  }
}

std::vector<LoopTurn> TurnReader::take() {
  for (auto& [worker, loop] : loops_) close(worker, loop, loop.holders > 0 ? last_ : loop.last_release);
  return std::move(turns_);
}

std::vector<LoopTurn> loop_turns(const Events& events) {
  TurnReader reader;
  for (const Event& event : events) reader.add(event);
  return reader.take();
}

Nanos longest_gap(const std::vector<LoopTurn>& turns) {
  Nanos longest = 0;
  for (const LoopTurn& turn : turns) longest = std::max(longest, turn.to - turn.from);
  return longest;
}

double utilisation(const std::vector<LoopTurn>& turns, Nanos from, Nanos to) {
  if (to <= from) return 0;
  std::map<std::uint16_t, Nanos> busy;
  Nanos most = 0;
  for (const LoopTurn& turn : turns) {
    Nanos& sum = busy[turn.worker];
    sum += std::max<Nanos>(0, std::min(turn.to, to) - std::max(turn.from, from));
    most = std::max(most, sum);
  }
  return std::min(1.0, static_cast<double>(most) / static_cast<double>(to - from));
}

void OpenWork::add(const Event& event) {
  if (event.request == 0) return;
  const bool begins = event.kind == EventKind::step_begin;
  if (event.kind == EventKind::started) handlers_.insert(event.request);
  if (event.kind == EventKind::finished || event.kind == EventKind::cancelled) handlers_.erase(event.request);
  if (!begins && event.kind != EventKind::step_end) return;
  const auto step = steps_.try_emplace({event.request, event.value}).first;
  step->second += begins ? 1 : -1;
  if (step->second == 0) steps_.erase(step);
}

std::set<std::uint32_t> OpenWork::requests() const {
  std::set<std::uint32_t> requests = handlers_;
  for (const auto& [step, open] : steps_) {
    if (open > 0) requests.insert(step.first);
  }
  return requests;
}

Spans at_least(int least, const Spans& all) {
  std::vector<std::pair<Nanos, int>> changes;  // beginnings first: spans that touch are one
  for (const auto& [from, to] : all) {
    changes.emplace_back(from, -1);
    changes.emplace_back(to, +1);
  }
  std::ranges::sort(changes);
  Spans result;
  int missing = least;
  Nanos since = 0;
  for (const auto& [at, by] : changes) {
    if (by < 0 && --missing == 0) since = at;
    if (by > 0 && missing++ == 0 && at > since) result.emplace_back(since, at);
  }
  return result;
}

Nanos total(const Spans& spans) {
  Nanos sum = 0;
  for (const Span& span : spans) sum += length(span);
  return sum;
}

Spans gaps(const Spans& spans, const Span& whole) {
  Spans free;
  Nanos since = whole.first;
  for (const auto& [from, to] : spans) {
    if (from > since) free.emplace_back(since, from);
    since = to;
  }
  if (whole.second > since) free.emplace_back(since, whole.second);
  return free;
}

void Cumulative::prepare() {
  std::ranges::sort(changes_);
  double slope = 0;
  double sum = 0;
  Nanos at = changes_.empty() ? 0 : changes_.front().first;
  for (const auto& [moment, change] : changes_) {
    sum += slope * static_cast<double>(moment - at);
    at = moment;
    slope += change;
    if (!points_.empty() && points_.back().at == at) points_.pop_back();
    points_.push_back({at, sum, slope});
  }
}

double Cumulative::until(Nanos moment) const {
  const auto after = std::ranges::upper_bound(points_, moment, {}, &Point::at);
  if (after == points_.begin()) return 0;
  const Point& point = *std::prev(after);
  return point.sum + point.slope * static_cast<double>(moment - point.at);
}

}  // namespace lab
