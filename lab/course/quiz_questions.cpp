#include <algorithm>

#include "harness/statistics/statistics.hpp"
#include "lab/course/described_toml.hpp"
#include "lab/course/quiz.hpp"
#include "lab/experiment/experiment.hpp"
#include "lab/experiment/report.hpp"
#include "lab/servers/mode.hpp"
#include "scenarios/loader/code_line.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

constexpr std::int64_t kMaxSimulated =
    300'000;  // requests; more take longer than anybody waits for a question
constexpr double kTolerance = 0.1;

/// An entry of results/quiz.toml.
struct WrittenQuestion {
  struct Wrong {
    std::optional<Figure> value;  // or `choice`, as the question has `answer` or `choice`
    std::string choice, say;
    static constexpr std::string_view kMayLack = "value choice";
  };
  std::string id, document, place, topic, text, choice;
  std::optional<Figure> answer;  // or `choice`
  std::vector<Wrong> wrong;
  std::string why, proof;
  static constexpr std::string_view kMayLack = "choice answer";
};
BOOST_DESCRIBE_STRUCT(WrittenQuestion::Wrong, (), (value, choice, say))
BOOST_DESCRIBE_STRUCT(WrittenQuestion, (),
                      (id, document, place, topic, text, choice, answer, wrong, why, proof))

struct WrittenQuiz {
  std::vector<WrittenQuestion> questions;
  std::vector<MeasuredAnswer> measured;
  std::vector<std::string> easy, hard;
  static constexpr std::string_view kMayLack = "measured easy hard";
};
BOOST_DESCRIBE_STRUCT(WrittenQuiz, (), (questions, measured, easy, hard))

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

Question question_of(const WrittenQuestion& written, const std::string& file) {
  Question question;
  question.id = written.id;
  question.documents = {written.document};
  question.source = fmt::format("{} {}", written.document, written.place);
  question.topic = written.topic;
  question.text = written.text;
  question.why = written.why;
  question.proof = written.proof;
  const std::vector<std::string> words = split(written.proof, ' ');  // lab run NAME …
  if (words.size() > 2) question.scenario = words[2];
  const bool number = written.answer.has_value();
  refuse_if(number != written.choice.empty(), "{}: {}: give answer or choice", file, written.id);
  refuse_if(written.wrong.empty(), "{}: {}: wrong is empty; at least one is needed", file, written.id);
  if (!number) question.choices.push_back({written.choice, "", true});
  for (const auto& [value, choice, say] : written.wrong) {
    refuse_if(value.has_value() != number || choice.empty() != number,
              "{}: {}: each of wrong needs a value where the answer is a number, else a choice", file,
              written.id);
    if (!number) question.choices.push_back({choice, say, false});
    if (!number) continue;
    refuse_if(value->is_time != written.answer->is_time,
              "{}: {}: value must be of the same kind as the answer", file, written.id);
    question.number.wrong.push_back({value->value, say});
  }
  if (written.answer) {
    question.number.is_time = written.answer->is_time;
    accept_around(written.answer->value, question.number);
  }
  return question;
}

/// `D2 part 9` -> D2.
std::vector<std::string> documents_of(const std::vector<std::string>& sources) {
  std::vector<std::string> documents;
  for (const std::string& source : sources) {
    std::string name = source.substr(0, source.find_first_of(" ,"));
    if (!contains(documents, name)) documents.push_back(std::move(name));
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

std::string proof_of(const Scenario& scenario, const Ask& ask, const std::string& path) {
  const Arm& arm = arm_of(scenario, ask);
  const std::vector<Load>& loads = case_of(scenario, ask).loads;
  const bool asks_postgres = std::ranges::any_of(
      loads, [&](const Load& load) { return has_step<Query>(scenario.routes[load.route]); });
  return fmt::format("lab {} {} --arms {}{}", arm.predict_only ? "predict" : "run",
                     path.empty() ? scenario.name : shell_word(path), arm.id,
                     !arm.predict_only && asks_postgres ? " --postgres local" : "");
}

}  // namespace

QuizFile parse_quiz(std::string_view toml, const std::string& file) {
  auto written = read_described<WrittenQuiz>(toml, file);
  QuizFile quiz{{}, std::move(written.measured), std::move(written.easy), std::move(written.hard)};
  for (const WrittenQuestion& question : written.questions)
    quiz.questions.push_back(question_of(question, file));
  return quiz;
}

const QuizFile& quiz_file() {
  static const QuizFile kFile = parse_quiz(kQuizText, "results/quiz.toml");
  return kFile;
}

int QuizFile::level_of(const std::string& id) const {
  return contains(easy, id) ? 1 : contains(hard, id) ? 3 : 2;
}

const Arm& arm_of(const Scenario& scenario, const Ask& ask) {
  return *std::ranges::find(scenario.arms, ask.answer_arm, &Arm::id);
}

const Case& case_of(const Scenario& scenario, const Ask& ask) {
  const auto found = std::ranges::find(scenario.cases, ask.answer_case, &Case::id);
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

std::vector<Question> questions_of(const Scenario& scenario, const std::vector<MeasuredAnswer>& measured,
                                   const ModelMachine& machine, const std::string& path) {
  std::vector<Question> questions;
  std::vector<std::string> before;
  for (const Ask& ask : scenario.asks) {
    Question question;
    question.ask = before.size();
    question.id = fmt::format("{}-{}", scenario.name, *question.ask + 1);
    question.context = context_of(scenario, ask);
    question.context.insert(question.context.end(), before.begin(), before.end());
    before.push_back("asked before: " + ask.text);
    question.number.is_time = ask.answer.is_time();
    question.number.wrong = ask.wrong;
    const auto known = std::ranges::find(measured, question.id, &MeasuredAnswer::ask);
    if (known != measured.end()) {
      question.number.low = known->from.value;
      question.number.high = known->to.value;
      question.number.usual = known->usual;
    } else if (const auto right = ask_the_model(scenario, ask, arm_of(scenario, ask), machine)) {
      accept_around(*right, question.number);
    } else {
      continue;
    }
    question.documents = documents_of(scenario.sources);
    question.source = join(scenario.sources, "; ");
    question.topic = topic_of(scenario);
    question.scenario = scenario.name;
    question.text = ask.text;
    question.why = scenario.explain.text;
    question.proof = proof_of(scenario, ask, path);
    questions.push_back(std::move(question));
  }
  return questions;
}

std::vector<Question> scenario_questions(const std::function<void(const Error&)>& broken) {
  std::vector<Question> all;
  for (const std::string& name : scenario_names()) {
    const auto scenario = load_scenario(name, known_modes());
    if (!scenario && broken) broken(scenario.error());
    if (!scenario) continue;
    const std::vector<Question> own = questions_of(*scenario);
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

std::vector<Question> questions_in(const Scenario& own, const std::string& path) {
  const auto shipped = load_scenario(own.name, known_modes());
  const bool as_shipped = shipped && shipped->source == own.source;
  std::vector<Question> questions =
      as_shipped ? questions_of(own, quiz_file().measured, {}, path) : questions_of(own, {}, {}, path);
  refuse_if(questions.empty(), "{}: asks nothing that can be graded; add an [[ask]], see scenarios/README.md",
            path);
  return questions;
}

}  // namespace lab
