#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lab/core/text.hpp"
#include "scenarios/loader/claims.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

/// What a measure speaks of must be there; its case is filled in where the scenario has but one.
Result<void> settle_measure(Measure& measure, const Scenario& scenario, const std::string& place) {
  const std::vector<std::string> arms = ids_of(scenario.arms);
  // On FastAPI an arm stands for several servers: `async-loop@uvloop`.
  const bool variant =
      measure.engine == "fastapi" && (measure.arm.ends_with("@uvloop") || measure.arm.ends_with("@gunicorn"));
  measure.written = variant ? split(measure.arm, '@').front() : measure.arm;
  const auto arm = std::find(arms.begin(), arms.end(), measure.written);
  if (arm == arms.end()) {
    return usage_error("{}: scenario {} has no arm {}{}", place, scenario.name, in_quotes(measure.arm),
                       suggestion(measure.arm, arms));
  }
  if (scenario.arms[static_cast<std::size_t>(arm - arms.begin())].predict_only) {
    return usage_error("{}: arm {} of {} is only predicted; a claim is decided by what was measured", place,
                       in_quotes(measure.arm), scenario.name);
  }
  const std::vector<std::string> cases = ids_of(scenario.cases);
  if (measure.case_id.empty()) {
    if (cases.size() > 1) {
      return usage_error("{}: scenario {} has several cases; add case = \"{}\", one of {}", place,
                         scenario.name, cases.front(), join(cases, ", "));
    }
    measure.case_id = cases.front();
  } else if (std::find(cases.begin(), cases.end(), measure.case_id) == cases.end()) {
    return usage_error("{}: scenario {} has no case {}{}", place, scenario.name, in_quotes(measure.case_id),
                       suggestion(measure.case_id, cases));
  }
  const std::vector<std::string> routes = ids_of(scenario.routes);
  const std::string& route = measure.stat.route;
  if (!route.empty() && std::find(routes.begin(), routes.end(), route) == routes.end()) {
    return usage_error("{}: stat '{}' names the unknown route {}{}", place, to_string(measure.stat),
                       in_quotes(route), suggestion(route, routes));
  }
  return {};
}

/// Scenarios that were loaded once.
class Shelf {
 public:
  explicit Shelf(std::span<const Traits> modes) : modes_(modes) {}

  Result<const Scenario*> get(const std::string& name, const std::string& place) {
    const auto known = scenarios_.find(name);
    if (known != scenarios_.end()) return &known->second;
    Result<Scenario> scenario = load_scenario(name, modes_);
    if (!scenario) return Error{scenario.error().kind, place + ": " + scenario.error().message};
    return &scenarios_.emplace(name, std::move(*scenario)).first->second;
  }

 private:
  std::span<const Traits> modes_;
  std::map<std::string, Scenario> scenarios_;
};

Result<void> settle_condition(Condition& condition, Shelf& shelf) {
  const Result<const Scenario*> left = shelf.get(condition.left.scenario, condition.place);
  if (!left) return left.error();
  if (auto settled = settle_measure(condition.left, **left, condition.place); !settled) return settled;
  if (condition.right) {
    const Result<const Scenario*> right = shelf.get(condition.right->scenario, condition.place);
    if (!right) return right.error();
    return settle_measure(*condition.right, **right, condition.place);
  }
  const auto& params = (*left)->params;
  if (!condition.param.empty() && params.find(condition.param) == params.end()) {
    std::vector<std::string> names;
    for (const auto& [name, value] : params) names.push_back(name);
    return usage_error("{}: scenario {} has no parameter {}{}", condition.place, condition.left.scenario,
                       in_quotes("$" + condition.param), suggestion(condition.param, names));
  }
  return {};
}

}  // namespace

Result<void> settle_claims(ClaimsFile& file, std::span<const Traits> modes) {
  Shelf shelf(modes);
  for (Claim& claim : file.claims) {
    for (std::vector<Condition>* conditions : {&claim.tests, &claim.exceptions}) {
      for (Condition& condition : *conditions) {
        if (auto settled = settle_condition(condition, shelf); !settled) return settled;
      }
    }
  }
  for (const auto& [name, needs] : file.runs) {
    if (auto known = shelf.get(name, "runs." + name); !known) return known.error();
  }
  return {};
}

}  // namespace lab
