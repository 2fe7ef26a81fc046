#include "lab/core/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lab/core/clock.hpp"

namespace lab {

namespace {

constexpr Nanos kEnd = std::numeric_limits<Nanos>::max();

Nanos add(Nanos a, Nanos b) {
  Nanos sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? kEnd : sum;
}

Nanos times(Nanos a, std::int64_t n) {
  Nanos product = 0;
  return __builtin_mul_overflow(a, n, &product) ? kEnd : product;
}

std::string amount(const Compute& compute) {
  if (compute.units == 0 || compute.work == Work::spin || compute.work == Work::qr_code ||
      compute.work == Work::inference) {
    return format_duration(compute.duration);
  }
  if (compute.work == Work::file_read)
    return fmt::format("{:g} MB", static_cast<double>(compute.units) / 1e6);
  return fmt::format("{}", compute.units);
}

std::string text_of(const Step& step) {
  if (const auto* wait = step.as<Wait>())
    return "wait " + format_duration(wait->duration) + (wait->on_connection ? " on a connection" : "");
  if (const auto* compute = step.as<Compute>())
    return fmt::format("{} {}", to_string(compute->work), amount(*compute));
  if (const auto* call = step.as<CallUpstream>()) {
    return fmt::format("call {}{}", format_duration(call->duration),
                       call->keep_connection ? "" : " on a new connection");
  }
  if (const auto* query = step.as<Query>())
    return "query " + (query->sql.empty() ? format_duration(query->duration) : query->sql);
  if (const auto* fetch = step.as<FetchResult>()) return "result of " + fetch->queue;
  // In the order of the variant; plans follow in parentheses.
  constexpr std::string_view kWords[] = {"",
                                         "",
                                         "",
                                         "",
                                         "increment",
                                         "yield",
                                         "await what is ready",
                                         "",
                                         "gather",
                                         "in the pool",
                                         "forget",
                                         "after the reply",
                                         "",
                                         ""};
  static_assert(std::size(kWords) == std::variant_size_v<decltype(step.action)>);
  std::string text(kWords[step.action.index()]);
  if (const auto* repeat = step.as<Repeat>()) text = fmt::format("{} ×", repeat->times);
  if (const auto* job = step.as<Enqueue>()) text = "enqueue in " + job->queue;
  std::string_view before = " ";
  for (const Plan* plan : nested_plans(step)) {
    text += fmt::format("{}({})", before, describe(*plan));
    before = " | ";
  }
  return text;
}

Nanos time_of(const Step& step) {
  if (const auto* repeat = step.as<Repeat>()) return times(unhindered_time(repeat->steps), repeat->times);
  if (const auto* pooled = step.as<Pooled>()) return unhindered_time(pooled->steps);
  if (const auto* gather = step.as<Gather>()) {
    Nanos longest = 0;
    for (const Plan& branch : gather->branches) longest = std::max(longest, unhindered_time(branch));
    return longest;
  }
  return std::visit(
      [](const auto& action) {
        if constexpr (requires { action.duration; })
          return action.duration;
        else
          return Nanos{0};
      },
      step.action);
}

}  // namespace

std::string_view to_string(Work work) {
  constexpr std::string_view kWords[kWorkKinds] = {"cpu",
                                                   "sqrt_sum",
                                                   "qrcode",
                                                   "infer",
                                                   "read",
                                                   "switch of coroutines",
                                                   "switch of threads",
                                                   "switch of processes"};
  return kWords[static_cast<std::size_t>(work)];
}

std::string describe(const Plan& plan) {
  if (plan.empty()) return "nothing";
  std::string text;
  for (const Step& step : plan) {
    if (!text.empty()) text += ", ";
    text += text_of(step);
    if (step.blocking) text += " (blocking)";
  }
  return text;
}

Nanos unhindered_time(const Plan& plan) {
  Nanos sum = 0;
  for (const Step& step : plan) sum = add(sum, time_of(step));
  return sum;
}

std::int64_t executed_steps(const Plan& plan) {
  std::int64_t sum = 0;
  for (const Step& step : plan) {
    std::int64_t inside = 0;
    for (const Plan* inner : nested_plans(step)) inside = add(inside, executed_steps(*inner));
    if (const auto* repeat = step.as<Repeat>()) inside = times(inside, repeat->times);
    sum = add(sum, add(1, inside));
  }
  return sum;
}

std::vector<const Plan*> nested_plans(const Step& step) {
  if (const auto* gather = step.as<Gather>()) {
    std::vector<const Plan*> plans;
    for (const Plan& branch : gather->branches) plans.push_back(&branch);
    return plans;
  }
  return std::visit(
      [](const auto& action) -> std::vector<const Plan*> {
        if constexpr (requires { action.steps; }) return {&action.steps};
        return {};
      },
      step.action);
}

void apply_rates(Plan& plan, const WorkRates& rates) {
  change_computing(plan, [&](Compute& compute) {
    const double rate = rates[static_cast<std::size_t>(compute.work)];
    if (rate <= 0) return;
    if (compute.units == 0) {
      compute.units = std::max<std::int64_t>(compute.duration > 0 ? 1 : 0,
                                             std::llround(seconds(compute.duration) * rate));
    } else if (compute.duration == 0) {
      compute.duration = to_nanos(static_cast<double>(compute.units) / rate);
    }
  });
}

void apply_rates(Route& route, const WorkRates& rates) {
  apply_rates(route.plan, rates);
  for (Dependency& dependency : route.depends) apply_rates(dependency.steps, rates);
}

void stretch_computing(Route& route, double pace) {
  change_computing(route,
                   [&](Compute& compute) { compute.duration = to_nanos(seconds(compute.duration) * pace); });
}

void forget_switching(Plan& plan) {
  change_computing(plan, [](Compute& compute) {
    if (is_switch(compute.work)) compute.duration = 0;
  });
}

std::int64_t text_size(const Step& step) {
  std::int64_t size = 1;
  for (const Plan* inner : nested_plans(step)) size += text_size(*inner);
  return size;
}

std::int64_t text_size(const Plan& plan) {
  std::int64_t size = 0;
  for (const Step& step : plan) size += text_size(step);
  return size;
}

std::string_view loop_only_word(const Step& step) {
  // In the order of the variant: wait, compute, call, query, increment, yield, ready, repeat, …
  constexpr std::string_view kWords[] = {"", "",       "",       "",       "", "yield",   "ready",
                                         "", "gather", "pooled", "forget", "", "enqueue", "result"};
  static_assert(std::size(kWords) == std::variant_size_v<decltype(step.action)>);
  return kWords[step.action.index()];
}

std::string reply_message(const Plan& plan) {
  if (plan.empty()) return "Response at once";
  Nanos cpu = 0;
  for (const Step& step : plan) {
    if (const auto* compute = std::get_if<Compute>(&step.action)) cpu += compute->duration;
  }
  const Nanos wait = unhindered_time(plan) - cpu;
  if (cpu == 0) return fmt::format("Response after {:g} seconds delay", seconds(wait));
  if (wait == 0) return fmt::format("Response after {:g} seconds of computing", seconds(cpu));
  return fmt::format("Response after {:g} seconds delay and {:g} seconds of computing", seconds(wait),
                     seconds(cpu));
}

}  // namespace lab
