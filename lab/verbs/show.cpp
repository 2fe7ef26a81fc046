#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment.hpp"
#include "lab/options.hpp"
#include "lab/report.hpp"
#include "lab/verbs/verbs.hpp"
#include "scenarios/code_line.hpp"

namespace lab {

namespace {

constexpr std::size_t kWidth = 80;

/// `TAG   first` / `      second`: the tag stands once, in front of its first line.
class Block {
 public:
  explicit Block(std::string tag) : tag_(std::move(tag)) {}

  void line(const std::string& text) {
    lines_ += fmt::format("{:<6}{}\n", tag_, text);
    tag_.clear();
  }

  void wrapped(const std::string& text) {
    std::string current;
    for (const std::string& word : split(text, ' ')) {
      if (!current.empty() && current.size() + 1 + word.size() > kWidth - 6) {
        line(current);
        current.clear();
      }
      current += (current.empty() ? "" : " ") + word;
    }
    if (!current.empty()) line(current);
  }

  const std::string& text() const { return lines_; }

 private:
  std::string tag_, lines_;
};

std::string describe_load(const Load& load, const Scenario& scenario) {
  const std::string where = scenario.routes.size() > 1 ? scenario.routes[load.route].name + ": " : "";
  const std::string connections = load.fresh_connections ? "fresh connections" : "connections open";
  std::string text;
  switch (load.arrivals) {
    case Arrivals::burst: text = fmt::format("{} at once", load.requests); break;
    case Arrivals::closed:
      text = fmt::format("{} clients, {} requests in all", load.clients, load.requests);
      break;
    case Arrivals::constant:
      text = fmt::format("{}, one every {}", load.requests, format_duration(load.every));
      break;
    case Arrivals::poisson:
      text = fmt::format("{}, Poisson, {} apart on average", load.requests, format_duration(load.every));
      break;
    case Arrivals::staggered: {
      std::vector<std::string> times;
      for (const Nanos at : load.at) times.push_back(format_duration(at));
      text = "at " + join(times, ", ");
      break;
    }
  }
  if (load.from > 0) text += fmt::format(", from {}", format_duration(load.from));
  return where + text + ", " + connections;
}

std::string holds(const Traits& mode) {
  const auto held = [](Resource resource) {
    return resource == Resource::nothing ? std::string("nothing")
                                         : fmt::format("the {}", to_string(resource));
  };
  std::string text =
      mode.waiting == mode.computing
          ? held(mode.waiting) + ", while it waits and while it computes"
          : held(mode.waiting) + " while it waits, " + held(mode.computing) + " while it computes";
  if (mode.idle != Resource::nothing) text += "; " + held(mode.idle) + " while its client is idle";
  return text;
}

std::string show_answers(const Scenario& scenario) {
  std::string text;
  Block answers("BOUND");
  const Report report = make_prediction(scenario, 42);
  for (const ArmReport& arm : report.arms) {
    const std::string name = scenario.cases.size() > 1 ? arm.arm + " (" + arm.case_id + ")" : arm.arm;
    std::string log = arm.documented_text.empty() ? "" : "   log " + arm.documented_text;
    std::string line =
        fmt::format("{:<22}{:<12}{}{}", name, format_duration(std::llround(arm.bound_s.value_or(0) * 1e9)),
                    arm.formula, log);
    line.erase(line.find_last_not_of(' ') + 1);
    answers.line(line);
  }
  text += answers.text();
  if (!scenario.explain.text.empty()) {
    Block why("WHY");
    why.wrapped(scenario.explain.text);
    text += why.text();
  }
  return text;
}

int show(const std::string& name, bool answers) {
  const Scenario scenario = load_scenario(name, known_modes()).value();
  ExperimentOptions options;
  options.budget = scenario.budget;
  const ExperimentPlan plan = plan_experiment(scenario, options);
  const std::string size = fmt::format("{} arm{}, about {}", scenario.arms.size(),
                                       scenario.arms.size() == 1 ? "" : "s", format_duration(plan.estimate));
  std::string text = scenario.question + "\n";
  text += fmt::format("{:<26}{}\n", size, join(scenario.sources, ", "));

  Block plans("PLAN");
  for (const Route& route : scenario.routes) {
    plans.line(fmt::format("{} {}: {}", route.method, route.path, describe(route.plan)));
  }
  Block loads("LOAD");
  for (const Case& load_set : scenario.cases) {
    const std::string prefix = scenario.cases.size() > 1 ? load_set.id + ": " : "";
    for (const Load& load : load_set.loads) loads.line(prefix + describe_load(load, scenario));
  }
  Block held("HOLDS");
  Block code("CODE");
  std::vector<std::string> seen;
  std::size_t name_width = 0;
  for (const Arm& arm : scenario.arms) name_width = std::max(name_width, arm.id.size() + 2);
  for (const Arm& arm : scenario.arms) {
    for (std::size_t route = 0; route < arm.modes.size(); ++route) {
      const Traits& mode = arm.modes[route];
      if (std::find(seen.begin(), seen.end(), mode.name) == seen.end()) {
        seen.emplace_back(mode.name);
        held.line(fmt::format("{:<20}{}", mode.name, holds(mode)));
      }
      const std::string line = fastapi_line(scenario.routes[route], mode);
      const std::string times =
          route == 0 && arm.workers > 1 ? fmt::format("  × {} workers", arm.workers) : "";
      const std::string label = route == 0 ? arm.id : "";
      if (6 + name_width + line.size() + times.size() <= kWidth + 1) {
        code.line(fmt::format("{:<{}}{}{}", label, name_width, line, times));
      } else {
        if (!label.empty()) code.line(label + times);
        code.wrapped("    " + line);
      }
    }
  }
  text += plans.text() + loads.text() + held.text() + code.text();
  if (answers) text += show_answers(scenario);
  const std::string& arm = scenario.arms[std::min<std::size_t>(1, scenario.arms.size() - 1)].id;
  text += fmt::format("TRY   lab run {} --guess {}=1s\n", scenario.name, arm);
  print(text);
  return 0;
}

}  // namespace

void add_show(CLI::App& app, Action& action) {
  struct Options {
    std::string scenario;
    bool answers = false;
  };
  CLI::App* verb = app.add_subcommand("show", "question, plan, load and arms of a scenario");
  verb->footer("Example: lab show blocking-async --answers");
  auto options = std::make_shared<Options>();
  add_text(*verb, "scenario", options->scenario, "a name or a path to a .toml")
      ->required()
      ->type_name("SCENARIO");
  verb->add_flag("--answers", options->answers,
                 "also predictions, the documents' figures and the explanation");
  verb->callback(
      [&action, options] { action = [options] { return show(options->scenario, options->answers); }; });
}

}  // namespace lab
