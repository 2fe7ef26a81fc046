#include <fmt/format.h>

#include <array>

#include "scenarios/loader/steps.hpp"

namespace lab {

namespace {

constexpr std::int64_t kMostBranches = 1'000;

Action read_repeat(const StepText& step) {
  Repeat repeat;
  repeat.times = step.table.integer("repeat", 1, kMostExecuted, 1);
  repeat.steps = step.nested("steps", Inside::loop);
  return repeat;
}

/// `gather = 10, steps = […]`: the same plan ten times.
Gather read_same_branches(const StepText& step) {
  const std::int64_t times = step.table.integer("gather", 1, kMostBranches, 1);
  const std::size_t first = step.plans.places();
  const Plan plan = step.nested("steps", Inside::loop);
  if (step.draft().problems.any()) return {};
  return Gather{step.plans.copies(plan, times, first, step.table.table().source())};
}

Action read_gather(const StepText& step) {
  const toml::node& node = *step.table.find("gather");
  if (node.is_integer()) return read_same_branches(step);
  const toml::array* branches = node.as_array();
  if (branches == nullptr || branches->empty()) {
    step.table.problem("gather",
                       fmt::format("gather of {} must be an array of step lists such as "
                                   "[[{{ wait = \"1s\" }}], [{{ wait = \"2s\" }}]], or a number with "
                                   "steps, not {}",
                                   step.table.what(), branches == nullptr ? kind_of(node) : "empty"));
    return Gather{};
  }
  if (step.table.has("steps")) {
    step.table.problem("steps", "steps belongs to gather = NUMBER; here the lists in gather are the steps");
    return Gather{};
  }
  Gather gather;
  for (const toml::node& branch : *branches) {
    const std::string number = fmt::format("{}.{}", step.number, gather.branches.size() + 1);
    gather.branches.push_back(step.plans.read(branch, number, Inside::loop, step.depth + 1));
    if (step.draft().problems.any()) break;
  }
  return gather;
}

Action read_pooled(const StepText& step) {
  return Pooled{step.nested("pooled", Inside::thread)};
}

Action read_forget(const StepText& step) {
  return Forget{step.nested("forget", Inside::loop)};
}

Action read_background(const StepText& step) {
  return Background{step.nested("background", Inside::loop)};
}

Action read_enqueue(const StepText& step) {
  Enqueue enqueue;
  enqueue.queue = read_id(step.draft(), *step.table.find("enqueue"), "queue");
  enqueue.steps = step.nested("steps", Inside::thread);
  return enqueue;
}

Action read_result(const StepText& step) {
  return FetchResult{read_id(step.draft(), *step.table.find("result"), "queue")};
}

}  // namespace

std::span<const StepKind> nested_steps() {
  static const std::array<StepKind, 7> kKinds{{
      {"repeat", {"steps"}, read_repeat},
      {"gather", {"steps"}, read_gather, Inside::loop},
      {"pooled", {}, read_pooled, Inside::loop},
      {"forget", {}, read_forget, Inside::loop},
      {"background", {}, read_background, Inside::handler},
      {"enqueue", {"steps"}, read_enqueue, Inside::handler},
      {"result", {}, read_result, Inside::handler},
  }};
  return kKinds;
}

}  // namespace lab
