#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lab/core/text.hpp"
#include "scenarios/draft.hpp"

namespace lab {

namespace {

using Action = decltype(Step::action);

/// One kind of step: its keyword, the keys that only it understands, and how its table is read.
struct StepKind {
  std::string_view keyword;
  std::vector<std::string> own_keys;
  Action (*read)(Draft& draft, const TableReader& step);
};

Action read_wait(Draft& draft, const TableReader& step) {
  return Wait{read_duration(draft, step, "wait", Scaling::scaled, 0)};
}

Action read_cpu(Draft& draft, const TableReader& step) {
  return Cpu{read_duration(draft, step, "cpu", Scaling::scaled, 0)};
}

// A new kind of step is one more row.
const std::array<StepKind, 2>& step_kinds() {
  static const std::array<StepKind, 2> kKinds{{
      {"wait", {}, read_wait},
      {"cpu", {}, read_cpu},
  }};
  return kKinds;
}

std::vector<std::string> keywords() {
  std::vector<std::string> words;
  for (const StepKind& kind : step_kinds()) words.emplace_back(kind.keyword);
  return words;
}

/// What a step does is the one keyword among its keys; null after a problem.
const StepKind* find_kind(Draft& draft, const toml::table& table, const std::string& what) {
  const StepKind* found = nullptr;
  for (const StepKind& kind : step_kinds()) {
    if (!table.contains(kind.keyword)) continue;
    if (found != nullptr) {
      draft.problems.at(table.source(), fmt::format("{} both '{}' and '{}'; write one step each", what,
                                                    found->keyword, kind.keyword));
      return nullptr;
    }
    found = &kind;
  }
  if (found != nullptr) return found;
  for (const auto& [key, value] : in_file_order(table)) {
    if (key->str() == "blocking") continue;
    draft.problems.at(key->source(), fmt::format("unknown step {} in {}{}", in_quotes(key->str()), what,
                                                 suggestion(key->str(), keywords())));
    return nullptr;
  }
  draft.problems.at(table.source(),
                    fmt::format("{} does nothing; write one of {}", what, join(keywords(), ", ")));
  return nullptr;
}

Step read_step(Draft& draft, const toml::table& table, const std::string& what) {
  Step step;
  const StepKind* kind = find_kind(draft, table, what);
  if (kind == nullptr) return step;
  std::vector<std::string> known{std::string(kind->keyword), "blocking"};
  known.insert(known.end(), kind->own_keys.begin(), kind->own_keys.end());
  const TableReader reader(draft.problems, table, what, known);
  step.action = kind->read(draft, reader);
  step.blocking = reader.flag("blocking", false);
  return step;
}

}  // namespace

Plan read_plan(Draft& draft, const toml::node& node, std::string_view what) {
  Plan plan;
  const toml::array* steps = node.as_array();
  if (steps == nullptr) {
    draft.problems.at(node.source(),
                      fmt::format("steps of {} must be an array such as [{{ wait = \"100ms\" }}], not {}",
                                  what, kind_of(node)));
    return plan;
  }
  if (steps->size() > kMostSteps) {
    draft.problems.at(node.source(),
                      fmt::format("{} has {} steps; at most {}", what,
                                  grouped(static_cast<std::int64_t>(steps->size())), grouped(kMostSteps)));
    return plan;
  }
  Nanos sum = 0;
  for (const toml::node& entry : *steps) {
    const toml::table* table = entry.as_table();
    if (table == nullptr) {
      draft.problems.at(entry.source(),
                        fmt::format("each step of {} must be a table such as {{ wait = \"100ms\" }}, not {}",
                                    what, kind_of(entry)));
      break;
    }
    plan.push_back(read_step(draft, *table, fmt::format("step {} of {}", plan.size() + 1, what)));
    if (draft.problems.any()) break;
    sum = std::min(sum, kLongestSpan) + unhindered_time({plan.back()});
  }
  if (sum > kLongestSpan)
    draft.problems.at(node.source(), fmt::format("the steps of {} take more than ten years", what));
  return plan;
}

}  // namespace lab
