#include "harness/trace/route_steps.hpp"

#include <algorithm>
#include <optional>
#include <variant>

namespace lab {

RouteSteps::RouteSteps(const Route& route) {
  for (const Dependency& dependency : route.depends) add(dependency.steps);
  add(route.plan);
}

void RouteSteps::add(const Plan& plan) {
  for_each_step(plan, [this](const Step& step) {
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
  return found != nullptr && (std::holds_alternative<Wait>(found->action) ||
                              std::holds_alternative<CallUpstream>(found->action) ||
                              std::holds_alternative<Query>(found->action));
}

std::vector<RouteSteps> steps_of_routes(const std::vector<Route>& routes) {
  return {routes.begin(), routes.end()};
}

namespace {

constexpr std::size_t kMaxSteps = 1'000;

struct Span {
  Nanos from = 0, to = 0;
  Nanos length() const { return to - from; }
};

/// A step that takes time, by the number that events give it.
struct Timed {
  std::int64_t index = 0;
  Nanos length = 0;
  bool waits = false;
};

/// The steps of a route that its handler executes one after another; none where that is not known.
class InARow {
 public:
  explicit InARow(const Route& route) : steps_(route) {
    for (const Dependency& dependency : route.depends) add(dependency.steps, true);
    add(route.plan, true);
  }

  std::optional<std::vector<Timed>> timed() const { return known_ ? std::optional(timed_) : std::nullopt; }

 private:
  void add(const Plan& plan, bool executed) {
    for (const Step& step : plan) {
      const std::int64_t index = next_++;
      const bool apart = std::holds_alternative<Forget>(step.action) ||
                         std::holds_alternative<Background>(step.action) ||
                         std::holds_alternative<Enqueue>(step.action);
      const bool pooled = std::holds_alternative<Pooled>(step.action);
      const auto* repeat = std::get_if<Repeat>(&step.action);
      const std::vector<const Plan*> nested = nested_plans(step);
      known_ = known_ && (!executed || apart || pooled || repeat != nullptr || nested.empty()) &&
               timed_.size() <= kMaxSteps;
      if (executed && nested.empty() && steps_.unhindered(index) > 0)
        timed_.push_back({index, steps_.unhindered(index), steps_.waits(index)});
      const std::int64_t times = executed && known_ && repeat != nullptr ? repeat->times : 1;
      const std::int64_t inside = next_;
      for (std::int64_t turn = 0; turn < times && timed_.size() <= kMaxSteps; ++turn) {
        next_ = inside;
        for (const Plan* inner : nested) add(*inner, executed && (pooled || repeat != nullptr));
      }
    }
  }

  RouteSteps steps_;
  std::vector<Timed> timed_;
  std::int64_t next_ = 0;
  bool known_ = true;
};

/// When anything was held, one span where holds follow each other without a pause or overlap.
std::vector<Span> held_spans(Nanos from, Nanos to, std::span<const Hold> holds) {
  std::vector<Span> spans;
  for (const Hold& hold : holds) spans.push_back({std::max(hold.from, from), std::min(hold.to, to)});
  std::erase_if(spans, [](const Span& span) { return span.length() < 0; });
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.from < b.from; });
  std::vector<Span> merged;
  for (const Span& span : spans) {
    if (!merged.empty() && span.from <= merged.back().to) {
      merged.back().to = std::max(merged.back().to, span.to);
    } else {
      merged.push_back(span);
    }
  }
  return merged;
}

/// When nothing was held, for at least `shortest`: the `most` longest times, in order.
std::vector<Span> free_spans(Nanos from, Nanos to, std::vector<Span> held, Nanos shortest, std::size_t most) {
  std::vector<Span> free;
  held.push_back({to, to});
  Nanos at = from;
  for (const Span& span : held) {
    if (span.from - at >= shortest) free.push_back({at, span.from});
    at = span.to;
  }
  if (free.size() > most) {
    std::sort(free.begin(), free.end(), [](const Span& a, const Span& b) { return a.length() > b.length(); });
    free.resize(most);
    std::sort(free.begin(), free.end(), [](const Span& a, const Span& b) { return a.from < b.from; });
  }
  return free;
}

class Layout {
 public:
  /// In a row, the last one to the end.
  void lay(std::span<const Timed> steps, Span within) {
    Nanos at = within.from;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool last = i + 1 == steps.size();
      const Nanos end = last ? within.to : std::min(within.to, at + steps[i].length);
      spans.push_back({0, steps[i].index, at, end});
      at = end;
    }
  }

  /// Each wait in a time in which nothing was held, and what is between two waits between those.
  void lay_into(const std::vector<Span>& free, std::span<const Timed> steps, Span within) {
    Nanos at = within.from;
    for (const Span& gap : free) {
      std::size_t before = 0;
      while (!steps[before].waits) ++before;
      lay(steps.first(before), {at, gap.from});
      lay(steps.subspan(before, 1), gap);
      steps = steps.subspan(before + 1);
      at = gap.to;
    }
    lay(steps, {at, within.to});
  }

  std::vector<StepSpan> spans;
};

/// Waits of event loops may end that much early, and stamps are taken beside what they tell of.
constexpr Nanos nearly(Nanos length) {
  return length - length / 20;
}

}  // namespace

std::vector<StepSpan> infer_steps(const Route& route, Nanos from, Nanos to, std::span<const Hold> holds) {
  const auto row = InARow(route).timed();
  if (!row || row->empty() || to <= from) return {};
  std::size_t waits = 0;
  Nanos all = 0;
  Nanos shortest = row->front().length;
  Nanos shortest_wait = to - from;
  for (const Timed& step : *row) {
    all += step.length;
    shortest = std::min(shortest, step.length);
    if (!step.waits) continue;
    ++waits;
    shortest_wait = std::min(shortest_wait, step.length);
  }
  Layout layout;
  std::vector<Span> held = held_spans(from, to, holds);
  Nanos held_in_all = 0;
  for (const Span& span : held) held_in_all += span.length();
  const auto free = free_spans(from, to, held, nearly(shortest_wait), waits);
  const bool holding = held.empty() || held_in_all >= nearly(all);
  const bool letting_go = waits > 0 && free.size() == waits && !held.empty();
  if (letting_go && holding && waits < row->size()) return {};
  if (letting_go && !holding) {
    layout.lay_into(free, *row, {from, to});
  } else if (holding) {
    // What is far shorter than any step is the handler's own code.
    std::erase_if(held, [&](const Span& span) { return span.length() < shortest / 2; });
    if (held.size() == row->size()) {
      for (std::size_t i = 0; i < held.size(); ++i) layout.lay(std::span(*row).subspan(i, 1), held[i]);
    } else if (held.size() <= 1) {
      layout.lay(*row, held.empty() ? Span{from, to} : held.front());
    }
  }
  return layout.spans;
}

}  // namespace lab
