#include <algorithm>

#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

constexpr double kLeastScale = 1e-6, kMaxScale = 1e6;
constexpr double kLeastRate = 1e-3, kMostRate = 1e6;

/// Every word of an option must be known, or else it says which are.
void check_words(Draft& draft, std::string_view option, const std::vector<std::string>& words,
                 const std::vector<std::string>& known, std::string_view kind) {
  for (const std::string& word : words) {
    if (contains(known, word)) continue;
    draft.problems.option("{}: scenario '{}' has no {} {}{}", option, draft.scenario.name, kind,
                          in_quotes(word), suggestion(word, known));
  }
}

bool has_mode(const Arm& arm, const std::vector<std::string>& names) {
  return std::ranges::any_of(arm.modes, [&](const Traits& mode) { return contains(names, mode.name); });
}

void choose_arms(Draft& draft) {
  const Overrides& overrides = draft.overrides;
  std::vector<Arm>& arms = draft.scenario.arms;
  if (overrides.arms.empty() && overrides.modes.empty()) return;
  check_words(draft, "--arms", overrides.arms, ids_of(arms), "arm");
  for (const std::string& word : overrides.modes) {
    const std::vector<std::string> known = ids_of(draft.modes);
    if (!contains(known, word))
      draft.problems.option("--modes: unknown mode {}{}", in_quotes(word), suggestion(word, known));
  }
  std::vector<std::string> used;
  for (const Arm& arm : arms) {
    for (const Traits& mode : arm.modes) {
      if (!contains(used, mode.name)) used.emplace_back(mode.name);
    }
  }
  check_words(draft, "--modes", overrides.modes, used, "arm in mode");
  const auto unwanted = [&](const Arm& arm) {
    return (!overrides.arms.empty() && !contains(overrides.arms, arm.id)) ||
           (!overrides.modes.empty() && !has_mode(arm, overrides.modes));
  };
  std::erase_if(arms, unwanted);
  if (arms.empty()) {
    draft.problems.option("--arms {} and --modes {} leave no arm of scenario '{}'", join(overrides.arms, ","),
                          join(overrides.modes, ","), draft.scenario.name);
  }
}

void choose_cases(Draft& draft) {
  const std::vector<std::string>& wanted = draft.overrides.cases;
  std::vector<Case>& cases = draft.scenario.cases;
  if (wanted.empty()) return;
  check_words(draft, "--case", wanted, ids_of(cases), "case");
  for (Ask& ask : draft.scenario.asks) {
    if (ask.answer_case.empty()) ask.answer_case = cases.front().id;
  }
  for (std::size_t i = cases.size(); i-- > 0;) {
    if (contains(wanted, cases[i].id)) continue;
    cases.erase(cases.begin() + static_cast<std::ptrdiff_t>(i));
    draft.kill_places.erase(draft.kill_places.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

/// Checks and questions about arms and cases that are left out have nothing to look at.
void drop_orphans(Scenario& scenario) {
  const std::vector<std::string> arms = ids_of(scenario.arms);
  const std::vector<std::string> cases = ids_of(scenario.cases);
  const auto check_gone = [&](const Check& check) {
    return (!check.arm.empty() && !contains(arms, check.arm)) ||
           (!check.case_id.empty() && !contains(cases, check.case_id));
  };
  const auto ask_gone = [&](const Ask& ask) {
    return !contains(arms, ask.answer_arm) || (!ask.answer_case.empty() && !contains(cases, ask.answer_case));
  };
  std::erase_if(scenario.checks, check_gone);
  std::erase_if(scenario.asks, ask_gone);
}

/// What an arm was called and what the documents say of it no longer fits.
void mark_changed(Scenario& scenario, Arm& arm) {
  arm.label = default_label(scenario, arm);
  arm.documented.clear();
  for (Ask& ask : scenario.asks) {
    if (ask.answer_arm == arm.id) ask.wrong.clear();
  }
}

void change_arms(Draft& draft) {
  Scenario& scenario = draft.scenario;
  for (Arm& arm : scenario.arms) {
    bool changed = false;
    if (draft.overrides.workers && arm.workers > 1)
      changed |= draft.replace("--workers", arm.workers, *draft.overrides.workers);
    if (draft.overrides.threads && has_threads(scenario, arm)) {
      changed |= draft.replace("--threads", arm.threads, *draft.overrides.threads);
      if (draft.limited_by_threads.count(arm.id) > 0) arm.accept_limit = arm.threads;
    }
    if (changed) mark_changed(scenario, arm);
  }
}

/// The documents speak of their own figures, and wrong answers are wrong about the scenario as it is written.
void drop_figures(Draft& draft) {
  Scenario& scenario = draft.scenario;
  const bool scaled = draft.overrides.scale != 1;
  const bool arms_changed = draft.options_used.count("--workers") + draft.options_used.count("--threads") > 0;
  if (draft.figures_changed || scaled || arms_changed) scenario.explain.note.clear();
  const Overrides& asked = draft.overrides;
  if (arms_changed || asked.requests || asked.arrivals || asked.rate || asked.duration)
    scenario.explain.answer = {};  // its words are about that many
  if (!draft.figures_changed && !scaled) return;
  for (Arm& arm : scenario.arms) arm.documented.clear();
  scenario.explain.log.clear();
  if (!draft.figures_changed) return;
  for (Ask& ask : scenario.asks) ask.wrong.clear();
}

void report_unused(Draft& draft) {
  const Overrides& given = draft.overrides;
  constexpr std::string_view kUntimed = "none is constant or poisson (add --arrivals constant)";
  struct Option {
    bool given;
    const char* name;
    std::string_view of, reason;
  };
  for (const Option& option :
       {Option{given.workers.has_value(), "--workers", "arm", "none has several workers"},
        Option{given.threads.has_value(), "--threads", "arm", "none has a pool or threads"},
        Option{given.requests.has_value(), "--requests", "load", "none is burst or closed"},
        Option{given.rate.has_value(), "--rate", "load", kUntimed},
        Option{given.duration.has_value(), "--duration", "load", kUntimed}}) {
    if (option.given && draft.options_used.count(option.name) == 0)
      draft.problems.option("{} changes no {} of scenario '{}': {}", option.name, option.of,
                            draft.scenario.name, option.reason);
  }
}

}  // namespace

void check_overrides(Draft& draft) {
  const Overrides& given = draft.overrides;
  const auto range = [&](std::string_view option, std::optional<std::int64_t> value, std::int64_t high) {
    if (value && (*value < 1 || *value > high))
      draft.problems.option("{}: {} is out of range; from 1 to {}", option, *value, grouped(high));
  };
  range("--requests", given.requests, kMostRequests);
  range("--workers", given.workers, kMaxWorkers);
  range("--threads", given.threads, kMaxThreads);
  if (given.duration && (*given.duration <= 0 || *given.duration > kLongestSpan))
    draft.problems.option("--duration: must be longer than 0ms and at most ten years");
  if (given.rate && !(*given.rate >= kLeastRate && *given.rate <= kMostRate)) {
    draft.problems.option("--rate: {} is out of range; from 0.001 to 1,000,000 requests per second",
                          *given.rate);
  }
  if (!(given.scale >= kLeastScale && given.scale <= kMaxScale))
    draft.problems.option("--scale: {} is out of range; above 0, for example 0.1", given.scale);
}

void finish_overrides(Draft& draft) {
  choose_arms(draft);
  choose_cases(draft);
  drop_orphans(draft.scenario);
  change_arms(draft);
  drop_figures(draft);
  report_unused(draft);
}

}  // namespace lab
