#include <unistd.h>

#include <random>
#include <utility>

#include "lab/cli/command.hpp"
#include "lab/cli/screen.hpp"
#include "lab/core/terminal.hpp"
#include "lab/course/quiz.hpp"
#include "lab/servers/mode.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

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
  const bool grades = !options.answers.empty();
  refuse_if(!grades && !options.list && !options.questions && isatty(STDIN_FILENO) != 1,
            "lab quiz asks on a terminal; in a script: lab quiz --seed 7 --questions --format json, "
            "then lab quiz --seed 7 --answers FILE");
  refuse_if(grades && !options.seed, "--answers needs the --seed with which the questions were asked");
  refuse_if(grades && (options.list || options.questions),
            "--answers grades; leave --list and --questions out");
}

std::vector<Question> chosen_questions(QuizFilter filter) {
  if (is_scenario_path(filter.scenario)) {
    const Scenario own = load_scenario(filter.scenario, known_modes()).value();
    const std::string path = std::exchange(filter.scenario, own.name);
    return select(questions_in(own, path), filter);
  }
  std::vector<Question> all = scenario_questions([](const Error& error) { print_warning(error.message); });
  all.insert(all.begin(), quiz_file().questions.begin(), quiz_file().questions.end());
  return select(all, filter);
}

/// Asks one question after the other and says whether each answer is right. Questions that are skipped, or
/// come after `q`, stay without an answer.
std::vector<Grade> ask_all(const std::vector<Question>& questions, const TextStyle& style) {
  std::vector<Grade> grades(questions.size());
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const std::string head = fmt::format("{} of {}", i + 1, questions.size());
    const auto line = ask_until(format_question(questions[i], head, style), answer_prompt(questions[i]),
                                style, [&](const std::string& text) -> Result<void> {
                                  if (text == "q" || text == "s") return {};
                                  LAB_TRY(grades[i], grade(questions[i], text));
                                  print_error("{}", format_grade(questions[i], grades[i], style));
                                  return {};
                                });
    if (!line || *line == "q") break;
  }
  print_error("\n");
  return grades;
}

int quiz(const QuizOptions& options) {
  refuse_contradictions(options);
  const bool as_json = options.output.format == Format::json;
  const TextStyle& style = options.output.style;
  std::vector<Question> questions = chosen_questions(options.filter);
  if (options.list && !as_json) {
    print(list_questions(questions, style));
    return 0;
  }
  const std::uint64_t seed = options.seed.value_or(std::random_device()() % 10'000);
  const std::size_t count = options.list                 ? questions.size()
                            : options.filter.ids.empty() ? options.count
                                                         : options.filter.ids.size();
  questions = draw(std::move(questions), count, seed);
  if (options.list || options.questions) {
    print(as_json ? questions_json(questions, seed) : format_questions(questions, seed, style));
    return 0;
  }
  QuizResult result{{{}, options.pass}, questions, seed};
  if (options.answers.empty()) {
    if (questions.size() < count) print_error("there are {} such questions\n", questions.size());
    result.grades = ask_all(questions, style);
  } else {
    result.grades = grade_all(questions, read_input("--answers", options.answers));
  }
  print(as_json ? result_json(result) : result_text(result, style));
  return result.passed() ? 0 : static_cast<int>(ErrorKind::check_failed);
}

}  // namespace

Command quiz_command() {
  Command command(
      "quiz", "questions with grades: each mistake is named, with the run that shows it",
      "Example: lab quiz --topic loop\n"
      "On a terminal it says after each answer whether it is right, and begins with easy questions.\n"
      "In a script: lab quiz --seed 7 --questions --format json, then with the same options\n"
      "lab quiz --seed 7 --answers FILE, a JSON object {\"question-id\": \"2\", \"another-id\": \"100ms\"}.\n"
      "An answer is the number of a choice or its text, a duration with its unit, or a number.");
  QuizOptions& options = command.runs<QuizOptions>(quiz);
  command.count("--count", "N", options.count, 1, 1000, "how many questions").shows("10");
  command.count("--seed", "S", options.seed, 0, INT64_MAX, "random seed: the same seed asks the same quiz");
  command.text("--topic", "WORD", options.filter.topic, Command::in_words(kTopics)).choices = kTopics;
  command.text("--document", "D", options.filter.document, "questions about this document, D0 to D4");
  command.text("--scenario", "SCENARIO", options.filter.scenario,
               "questions that this scenario answers; a name or a path");
  command.texts("--only", "ID,ID", options.filter.ids, "only these questions").list();
  command.flag("--list", options.list, "all questions, without answers");
  command.flag("--questions", options.questions, "print the questions of this seed; asks nothing");
  command.text("--answers", "FILE", options.answers,
               "grade the answers in this JSON file; - is standard input");
  command.read("--pass", "SHARE", options.pass, parse_share, "exit 1 below this score, such as 80%");
  add_text_or_json(command, options.output);
  return command;
}

}  // namespace lab
