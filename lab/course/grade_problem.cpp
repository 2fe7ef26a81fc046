#include <fmt/format.h>

#include <algorithm>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "lab/course/data.hpp"
#include "lab/course/grade.hpp"
#include "lab/experiment/options.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

std::string settings_in_words(const Overrides& settings) {
  const std::string words = describe_changes(settings);
  return words.empty() ? "none" : words;
}

/// `workers-4, burst-41, here with 3 workers`
std::string about(const Problem& problem, const Ask& ask) {
  std::string words = ask.answer_arm;
  if (problem.scenario.cases.size() > 1) words += ", " + case_of(problem.scenario, ask).id;
  const int workers = arm_of(problem.scenario, ask).workers;
  if (problem.settings.workers && workers > 1) words += fmt::format(", here with {} workers", workers);
  return words;
}

/// The question as it is asked of any numbers.
std::string general_text(const Problem& problem, const Ask& ask) {
  const std::string subject = about(problem, ask);
  if (ask.answer == Stat{}) return fmt::format("{}: when is the last request answered?", subject);
  const bool slowest =
      ask.answer.quantity == Stat::Quantity::latency && ask.answer.aggregate == Stat::Aggregate::max;
  if (!slowest) return fmt::format("{}: what is {}?", subject, to_string(ask.answer));
  return fmt::format("{}: how long does the slowest {} wait for its answer?", subject,
                     ask.answer.route.empty() ? "request" : ask.answer.route);
}

/// The words of an [[ask]] speak of the scenario's own numbers, so changed ones are asked for in general.
void ask_in_general(const Problem& problem, const Ask& ask, Question& question) {
  const auto speaks_of_numbers = [&](const std::string& line) {
    return line == problem.scenario.question || line.starts_with("asked before: ");
  };
  std::vector<std::string>& context = question.context;
  context.erase(std::remove_if(context.begin(), context.end(), speaks_of_numbers), context.end());
  question.text = general_text(problem, ask);
  question.why.clear();
  question.proof = fmt::format("{} --arms {}", command_of(problem), ask.answer_arm);
}

/// What the answers say of the problem must be what is graded.
Result<void> agree(const Problem& problem, const AnswerFile& answers) {
  if (std::filesystem::path(answers.scenario).stem() != problem.scenario.name) {
    return usage_error("the answers are to scenario '{}', not to '{}'", answers.scenario,
                       problem.scenario.name);
  }
  if (!problem.student.empty() && answers.student != problem.student) {
    return usage_error("the answers are {}'s, not {}'s",
                       answers.student.empty() ? std::string("nobody") : answers.student, problem.student);
  }
  if (!answers.variant.empty() && answers.variant != problem.variant) {
    return problem.variant.empty()
               ? usage_error(
                     "the answers are to variant {}; grade them with the --secret-file it was made with",
                     answers.variant)
               : usage_error("the answers are to variant {}, but {}'s is {}: the id or the secret differs",
                             answers.variant, problem.student, problem.variant);
  }
  if (answers.settings != Overrides{} && answers.settings != problem.settings) {
    return usage_error("the answers are to other settings ({}) than the problem's ({})",
                       settings_in_words(answers.settings), settings_in_words(problem.settings));
  }
  if (answers.seed && *answers.seed != problem.machine.seed) {
    return usage_error("the answers are to seed {}, the problem has {}", *answers.seed, problem.machine.seed);
  }
  if (!problem.variant.empty() && answers.cores.value_or(problem.machine.cores) != problem.machine.cores) {
    return usage_error("the answers are to {} cores, a variant is about {}", *answers.cores,
                       problem.machine.cores);
  }
  return {};
}

/// `lab run NAME …` with the scenario as the reader can name it.
std::string with_path(std::string command, const Problem& problem) {
  const std::string name = " " + problem.scenario.name;
  const std::size_t at = command.find(name);
  return at == std::string::npos ? command : command.replace(at + 1, name.size() - 1, problem.name);
}

/// A quiz of another seed shows the choices in another order.
Result<void> can_be_numbered(const Question& question, const std::string& given, const AnswerFile& answers) {
  const bool is_number =
      !given.empty() && std::all_of(given.begin(), given.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (question.choices.empty() || answers.seed || !is_number) return {};
  return usage_error(
      "{}: choice {} of which quiz? Write the choice's text, or the quiz's \"seed\" into the file",
      question.id, given.substr(0, 20));
}

}  // namespace

Result<Problem> make_problem(const ProblemSource& source) {
  auto scenario = load_scenario(source.name, known_modes(), source.settings);
  if (!scenario) return scenario.error();
  const QuizFile file = parse_quiz(kQuizText, "results/quiz.toml").value();
  Problem problem{std::move(*scenario), source.settings, "", "", source.machine, {}, {}, {}};
  problem.name = source.name;
  std::vector<Question> questions = questions_of(problem.scenario, file.measured, source.machine);
  // questions_of leaves some out, so they are matched with their [[ask]] by the number in their id.
  for (std::size_t i = 0; i < problem.scenario.asks.size(); ++i) {
    for (Question& question : questions) {
      if (question.id != fmt::format("{}-{}", problem.scenario.name, i + 1)) continue;
      const Ask& ask = problem.scenario.asks[i];
      if (source.settings != Overrides{}) ask_in_general(problem, ask, question);
      NumberAnswer& number = question.number;
      if (!number.usual.empty()) continue;
      const auto more = usual_mistakes(problem.scenario, ask, number, source.machine);
      number.wrong.insert(number.wrong.end(), more.begin(), more.end());
    }
  }
  if (questions.empty() && !problem.scenario.asks.empty()) {
    return usage_error("the model gives no answer to scenario '{}' with {}; take smaller numbers",
                       problem.scenario.name, settings_in_words(source.settings));
  }
  std::vector<Question> known = questions;
  known.insert(known.end(), file.questions.begin(), file.questions.end());
  if (!source.only.empty()) {
    QuizFilter filter;
    filter.ids = source.only;
    auto chosen = select(known, filter);
    if (!chosen) return chosen.error();
    questions = std::move(*chosen);
  }
  if (questions.empty()) {
    return usage_error("scenario '{}' asks nothing that could be graded; it needs an [[ask]]",
                       problem.scenario.name);
  }
  for (Question& question : questions) {
    order_choices(question, source.machine.seed);
    if (question.scenario == problem.scenario.name) question.proof = with_path(question.proof, problem);
  }
  for (const Question& question : known) problem.known.push_back(question.id);
  problem.questions = std::move(questions);
  return problem;
}

std::size_t GradeSheet::points() const {
  return static_cast<std::size_t>(
      std::count_if(grades.begin(), grades.end(), [](const Grade& grade) { return grade.right; }));
}

double GradeSheet::score() const {
  return grades.empty() ? 0 : static_cast<double>(points()) / static_cast<double>(grades.size());
}

Result<GradeSheet> grade_answers(Problem problem, const AnswerFile& answers) {
  if (const auto same = agree(problem, answers); !same) return same.error();
  std::vector<std::string> ids;
  for (const Question& question : problem.questions) ids.push_back(question.id);
  GradeSheet sheet;
  sheet.grades.resize(ids.size());
  for (const auto& [id, given] : answers.answers) {
    const auto at = std::find(ids.begin(), ids.end(), id);
    if (at == ids.end() && contains(problem.known, id)) {
      sheet.left_out.push_back(id);
      continue;
    }
    if (at == ids.end())
      return usage_error("answers: there is no question '{}' here{}", id.substr(0, 60), suggestion(id, ids));
    const auto index = static_cast<std::size_t>(at - ids.begin());
    const Question& question = problem.questions[index];
    if (const auto clear = can_be_numbered(question, given, answers); !clear) return clear.error();
    auto graded = grade(question, given);
    if (!graded) return graded.error();
    sheet.grades[index] = std::move(*graded);
  }
  sheet.problem = std::move(problem);
  return sheet;
}

std::string command_of(const Problem& problem) {
  const Overrides& settings = problem.settings;
  std::string command = "lab run " + problem.name;
  for (const auto& [name, value] : settings.params)
    command += fmt::format(" --set {}={}", name, format_duration_literal(value));
  if (settings.requests) command += fmt::format(" --requests {}", *settings.requests);
  if (settings.workers) command += fmt::format(" --workers {}", *settings.workers);
  if (settings.threads) command += fmt::format(" --threads {}", *settings.threads);
  if (settings.scale != 1) command += fmt::format(" --scale {:g}", settings.scale);
  return command;
}

}  // namespace lab
