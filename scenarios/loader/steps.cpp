#include "scenarios/loader/steps.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"

namespace lab {

namespace {

std::vector<const StepKind*> step_kinds() {
  std::vector<const StepKind*> kinds;
  for (const StepKind& kind : leaf_steps()) kinds.push_back(&kind);
  for (const StepKind& kind : nested_steps()) kinds.push_back(&kind);
  return kinds;
}

std::vector<std::string> keywords() {
  std::vector<std::string> words;
  for (const StepKind* kind : step_kinds()) words.emplace_back(kind->keyword);
  return words;
}

/// What a step does is the one keyword among its keys; null after a problem.
const StepKind* find_kind(Draft& draft, const toml::table& table, const std::string& what) {
  const StepKind* found = nullptr;
  for (const StepKind* kind : step_kinds()) {
    if (!table.contains(kind->keyword)) continue;
    if (found != nullptr) {
      draft.problems.at(table.source(), fmt::format("{} both '{}' and '{}'; write one step each", what,
                                                    found->keyword, kind->keyword));
      return nullptr;
    }
    found = kind;
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

void check_place(Draft& draft, const StepKind& kind, Inside inside, const TableReader& step) {
  if (inside <= kind.deepest) return;
  const std::string_view why =
      kind.deepest == Inside::handler
          ? "it belongs to the handler itself; write it directly into the route's steps"
          : "it needs the loop, and a function in a pool or a job of a queue is not on "
            "it; put it outside";
  draft.problems.at(step.where(kind.keyword),
                    fmt::format("{}: '{}' cannot stand here: {}", step.what(), kind.keyword, why));
}

}  // namespace

Plan StepText::nested(std::string_view key, Inside where) const {
  const toml::node* node = table.need(key, fmt::format("{} = [{{ wait = \"100ms\" }}]", key));
  if (node == nullptr) return {};
  Plan plan = plans.read(*node, number, std::max(where, inside), depth + 1);
  if (plan.empty() && !draft().problems.any()) {
    table.problem(key, fmt::format("{} of {} is empty; it needs at least one step", key, table.what()));
  }
  return plan;
}

std::string PlanReader::naming(const std::string& number) const {
  return number.empty() ? owner_ : fmt::format("step {} of {}", number, owner_);
}

bool PlanReader::too_many(std::int64_t more, const toml::source_region& where) {
  if (static_cast<std::int64_t>(places_->size()) + more <= static_cast<std::int64_t>(kMostSteps))
    return false;
  draft_->problems.at(where, fmt::format("{} has more than {} steps, nested ones counted; repeat = 100 does "
                                         "the same steps many times",
                                         owner_, grouped(kMostSteps)));
  return true;
}

Step PlanReader::read_step(const toml::table& table, const std::string& number, Inside inside, int depth) {
  Step step;
  const std::string what = naming(number);
  const StepKind* kind = find_kind(*draft_, table, what);
  if (kind == nullptr) return step;
  std::vector<std::string> known{std::string(kind->keyword), "blocking"};
  known.insert(known.end(), kind->own_keys.begin(), kind->own_keys.end());
  const TableReader reader(draft_->problems, table, what, known);
  check_place(*draft_, *kind, inside, reader);
  if (draft_->problems.any() || too_many(1, table.source())) return step;
  places_->push_back(table.source());
  step.action = kind->read({*this, reader, number, inside, depth});
  step.blocking = reader.flag("blocking", false);
  if (step.blocking && (!kind->can_block || inside == Inside::thread)) {
    reader.problem("blocking", fmt::format("blocking changes nothing in {}: {}", what,
                                           kind->can_block ? "whatever runs in a thread blocks that thread"
                                                           : "write it into the steps that wait or compute"));
  }
  return step;
}

Plan PlanReader::read(const toml::node& node, const std::string& number, Inside inside, int depth) {
  Plan plan;
  const std::string what = naming(number);
  const toml::array* steps = node.as_array();
  if (steps == nullptr) {
    draft_->problems.at(node.source(),
                        fmt::format("steps of {} must be an array such as [{{ wait = \"100ms\" }}], not {}",
                                    what, kind_of(node)));
    return plan;
  }
  if (depth > kMostDepth) {
    draft_->problems.at(node.source(),
                        fmt::format("{} is nested more than {} levels deep", what, kMostDepth));
    return plan;
  }
  if (steps->size() > kMostSteps) {
    draft_->problems.at(node.source(),
                        fmt::format("{} has {} steps; at most {}", what,
                                    grouped(static_cast<std::int64_t>(steps->size())), grouped(kMostSteps)));
    return plan;
  }
  for (const toml::node& entry : *steps) {
    const toml::table* table = entry.as_table();
    if (table == nullptr) {
      draft_->problems.at(
          entry.source(),
          fmt::format("each step of {} must be a table such as {{ wait = \"100ms\" }}, not {}", what,
                      kind_of(entry)));
      break;
    }
    const std::string prefix = number.empty() ? "" : number + ".";
    plan.push_back(read_step(*table, fmt::format("{}{}", prefix, plan.size() + 1), inside, depth));
    if (draft_->problems.any()) break;
  }
  if (unhindered_time(plan) > kLongestSpan)
    draft_->problems.at(node.source(), fmt::format("the steps of {} take more than ten years", what));
  return plan;
}

std::vector<Plan> PlanReader::copies(const Plan& plan, std::int64_t times, std::size_t first_place,
                                     const toml::source_region& where) {
  const std::size_t end = places_->size();
  const auto size = static_cast<std::int64_t>(end - first_place);
  if (too_many(size * (times - 1), where)) return {};
  for (std::int64_t i = 1; i < times; ++i) {
    for (std::size_t at = first_place; at < end; ++at) {
      const toml::source_region place = (*places_)[at];
      places_->push_back(place);
    }
  }
  return std::vector<Plan>(static_cast<std::size_t>(times), plan);
}

}  // namespace lab
