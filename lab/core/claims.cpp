#include "lab/core/claims.hpp"

#include <algorithm>

namespace lab {

std::string_view to_string(Relation relation) {
  return kRelationWords[static_cast<std::size_t>(relation)];
}

std::string_view to_string(ClaimOutcome outcome) {
  return kOutcomeWords[static_cast<std::size_t>(outcome)];
}

std::vector<const Condition*> Claim::conditions() const {
  std::vector<const Condition*> all;
  for (const Condition& condition : tests) all.push_back(&condition);
  for (const Condition& condition : exceptions) all.push_back(&condition);
  return all;
}

std::vector<std::string> Claim::scenarios() const {
  std::vector<std::string> names;
  for (const Condition* condition : conditions()) {
    if (std::find(names.begin(), names.end(), condition->left.scenario) == names.end())
      names.push_back(condition->left.scenario);
  }
  return names;
}

}  // namespace lab
