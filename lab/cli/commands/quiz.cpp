#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <memory>
#include <random>

#include "lab/cli/ask.hpp"
#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/options.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/course/data.hpp"
#include "lab/course/quiz.hpp"
#include "lab/course/quiz_report.hpp"
#include "lab/course/tagged.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

namespace json = boost::json;

const std::vector<std::string> kTopics{"concepts", "loop", "waiting", "computing", "running"};

struct QuizOptions {
  std::size_t count = 10;
  std::optional<std::uint64_t> seed;
  QuizFilter filter;
  std::string answers;         ///< a file
  std::optional<double> pass;  ///< 0 to 1
  bool list = false, questions = false;
  OutputOptions output;
};

void refuse_contradictions(const QuizOptions& options) {
  const bool asks = options.answers.empty() && !options.list && !options.questions;
  if (asks && isatty(STDIN_FILENO) != 1) {
    throw Failure(
        usage_error("lab quiz asks on a terminal; in a script: lab quiz --seed 7 --questions --format json, "
                    "then lab quiz --seed 7 --answers FILE"));
  }
  if (!options.answers.empty() && !options.seed)
    throw Failure(usage_error("--answers needs the --seed with which the questions were asked"));
  if (!options.answers.empty() && (options.list || options.questions))
    throw Failure(usage_error("--answers grades; leave --list and --questions out"));
}

/// Those of the file, then those of every scenario that can be read.
std::vector<Question> all_questions() {
  QuizFile file = parse_quiz(kQuizText, "results/quiz.toml").value();
  std::vector<Question> questions = std::move(file.questions);
  for (const std::string& name : scenario_names()) {
    const auto scenario = load_scenario(name, known_modes());
    if (!scenario) {
      print_warning(scenario.error().message);
      continue;
    }
    for (Question& question : questions_of(*scenario, file.measured))
      questions.push_back(std::move(question));
  }
  return questions;
}

/// What a file of one's own asks. Where it is a shipped one as it stands, what was measured of that holds.
std::vector<Question> questions_in(const Scenario& own, const std::string& path) {
  const auto shipped = load_scenario(own.name, known_modes());
  std::map<std::string, MeasuredAnswer> measured;
  if (shipped && shipped->source == own.source)
    measured = parse_quiz(kQuizText, "results/quiz.toml").value().measured;
  std::vector<Question> questions = questions_of(own, measured, {}, path);
  if (questions.empty())
    throw Failure(
        usage_error("{}: asks nothing that can be graded; add an [[ask]], see scenarios/README.md", path));
  return questions;
}

/// A JSON object {"question-id": "answer"}; every id must be of a question that is asked.
std::map<std::string, std::string> parse_answers(const std::string& text,
                                                 const std::vector<Question>& asked) {
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  if (error || !document.is_object()) {
    throw Failure(
        usage_error("--answers: not a JSON object such as {{\"d2-log\": \"2\", \"gil-1\": \"400ms\"}}{}",
                    error ? ": " + error.message() : ""));
  }
  std::vector<std::string> ids;
  for (const Question& question : asked) ids.push_back(question.id);
  std::map<std::string, std::string> answers;
  for (const auto& [key, value] : document.as_object()) {
    const std::string id(key);
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) {
      throw Failure(usage_error("--answers: no question '{}' is asked with this seed{}", id.substr(0, 60),
                                suggestion(id, ids)));
    }
    if (value.is_null()) continue;
    if (value.is_string()) {
      answers[id] = value.as_string();
    } else if (value.is_number()) {
      answers[id] = fmt::format("{:g}", value.to_number<double>());
    } else {
      throw Failure(usage_error("--answers: {}: a string or a number is an answer", id));
    }
  }
  return answers;
}

/// Asks one question after the other; those that are passed, or come after `q`, stay without an answer.
std::vector<Grade> ask_all(const std::vector<Question>& questions, const TextStyle& style) {
  std::vector<Grade> grades(questions.size());
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const Question& question = questions[i];
    const std::string head = fmt::format("{} of {}", i + 1, questions.size());
    print_error("\n{}", format_question(question, head, style));
    for (;;) {
      const auto line = ask_line(answer_prompt(question), style);
      if (!line || *line == "q") return grades;
      if (*line == "s") break;
      if (line->empty()) {
        print_error("\n{}", format_question(question, head, style));
        continue;
      }
      const auto graded = grade(question, *line);
      if (graded) {
        grades[i] = *graded;
        break;
      }
      print_error("{}", tagged("", graded.error().message, style));
    }
  }
  return grades;
}

int quiz(const QuizOptions& options) {
  refuse_contradictions(options);
  const bool as_json = options.output.format == Format::json;
  const TextStyle& style = options.output.style;
  const std::uint64_t seed = options.seed.value_or(std::random_device()() % 10'000);
  QuizFilter filter = options.filter;
  std::vector<Question> questions;
  if (is_scenario_path(filter.scenario)) {
    const Scenario own = load_scenario(filter.scenario, known_modes()).value();
    questions = questions_in(own, filter.scenario);
    filter.scenario = own.name;
  } else {
    questions = all_questions();
  }
  questions = select(questions, filter).value();
  const std::size_t count = options.list         ? questions.size()
                            : filter.ids.empty() ? options.count
                                                 : filter.ids.size();
  if (options.list && !as_json) {
    print(list_questions(questions, style));
    return 0;
  }
  questions = draw(std::move(questions), count, seed);
  if (options.list || options.questions) {
    print(as_json ? questions_json(questions, seed) : format_questions(questions, seed, style));
    return 0;
  }
  std::vector<Grade> grades;
  if (options.answers.empty()) {
    if (questions.size() < count) print_error("there are {} such questions\n", questions.size());
    grades = ask_all(questions, style);
    print_error("\n");
  } else {
    const auto answers = parse_answers(read_input("--answers", options.answers), questions);
    for (const Question& question : questions) {
      const auto given = answers.find(question.id);
      grades.push_back(grade(question, given == answers.end() ? "" : given->second).value());
    }
  }
  const QuizResult result{questions, grades, seed, options.pass};
  print(as_json ? result_json(result) : result_text(result, style));
  return result.passed() ? 0 : static_cast<int>(ErrorKind::check_failed);
}

}  // namespace

Command quiz_command() {
  Command command(
      "quiz", "questions, graded with the mistake named and the run that shows it",
      "Example: lab quiz --topic loop\n"
      "In a script: lab quiz --seed 7 --questions --format json, then with the same options\n"
      "lab quiz --seed 7 --answers FILE, a JSON object {\"question-id\": \"2\", \"another-id\": \"100ms\"}:\n"
      "the number of a choice or its text, a duration with its unit, a number.");
  const auto options = std::make_shared<QuizOptions>();
  command.count("--count", "N", options->count, 1, 1000, "how many questions").shows("10");
  command.count("--seed", "S", options->seed, 0, INT64_MAX, "the same seed asks the same quiz");
  command.text("--topic", "WORD", options->filter.topic, Command::in_words(kTopics)).choices = kTopics;
  command.text("--document", "D", options->filter.document, "D0 to D4");
  command.text("--scenario", "SCENARIO", options->filter.scenario,
               "questions that this scenario answers, a name or a path");
  command.texts("--only", "ID,ID", options->filter.ids, "these questions").list();
  command.flag("--list", options->list, "all questions, without answers");
  command.flag("--questions", options->questions, "print the questions of this seed and ask nothing");
  command.text("--answers", "FILE", options->answers,
               "grade the answers in this JSON file; - is standard input");
  command.read("--pass", "SHARE", options->pass, parse_share, "exit 1 below this score, as 80%");
  add_text_or_json(command, options->output);
  command.run = [options] { return quiz(*options); };
  return command;
}

}  // namespace lab
