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
    for (const Traits& mode : arm.modes) add_once(used, mode.name);
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

/// The queues into which something can be put.
std::vector<std::string> fed_queues(const Scenario& scenario) {
  std::vector<std::string> names;
  for (const Route& route : scenario.routes) {
    for_each_step(route.plan, [&](const Step& step) {
      if (const auto* job = step.as<Enqueue>()) names.push_back(job->queue);
    });
  }
  if (std::ranges::any_of(scenario.arms, [](const Arm& arm) { return arm.uses(Resource::queue); }))
    names.emplace_back(kDefaultQueue);
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

/// Calls `look` with every step of a route and its place in the file.
template <class Look>
void for_each_place(const Draft& draft, std::size_t route, const Look& look) {
  std::size_t at = 0;
  const auto visit = [&](const Step& step) { look(step, draft.step_places[route][at++]); };
  for_each_step(draft.scenario.routes[route], visit);
}

void check_route(const TableReader& file, const Arm& arm, std::size_t index) {
  Draft& draft = file.draft();
  const Traits& mode = arm.modes[index];
  const Route& route = draft.scenario.routes[index];
  for_each_place(draft, index, [&](const Step& step, const toml::source_region& where) {
    const std::string_view word = loop_only_word(step);
    if (word.empty() || mode.handler == Resource::loop) return;
    draft.problems.at(
        where,
        "'{}' needs a handler on the loop, but arm '{}' runs route '{}' in {}; give the route another "
        "mode there, such as async-loop, or leave the arm out",
        word, arm.id, route.name, mode.name);
  });
  if (route.method != "WS" || !mode.uses(Resource::thread)) return;
  TableReader(draft, *file["routes"]->as_table(), "")
      .problem(
          route.name,
          "route '{}' is a WebSocket, which arm '{}' cannot serve: WSGI ({}) has none; leave the arm out",
          route.name, arm.id, mode.name);
}

/// Queues that nothing is put into, results of queues that there are not.
void check_queues(Draft& draft) {
  const std::vector<std::string> fed = fed_queues(draft.scenario);
  for (const auto& [name, where] : draft.queue_places) {
    if (contains(fed, name)) continue;
    draft.problems.at(
        where, "nothing is put into queue {}{}", in_quotes(name),
        fed.empty() ? "; a step { enqueue = … } or mode = \"task-queue\" does it" : suggestion(name, fed));
  }
  for (std::size_t index = 0; index < draft.scenario.routes.size(); ++index) {
    const Route& route = draft.scenario.routes[index];
    for_each_place(draft, index, [&](const Step& step, const toml::source_region& where) {
      const auto* fetch = step.as<FetchResult>();
      if (fetch == nullptr) return;
      if (!contains(fed, fetch->queue)) {
        draft.problems.at(
            where, "result: unknown queue {}{}", in_quotes(fetch->queue),
            fed.empty() ? "; no step puts anything into a queue" : suggestion(fetch->queue, fed));
      } else if (route.path.find('{') == std::string::npos) {
        draft.problems.at(where,
                          "result: the job's id comes from the path; write request = \"GET {}/{{task_id}}\"",
                          route.path == "/" ? "/result" : route.path);
      }
    });
  }
}

template <class Says>
bool any_load(const Scenario& scenario, const std::string& route, const Says& says) {
  for (const Case& load_case : scenario.cases) {
    for (const Load& load : load_case.loads) {
      const bool meant = route.empty() || scenario.routes[load.route].name == route;
      if (meant && says(load)) return true;
    }
  }
  return false;
}

bool switches(const Step& step) {
  return step.is<Compute>() && is_switch(step.as<Compute>()->work);
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

// What no part of a scenario can know by itself: whether every arm can do every step, whether queues and
// stats have what they speak of.

void check_stat(const Value& value, const Stat& stat) {
  const Scenario& scenario = value.draft().scenario;
  const std::string of = stat.route.empty() ? "any load" : fmt::format("the load of route '{}'", stat.route);
  if (stat.quantity == Stat::Quantity::value &&
      !any_load(scenario, stat.route, [](const Load& load) { return !load.keep.empty(); })) {
    value.problem("{} has nothing to look at: add keep = \"count\" (a key of the reply) to {}",
                  to_string(stat), of);
  }
  if (stat.quantity == Stat::Quantity::turnaround &&
      !any_load(scenario, stat.route, [](const Load& load) { return load.then.has_value(); })) {
    value.problem("{} has nothing to look at: add then = {{ … }} to {}", to_string(stat), of);
  }
  if (stat.quantity == Stat::Quantity::switch_time && !any_step(scenario, switches))
    value.problem("switch.time has nothing to look at: no step is a switch");
}

void check_sense(const TableReader& file) {
  Draft& draft = file.draft();
  for (const Arm& arm : draft.scenario.arms) {
    for (std::size_t route = 0; route < draft.scenario.routes.size(); ++route) check_route(file, arm, route);
  }
  check_queues(draft);
}

void check_changed(Draft& draft) {
  const Scenario& scenario = draft.scenario;
  for (std::size_t c = 0; c < scenario.cases.size(); ++c) {
    const std::vector<Kill>& kills = scenario.cases[c].kills;
    for (std::size_t k = 0; k < kills.size(); ++k) {
      for (const Arm& arm : scenario.arms) {
        if (arm.predict_only || kills[k].worker < arm.workers) continue;
        draft.problems.at(draft.kill_places[c][k],
                          "kill: there is no worker {} in arm '{}', which has {} (the first is 0)",
                          kills[k].worker, arm.id, arm.workers == 1 ? "one" : std::to_string(arm.workers));
      }
    }
    for (const Load& load : scenario.cases[c].loads) {
      const Route& route = scenario.routes[load.route];
      if (load.fresh_connections && route.method == "WS") {
        draft.problems.option(
            "--connections fresh: route '{}' is a WebSocket, which is opened before the load", route.name);
      }
    }
  }
}

}  // namespace lab
