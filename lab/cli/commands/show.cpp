#include <algorithm>

#include "lab/cli/command.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/experiment.hpp"
#include "lab/experiment/report.hpp"
#include "lab/servers/mode.hpp"
#include "results/render/formatting.hpp"
#include "results/render/page.hpp"
#include "scenarios/loader/code_line.hpp"

namespace lab {

namespace {

constexpr std::size_t kCodeColumns = 100;  // two lines

/// `TAG     first` / `        second`: the tag stands once, in front of its first line.
class Block {
 public:
  Block(const char* tag, const TextStyle& style) : tag_(tag), style_(style) {}

  /// A long line goes on below, `hang` columns further to the right.
  void line(const std::string& text, std::size_t hang = 4) { row("", 0, text, hang); }

  /// The text beside a label of `width` columns; below it where that leaves too little room.
  void row(const std::string& label, std::size_t width, const std::string& text, std::size_t hang = 0) {
    constexpr std::size_t kWidestLabel = 40;
    const bool below = width > kWidestLabel;
    if (below && !label.empty()) add(label, "", 4);
    add(text, below ? "    " : pad(printable(label, style_.ascii), width), (below ? 4 : width) + hang);
  }

  const std::string& text() const { return lines_; }

 private:
  void add(const std::string& text, const std::string& before, std::size_t indent) {
    lines_ +=
        text_lines(text, pad(lines_.empty() ? tag_ : "", kTagColumns) + before, kTagColumns + indent, style_);
  }

  const char* tag_;
  std::string lines_;
  const TextStyle& style_;
};

std::string predicted(const MeasureRow& measure) {
  constexpr double kLongest = 9e9;  // what int64 nanoseconds hold
  if (!measure.predicted) return "?";
  if (!measure.stat.is_time()) return fmt::format("{:.4g}", *measure.predicted);
  return *measure.predicted > kLongest ? long_time(*measure.predicted)
                                       : format_duration(to_nanos(*measure.predicted));
}

/// Arm, stat (unless it is all about the makespan), prediction, formula, what the documents claim: one row
/// per figure that the scenario's table shows or they give.
std::vector<std::vector<std::string>> answer_rows(const Scenario& scenario) {
  const Report report = make_prediction(scenario, 42);
  const std::vector<Stat>& headline = report.headline;
  const bool only_makespan = headline == std::vector<Stat>{Stat{}};
  std::vector<std::vector<std::string>> rows;
  for (const ArmReport& arm : report.arms) {
    const std::string name = scenario.cases.size() > 1 ? arm.arm + " (" + arm.case_id + ")" : arm.arm;
    for (const MeasureRow& measure : arm.measures) {
      const bool shown = std::ranges::find(headline, measure.stat) != headline.end();
      if (!(shown && measure.predicted) && measure.documented_text.empty()) continue;
      rows.push_back({name, only_makespan && shown ? "" : to_string(measure.stat), predicted(measure),
                      measure.stat == Stat{} ? arm.formula : "",
                      measure.documented_text.empty() ? "" : "claimed " + measure.documented_text});
    }
  }
  return rows;
}

std::string show_answers(const Scenario& scenario, const TextStyle& style) {
  Block answers("PREDICT", style);
  const auto rows = answer_rows(scenario);
  std::vector<std::size_t> widths(5, 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].empty() ? 0 : columns(formula_text(row[i], style.ascii)) + 2);
  }
  for (const auto& row : rows) {
    std::string rest;
    for (std::size_t i = 1; i < row.size(); ++i) rest += pad(formula_text(row[i], style.ascii), widths[i]);
    rest.erase(rest.find_last_not_of(' ') + 1);
    const std::size_t blanks = std::min(rest.find_first_not_of(' '), rest.size());
    answers.row(row[0], widths[0] + blanks, rest.substr(blanks));
  }
  std::string formulas;
  for (const auto& row : rows) formulas += row[3];
  if (const std::string legend = formula_legend(formulas); !legend.empty()) answers.line(legend);
  std::string text = answers.text();
  for (const auto& [tag, said] :
       {std::pair("WHY", &scenario.explain.text), std::pair("LOG", &scenario.explain.log),
        std::pair("NOTE", &scenario.explain.note)})
    if (!said->empty()) text += tagged(tag, *said, style);
  return text;
}

/// The next command. A guess is about the makespan and gives nothing away: it is a mistake that many make.
std::string next_command(const Scenario& scenario, const std::string& name) {
  std::string run = "lab run " + shell_word(name);
  const auto measured = [&](const std::string& id) {
    return std::ranges::any_of(scenario.arms,
                               [&](const Arm& arm) { return arm.id == id && !arm.predict_only; });
  };
  for (const Ask& ask : scenario.asks) {
    if (ask.answer != Stat{} || ask.wrong.empty() || !measured(ask.answer_arm)) continue;
    const auto wrong = to_nanos(ask.wrong.front().value);
    return fmt::format("{} --guess {}={}", run, ask.answer_arm, format_duration_literal(wrong));
  }
  const auto makespan = std::ranges::find(scenario.show, Stat{});
  if (!scenario.show.empty() && makespan == scenario.show.end()) return run;
  for (const Arm& arm : scenario.arms) {
    if (!arm.predict_only) return fmt::format("{} --guess {}=1s", run, arm.id);
  }
  return run;
}

/// A route that does nothing looks the same in every arm, unless the arm's routes are run in different ways.
bool shows_something(const Scenario& scenario, const Arm& arm, std::size_t index) {
  const auto idle = [](const Route& route) {
    return route.plan.empty() && route.depends.empty() && route.method != "WS";
  };
  const auto& routes = scenario.routes;
  if (!idle(routes[index]) || std::ranges::all_of(routes, idle)) return true;
  return std::ranges::any_of(arm.modes,
                             [&](const Traits& mode) { return mode.name != arm.modes.front().name; });
}

std::string show_arms(const Scenario& scenario, const TextStyle& style) {
  Block holding("HOLDS", style);
  Block code("CODE", style);
  std::vector<std::string> seen;
  std::size_t name_width = 0;
  std::size_t mode_width = 0;
  for (const Arm& arm : scenario.arms) {
    name_width = std::max(name_width, columns(arm.id) + 2);
    for (const Traits& mode : arm.modes) mode_width = std::max(mode_width, mode.name.size() + 2);
  }
  for (const Arm& arm : scenario.arms) {
    std::string label = arm.id;
    std::string settings = unusual_settings(arm);
    for (std::size_t route = 0; route < arm.modes.size(); ++route) {
      const Traits& mode = arm.modes[route];
      if (!contains(seen, mode.name)) {
        seen.emplace_back(mode.name);
        holding.row(std::string(mode.name), mode_width, describe_holding(mode));
      }
      if (!shows_something(scenario, arm, route)) continue;
      std::string line = fastapi_line(scenario.routes[route], mode, arm, kCodeColumns);
      if (!settings.empty()) line += "  " + settings;
      code.row(label, name_width, line, 4);
      label.clear();
      settings.clear();
    }
  }
  return holding.text() + code.text();
}

struct ShowOptions {
  std::string scenario;
  bool answers = false;
  TextStyle style;
};

int show(const ShowOptions& options) {
  const TextStyle& style = options.style;
  const Scenario scenario = load_scenario(options.scenario, known_modes()).value();
  ExperimentOptions experiment;
  experiment.budget = scenario.budget;
  const ExperimentPlan plan = plan_experiment(scenario, experiment);
  const std::string size =
      fmt::format("{}, about {}", plural(std::ssize(scenario.arms), "arm"), format_estimate(plan.estimate));
  constexpr std::size_t kSources = 26;
  std::string text = text_lines(scenario.question, "", 0, style);
  text += tagged(size, join(scenario.sources, "; "), style, kSources);
  Block plans("PLAN", style);
  for (const Route& route : scenario.routes) plans.line(describe_route(route));
  Block loads("LOAD", style);
  for (const Case& load_case : scenario.cases) {
    const std::string prefix = scenario.cases.size() > 1 ? load_case.id + ": " : "";
    for (const Load& load : load_case.loads) {
      const std::string line = describe_load(load, scenario);
      loads.line(line.starts_with(prefix) ? line : prefix + line);  // a case is often called after its route
    }
    for (const Kill& kill : load_case.kills) loads.line(prefix + describe_kill(kill));
  }
  text += plans.text() + loads.text() + show_arms(scenario, style);
  if (options.answers) text += show_answers(scenario, style);
  Block next("TRY", style);
  next.line(next_command(scenario, options.scenario));
  print(text + next.text());
  const std::string& after = scenario.explain.next;
  if (!after.empty() && !contains(scenario_names(), after))
    print_warning(fmt::format("{}: next = '{}' is no known scenario", printable(scenario.file, false),
                              printable(after, false)));
  return 0;
}

}  // namespace

Command show_command() {
  Command command("show", "show question, plan, load and arms of a scenario",
                  "Example: lab show blocking-async --answers");
  ShowOptions& options = command.runs<ShowOptions>(show);
  command.text("scenario", "SCENARIO", options.scenario, "a name or a path to a .toml").required();
  command.flag("--answers", options.answers, "also predictions, the documents' figures and the explanation");
  command.flag("--ascii", options.style.ascii, "no character beyond ASCII");
  return command;
}

}  // namespace lab
