#include <fmt/format.h>

#include <algorithm>

#include "harness/statistics/statistics.hpp"
#include "lab/course/grade.hpp"
#include "lab/experiment/experiment.hpp"
#include "lab/experiment/options.hpp"
#include "lab/experiment/report.hpp"
#include "lab/servers/mode.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace {

std::string or_none(const std::string& words) {
  return words.empty() ? "none" : words;
}

/// What the student measured for this question, of our own servers where there are several engines.
std::optional<double> measured(const Problem& problem, const Ask& ask, const Run& run) {
  const Case& load_case = case_of(problem.scenario, ask);
  std::vector<double> values;
  for (const RunRepetition& repetition : run.repetitions) {
    if (repetition.engine != kNative || repetition.arm != ask.answer_arm ||
        repetition.case_id != load_case.id)
      continue;
    if (const auto value = evaluate(ask.answer, repetition, problem.scenario.routes, load_case))
      values.push_back(*value);
  }
  if (values.empty()) return std::nullopt;
  return summarise(std::move(values)).median;
}

Result<void> is_whole(const Run& run) {
  if (!run.damage.empty()) return usage_error("its record was damaged or altered: {}", run.damage.front());
  if (!run.summary.complete)
    return usage_error("it is incomplete: {}; run it to its end", or_none(run.summary.reason));
  if (run.repetitions.empty()) return usage_error("nothing was measured in it");
  return {};
}

Result<void> is_of(const Problem& problem, const Run& run, const Overrides& settings) {
  const RunHeader& header = run.header;
  if (header.scenario != problem.scenario.name) {
    return usage_error("it is of scenario '{}'; the answers are to '{}'", header.scenario,
                       problem.scenario.name);
  }
  if (header.scenario_source != problem.scenario.source) {
    return usage_error("it was made with another text of scenario '{}' (lab {}); run it again with {}",
                       header.scenario, header.version, command_of(problem));
  }
  Overrides asked = settings;
  asked.arms.clear();
  asked.cases.clear();
  asked.modes.clear();
  if (asked != problem.settings) {
    return usage_error("it was made with other settings ({}) than the problem's ({}); run {}",
                       or_none(describe_changes(asked)), or_none(describe_changes(problem.settings)),
                       command_of(problem));
  }
  return {};
}

/// A figure below what plan and load allow was not measured by an honest clock.
Result<void> is_possible(const Run& run, const Overrides& settings) {
  auto scenario =
      parse_scenario(run.header.scenario_source, run.header.scenario_file, known_modes(), settings);
  if (!scenario) return scenario.error();
  scenario->name = run.header.scenario;
  for (const ArmReport& arm : make_report(*scenario, run).arms) {
    if (arm.verdict == Verdict::instrument_fault)
      return usage_error("arm {} has a makespan below its bound, which cannot have been measured", arm.arm);
  }
  return {};
}

}  // namespace

Result<RunFigures> check_run(const Problem& problem, const std::filesystem::path& path) {
  const auto refused = [&](const Error& error) {
    const std::string place = error.message.starts_with(path.string()) ? "" : path.string() + ": ";
    return Error{ErrorKind::usage, fmt::format("--run: {}{}", place, error.message)};
  };
  const auto run = read_run(path);
  if (!run) return refused(run.error());
  if (const auto whole = is_whole(*run); !whole) return refused(whole.error());
  const auto settings = overrides_from(run->header.options);
  if (!settings) return refused(settings.error());
  if (const auto same = is_of(problem, *run, *settings); !same) return refused(same.error());
  if (const auto possible = is_possible(*run, *settings); !possible) return refused(possible.error());
  RunFigures figures{path.string(), {}};
  for (const Question& question : problem.questions) {
    std::optional<double>& value = figures.measured.emplace_back();
    for (std::size_t i = 0; i < problem.scenario.asks.size(); ++i) {
      if (question.id == fmt::format("{}-{}", problem.scenario.name, i + 1))
        value = measured(problem, problem.scenario.asks[i], *run);
    }
  }
  return figures;
}

}  // namespace lab
