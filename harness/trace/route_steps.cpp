#include "harness/trace/route_steps.hpp"

#include "harness/trace/occupancy.hpp"

namespace lab {

RouteSteps::RouteSteps(const Route& route) {
  for_each_step(route, [this](const Step& step) {
    steps_.push_back(&step);
    unhindered_.push_back(unhindered_time({step}));
  });
}

const Step* RouteSteps::step(std::int64_t index) const {
  const bool there = index >= 0 && static_cast<std::size_t>(index) < steps_.size();
  return there ? steps_[static_cast<std::size_t>(index)] : nullptr;
}

Nanos RouteSteps::unhindered(std::int64_t index) const {
  return step(index) == nullptr ? 0 : unhindered_[static_cast<std::size_t>(index)];
}

bool RouteSteps::waits(std::int64_t index) const {
  const Step* found = step(index);
  return found != nullptr && is_waiting(*found);
}

std::vector<RouteSteps> steps_of_routes(const std::vector<Route>& routes) {
  return {routes.begin(), routes.end()};
}

namespace {

constexpr std::size_t kMaxSteps = 1'000;

/// A step that takes time, by the number that events give it.
struct Timed {
  std::int64_t index = 0;
  Nanos length = 0;
  bool waits = false;
};

/// Adds the steps of a plan that its handler executes one after another; false where that is not known.
bool add_in_a_row(const Plan& plan, const RouteSteps& steps, std::vector<Timed>& row) {
  for (const Step& step : plan) {
    if (row.size() > kMaxSteps) return false;
    const bool apart = step.is<Forget, Background, Enqueue>();
    const auto* repeat = step.as<Repeat>();
    const std::vector<const Plan*> nested = nested_plans(step);
    if (!apart && repeat == nullptr && !step.is<Pooled>() && !nested.empty()) return false;
    const std::int64_t index = steps.index_of(step);
    if (nested.empty() && steps.unhindered(index) > 0)
      row.push_back({index, steps.unhindered(index), steps.waits(index)});
    const std::int64_t times = repeat != nullptr ? repeat->times : apart ? 0 : 1;
    for (std::int64_t turn = 0; turn < times && row.size() <= kMaxSteps; ++turn) {
      for (const Plan* inner : nested) {
        if (!add_in_a_row(*inner, steps, row)) return false;
      }
    }
  }
  return true;
}

/// When nothing was held, for at least `shortest`: the `most` longest times, in order.
Spans free_spans(const Span& whole, const Spans& held, Nanos shortest, std::size_t most) {
  Spans free = gaps(held, whole);
  std::erase_if(free, [shortest](const Span& span) { return length(span) < shortest; });
  if (free.size() > most) {
    std::ranges::sort(free, [](const Span& a, const Span& b) { return length(a) > length(b); });
    free.resize(most);
    std::ranges::sort(free);
  }
  return free;
}

/// In a row, the last one to the end.
void lay(std::span<const Timed> steps, Span within, std::vector<StepSpan>& spans) {
  Nanos at = within.first;
  for (const Timed& step : steps) {
    const bool last = &step == &steps.back();
    const Nanos end = last ? within.second : std::min(within.second, at + step.length);
    spans.push_back({0, step.index, at, end});
    at = end;
  }
}

/// Each wait in a time in which nothing was held, and what is between two waits between those.
void lay_into(const Spans& free, std::span<const Timed> steps, Span within, std::vector<StepSpan>& spans) {
  Nanos at = within.first;
  for (const Span& gap : free) {
    std::size_t before = 0;
    while (!steps[before].waits) ++before;
    lay(steps.first(before), {at, gap.first}, spans);
    lay(steps.subspan(before, 1), gap, spans);
    steps = steps.subspan(before + 1);
    at = gap.second;
  }
  lay(steps, {at, within.second}, spans);
}

/// Waits of event loops may end that much early, and stamps are taken beside what they report.
constexpr Nanos nearly(Nanos length) {
  return length - length / 20;
}

}  // namespace

std::vector<StepSpan> infer_steps(const Route& route, Nanos from, Nanos to, std::span<const Hold> holds) {
  std::vector<StepSpan> spans;
  const RouteSteps steps(route);
  std::vector<Timed> row;
  bool known = true;
  for (const Dependency& dependency : route.depends)
    known = known && add_in_a_row(dependency.steps, steps, row);
  if (!known || !add_in_a_row(route.plan, steps, row) || row.empty() || to <= from) return spans;
  std::size_t waits = 0;
  Nanos all = 0;
  Nanos shortest = row.front().length;
  Nanos shortest_wait = to - from;
  for (const Timed& step : row) {
    all += step.length;
    shortest = std::min(shortest, step.length);
    if (!step.waits) continue;
    ++waits;
    shortest_wait = std::min(shortest_wait, step.length);
  }
  Spans held;
  for (const Hold& hold : holds) held.emplace_back(std::max(hold.from, from), std::min(hold.to, to));
  std::erase_if(held, [](const Span& span) { return length(span) < 0; });
  held = merged(held);
  const Spans free = free_spans({from, to}, held, nearly(shortest_wait), waits);
  const bool holding = held.empty() || total(held) >= nearly(all);
  const bool letting_go = waits > 0 && free.size() == waits && !held.empty();
  if (letting_go && holding && waits < row.size()) return spans;
  if (letting_go && !holding) {
    lay_into(free, row, {from, to}, spans);
  } else if (holding) {
    // What is far shorter than any step is the handler's own code.
    std::erase_if(held, [&](const Span& span) { return length(span) < shortest / 2; });
    if (held.size() == row.size()) {
      for (std::size_t i = 0; i < held.size(); ++i) lay(std::span(row).subspan(i, 1), held[i], spans);
    } else if (held.size() <= 1) {
      lay(row, held.empty() ? Span{from, to} : held.front(), spans);
    }
  }
  return spans;
}

}  // namespace lab
