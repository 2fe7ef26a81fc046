#include "harness/analysis/claim_check.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lab {

namespace {

constexpr std::size_t kLeastRepetitions = 3;
constexpr double kExact = 1e-9;
constexpr const char* kNotRun = "it was not run";

Estimate spread_of(std::vector<double> values) {
  Estimate spread = summarise(std::move(values));
  const auto [least, most] = std::minmax_element(spread.samples.begin(), spread.samples.end());
  if (!spread.low) spread.low = *least;
  if (!spread.high) spread.high = *most;
  return spread;
}

std::string why_undecided(const Reading& reading) {
  if (!reading.absent.empty()) return reading.absent;
  if (reading.values.size() >= kLeastRepetitions) return "";
  return fmt::format("{} repetition{} with a figure; at least {} are needed", reading.values.size(),
                     reading.values.size() == 1 ? "" : "s", kLeastRepetitions);
}

/// Sets `limit`, or the reason why there is none. `right`: null where there is no other measure.
void find_limit(const Condition& condition, const Reading* right, const Readings& readings,
                ConditionCheck& check) {
  if (right != nullptr) {
    check.reason = why_undecided(*right);
    if (!check.reason.empty()) return;
    const Estimate spread = spread_of(right->values);
    const double times = condition.times;
    check.limit = Estimate{times * spread.median, times * *spread.low, times * *spread.high, {}};
    return;
  }
  double limit = 0;
  if (condition.value) {
    limit = *condition.value * (condition.left.stat.is_time() ? check.scale : 1);
  } else {
    const Readings::Setting setting = readings.setting(condition.left);
    const auto param = setting.params.find(condition.param);
    if (param == setting.params.end()) {
      check.reason = fmt::format("the run has no parameter ${}", condition.param);
      return;
    }
    limit = condition.times * seconds(param->second);
  }
  check.limit = Estimate{limit, limit, limit, {}};
}

/// Below `low` of the limit whatever the repetitions were, or above its high end.
Truth decide(Relation relation, double within, const Estimate& measured, const Estimate& limit) {
  switch (relation) {
    case Relation::below:
      if (measured.high < limit.low) return Truth::holds;
      return measured.low >= limit.high ? Truth::fails : Truth::undecided;
    case Relation::above:
      if (measured.low > limit.high) return Truth::holds;
      return measured.high <= limit.low ? Truth::fails : Truth::undecided;
    case Relation::equals: within = kExact; [[fallthrough]];
    case Relation::about: {
      const double room = relation == Relation::equals ? kExact : 0;
      const auto below = [&](double value) { return value * (1 - within) - room; };
      const auto above = [&](double value) { return value * (1 + within) + room; };
      if (*measured.low >= below(*limit.high) && *measured.high <= above(*limit.low)) return Truth::holds;
      const bool outside = *measured.high < below(*limit.low) || *measured.low > above(*limit.high);
      return outside ? Truth::fails : Truth::undecided;
    }
  }
  return Truth::undecided;
}

/// In each repetition the arms took turns, so what slowed the machine for some seconds slowed both: their
/// ratio is steadier than either.
Truth decide_by_repetition(const Condition& condition, const Reading& left, const Reading& right) {
  const bool same_run = condition.left.scenario == condition.right->scenario &&
                        condition.left.engine == condition.right->engine &&
                        left.values.size() == right.values.size();
  const bool divisible = std::ranges::all_of(right.values, [](double value) { return value > 0; });
  if (!same_run || !divisible) return Truth::undecided;
  std::vector<double> ratios;
  for (std::size_t i = 0; i < left.values.size(); ++i) ratios.push_back(left.values[i] / right.values[i]);
  const double times = condition.times;
  return decide(condition.relation, condition.within, spread_of(std::move(ratios)),
                {times, times, times, {}});
}

}  // namespace

std::string Readings::key(const Measure& measure) {
  return fmt::format("{}/{}/{}/{}/{}", measure.scenario, measure.engine, measure.arm, measure.case_id,
                     to_string(measure.stat));
}

void Readings::add(const Measure& measure, const Reading& reading) {
  Reading& known = readings_[key(measure)];
  if (known.usable() && known.recorded && reading.recorded) return;  // the same repetitions once more
  if (known.usable() && known.recorded == reading.recorded && reading.usable()) {
    known.values.insert(known.values.end(), reading.values.begin(), reading.values.end());
  } else if (!known.usable()) {
    known = reading;
  }
}

Reading Readings::get(const Measure& measure) const {
  const auto found = readings_.find(key(measure));
  return found == readings_.end() ? Reading{.values = {}, .absent = kNotRun} : found->second;
}

Readings::Setting Readings::setting(const Measure& measure) const {
  const auto found = settings_.find({measure.scenario, measure.engine});
  return found == settings_.end() ? Setting{} : found->second;
}

bool ClaimCheck::worth_repeating() const {
  if (!undecided()) return !as_recorded();
  return std::ranges::any_of(checks, [](const ConditionCheck& check) {
    return check.truth == Truth::undecided && check.measured && check.limit;
  });
}

bool ClaimCheck::by_recording() const {
  return !undecided() && std::ranges::any_of(checks, &ConditionCheck::recorded);
}

ConditionCheck check_condition(const Condition& condition, const Readings& readings) {
  const Reading other = condition.right ? readings.get(*condition.right) : Reading{};
  const Reading* right = condition.right ? &other : nullptr;
  ConditionCheck check;
  check.condition = &condition;
  check.left = readings.get(condition.left);
  check.recorded = check.left.recorded || other.recorded;
  check.scale = readings.setting(condition.left).scale;
  check.reason = why_undecided(check.left);
  if (!check.reason.empty()) return check;
  check.measured = spread_of(check.left.values);
  find_limit(condition, right, readings, check);
  if (!check.limit) return check;
  check.truth = decide(condition.relation, condition.within, *check.measured, *check.limit);
  if (check.truth == Truth::undecided && right != nullptr)
    check.truth = decide_by_repetition(condition, check.left, other);
  if (check.truth == Truth::undecided) check.reason = "the repetitions lie on both sides";
  const std::string& disturbed = check.left.disturbed.empty() ? other.disturbed : check.left.disturbed;
  if (!disturbed.empty()) {
    check.truth = Truth::undecided;
    check.reason = disturbed;
  }
  return check;
}

ClaimCheck check_claim(const Claim& claim, const Readings& readings) {
  ClaimCheck result;
  result.claim = &claim;
  for (const Condition* condition : claim.conditions())
    result.checks.push_back(check_condition(*condition, readings));
  const auto tests_end = result.checks.begin() + static_cast<std::ptrdiff_t>(claim.tests.size());
  const auto count = [](auto begin, auto end, Truth truth) {
    return std::count_if(begin, end, [&](const ConditionCheck& check) { return check.truth == truth; });
  };
  const auto exceptions = static_cast<std::ptrdiff_t>(claim.exceptions.size());
  if (count(result.checks.begin(), tests_end, Truth::fails) > 0) {
    result.finding = ClaimFinding::refuted;
  } else if (count(result.checks.begin(), result.checks.end(), Truth::undecided) > 0) {
    result.finding = ClaimFinding::inconclusive;
  } else if (exceptions > 0 && count(tests_end, result.checks.end(), Truth::fails) == exceptions) {
    result.finding = ClaimFinding::qualified;
  } else {
    result.finding = ClaimFinding::verified;
  }
  return result;
}

}  // namespace lab
