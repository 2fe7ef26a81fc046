#include <fmt/format.h>

#include <algorithm>

#include "harness/statistics/statistics.hpp"
#include "lab/core/text.hpp"
#include "lab/course/quiz.hpp"
#include "lab/experiment/describe.hpp"
#include "lab/experiment/experiment.hpp"
#include "scenarios/loader/code_line.hpp"

namespace lab {

namespace {

constexpr std::int64_t kMaxSimulated =
    300'000;  // requests; more take longer than anybody waits for a question
constexpr double kTolerance = 0.1;

/// Right within a tenth. Where nothing at all is right, so is what is small beside every mistake.
void accept_around(double right, NumberAnswer& number) {
  number.right = right;
  number.low = right * (1 - kTolerance);
  number.high = right * (1 + kTolerance);
  if (right != 0) return;
  double least = 0;
  for (const NumberAnswer::Wrong& wrong : number.wrong) {
    if (wrong.value > 0 && (least == 0 || wrong.value < least)) least = wrong.value;
  }
  number.high = least * kTolerance;
}

/// `D2 part 9` -> D2.
std::vector<std::string> documents_of(const std::vector<std::string>& sources) {
  std::vector<std::string> documents;
  for (const std::string& source : sources) {
    std::string name = source.substr(0, source.find_first_of(" ,"));
    if (std::find(documents.begin(), documents.end(), name) == documents.end())
      documents.push_back(std::move(name));
  }
  return documents;
}

std::string topic_of(const Scenario& scenario) {
  if (scenario.group == "Where waiting time goes") return "waiting";
  return scenario.group == "Where CPU time goes" ? "computing" : "running";
}

std::string describe_arm(const Arm& arm) {
  const std::string settings = unusual_settings(arm);
  std::string label = arm.label;
  // `uvicorn --workers × 5`, `blocking-loop × 5`: the settings and the model say it.
  for (const std::string& times :
       {fmt::format(" × {} workers", arm.workers), fmt::format(" × {}", arm.workers)}) {
    if (label.ends_with(times)) label.erase(label.size() - times.size());
  }
  label = label.starts_with(arm.mode_name()) ? "" : fmt::format(" ({})", label);
  return arm.mode_name() + label + (settings.empty() ? "" : " ") + settings;
}

std::vector<std::string> context_of(const Scenario& scenario, const Ask& ask) {
  std::vector<std::string> lines{scenario.question};
  const Case& load_case = case_of(scenario, ask);
  std::vector<bool> used(scenario.routes.size(), false);
  for (const Load& load : load_case.loads) {
    used[load.route] = true;
    if (load.then) used[load.then->route] = true;
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (used[i]) lines.push_back(describe_route(scenario.routes[i]));
  }
  for (const Load& load : load_case.loads) lines.push_back(describe_load(load, scenario));
  for (const Kill& kill : load_case.kills) lines.push_back(describe_kill(kill));
  lines.push_back(describe_arm(arm_of(scenario, ask)));
  return lines;
}

bool asks_postgres(const Scenario& scenario, const Ask& ask) {
  bool found = false;
  for (const Load& load : case_of(scenario, ask).loads) {
    for_each_step(scenario.routes[load.route].plan,
                  [&](const Step& step) { found |= std::holds_alternative<Query>(step.action); });
  }
  return found;
}

std::string proof_of(const Scenario& scenario, const Ask& ask, const std::string& path) {
  const Arm& arm = arm_of(scenario, ask);
  return fmt::format("lab {} {} --arms {}{}", arm.predict_only ? "predict" : "run",
                     path.empty() ? scenario.name : shell_word(path), arm.id,
                     !arm.predict_only && asks_postgres(scenario, ask) ? " --postgres local" : "");
}

}  // namespace

const Arm& arm_of(const Scenario& scenario, const Ask& ask) {
  return *std::find_if(scenario.arms.begin(), scenario.arms.end(),
                       [&](const Arm& arm) { return arm.id == ask.answer_arm; });
}

const Case& case_of(const Scenario& scenario, const Ask& ask) {
  const auto found = std::find_if(scenario.cases.begin(), scenario.cases.end(),
                                  [&](const Case& load_case) { return load_case.id == ask.answer_case; });
  return found == scenario.cases.end() ? scenario.cases.front() : *found;
}

std::optional<double> ask_the_model(const Scenario& scenario, const Ask& ask, const Arm& arm,
                                    const ModelMachine& machine) {
  const Case& load_case = case_of(scenario, ask);
  if (load_case.requests() > kMaxSimulated) return std::nullopt;
  const int cores = machine.cores > 0 ? machine.cores : available_cores();
  const RunRepetition run = simulate_repetition(scenario, arm, load_case, cores, 1, machine.seed, true);
  return evaluate(ask.answer, run, scenario.routes, load_case);
}

std::vector<Question> questions_of(const Scenario& scenario,
                                   const std::map<std::string, MeasuredAnswer>& measured,
                                   const ModelMachine& machine, const std::string& path) {
  std::vector<Question> questions;
  for (std::size_t i = 0; i < scenario.asks.size(); ++i) {
    const Ask& ask = scenario.asks[i];
    Question question;
    question.id = fmt::format("{}-{}", scenario.name, i + 1);
    question.number.is_time = ask.answer.is_time();
    for (const Ask::Wrong& wrong : ask.wrong) question.number.wrong.push_back({wrong.value, wrong.say});
    if (const auto known = measured.find(question.id); known != measured.end()) {
      question.number.low = known->second.from;
      question.number.high = known->second.to;
      question.number.usual = known->second.usual;
    } else if (const auto right = ask_the_model(scenario, ask, arm_of(scenario, ask), machine)) {
      accept_around(*right, question.number);
    } else {
      continue;
    }
    question.documents = documents_of(scenario.sources);
    question.source = join(scenario.sources, "; ");
    question.topic = topic_of(scenario);
    question.scenario = scenario.name;
    question.context = context_of(scenario, ask);
    for (std::size_t before = 0; before < i; ++before)
      question.context.push_back("asked before: " + scenario.asks[before].text);
    question.text = ask.text;
    question.why = scenario.explain.text;
    question.proof = proof_of(scenario, ask, path);
    questions.push_back(std::move(question));
  }
  return questions;
}

}  // namespace lab
