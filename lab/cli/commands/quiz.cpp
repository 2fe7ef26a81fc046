#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <random>

#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/options.hpp"
#include "lab/cli/tagged.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/course/data.hpp"
#include "lab/course/quiz.hpp"
#include "lab/course/quiz_report.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

namespace json = boost::json;

struct RawQuizOptions {
  std::string count = "10", seed, topic, document, scenario, answers, pass;
  std::vector<std::string> only;
  bool list = false, questions = false;
  RawOutputOptions output;
};

struct QuizOptions {
  std::size_t count = 10;
  std::uint64_t seed = 0;
  std::optional<double> pass;  ///< 0 to 1
  bool as_json = false;
  TextStyle style;
};

QuizOptions check(const RawQuizOptions& raw) {
  QuizOptions options;
  options.count = static_cast<std::size_t>(parse_count("--count", raw.count, 1, 1000).value());
  if (!raw.only.empty()) options.count = raw.only.size();
  const OutputOptions output = check_output_options(raw.output).value();
  options.as_json = output.format == Format::json;
  options.style = output.style;
  if (!raw.pass.empty()) options.pass = parse_share("--pass", raw.pass).value();
  const bool asks = raw.answers.empty() && !raw.list && !raw.questions;
  if (asks && isatty(STDIN_FILENO) != 1) {
    throw Failure(
        usage_error("lab quiz asks on a terminal; in a script: lab quiz --seed 7 --questions --format json, "
                    "then lab quiz --seed 7 --answers FILE"));
  }
  if (!raw.answers.empty() && raw.seed.empty())
    throw Failure(usage_error("--answers needs the --seed with which the questions were asked"));
  if (!raw.answers.empty() && (raw.list || raw.questions))
    throw Failure(usage_error("--answers grades; leave --list and --questions out"));
  options.seed = raw.seed.empty()
                     ? std::random_device()() % 10'000
                     : static_cast<std::uint64_t>(parse_count("--seed", raw.seed, 0, INT64_MAX).value());
  return options;
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

std::string read_answers(const std::string& path) {
  constexpr std::size_t kLargest = 1 << 20;
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) throw Failure(usage_error("--answers: {}: cannot be read", path));
  }
  std::istream& input = path == "-" ? std::cin : file;
  std::string text(kLargest + 1, '\0');
  input.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(input.gcount()));
  if (text.size() > kLargest) throw Failure(usage_error("--answers: more than a megabyte"));
  return text;
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
    print_error("\n{}", spell_question(question, head, style));
    for (;;) {
      const auto line = ask_line(answer_prompt(question), style);
      if (!line || *line == "q") return grades;
      if (*line == "s") break;
      if (line->empty()) {
        print_error("\n{}", spell_question(question, head, style));
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

int quiz(const RawQuizOptions& raw) {
  const QuizOptions options = check(raw);
  QuizFilter filter{raw.topic, raw.document, raw.scenario, raw.only};
  std::vector<Question> questions;
  if (is_scenario_path(raw.scenario)) {
    const Scenario own = load_scenario(raw.scenario, known_modes()).value();
    filter.scenario = own.name;
    questions = questions_in(own, raw.scenario);
  } else {
    questions = all_questions();
  }
  questions = select(questions, filter).value();
  const std::size_t count = raw.list ? questions.size() : options.count;
  if (raw.list && !options.as_json) {
    print(list_questions(questions, options.style));
    return 0;
  }
  questions = draw(std::move(questions), count, options.seed);
  if (raw.list || raw.questions) {
    print(options.as_json ? questions_json(questions, options.seed)
                          : spell_questions(questions, options.seed, options.style));
    return 0;
  }
  std::vector<Grade> grades;
  if (raw.answers.empty()) {
    if (questions.size() < count) print_error("there are {} such questions\n", questions.size());
    grades = ask_all(questions, options.style);
    print_error("\n");
  } else {
    const auto answers = parse_answers(read_answers(raw.answers), questions);
    for (const Question& question : questions) {
      const auto given = answers.find(question.id);
      grades.push_back(grade(question, given == answers.end() ? "" : given->second).value());
    }
  }
  const QuizResult result{questions, grades, options.seed, options.pass};
  print(options.as_json ? result_json(result) : result_text(result, options.style));
  return result.passed() ? 0 : static_cast<int>(ErrorKind::check_failed);
}

}  // namespace

void add_quiz(CLI::App& app, Action& action) {
  CLI::App* verb =
      app.add_subcommand("quiz", "questions, graded with the mistake named and the run that shows it");
  verb->footer(
      "Example: lab quiz --topic loop\n"
      "In a script: lab quiz --seed 7 --questions --format json, then with the same options\n"
      "lab quiz --seed 7 --answers FILE, a JSON object {\"question-id\": \"2\", \"another-id\": \"100ms\"}:\n"
      "the number of a choice or its text, a duration with its unit, a number.");
  auto raw = std::make_shared<RawQuizOptions>();
  add_text(*verb, "--count", raw->count, "how many questions")->type_name("N")->capture_default_str();
  add_text(*verb, "--seed", raw->seed, "the same seed asks the same quiz")->type_name("S");
  add_text(*verb, "--topic", raw->topic, "concepts, loop, waiting, computing or running")->type_name("WORD");
  add_text(*verb, "--document", raw->document, "D0 to D4")->type_name("D");
  add_text(*verb, "--scenario", raw->scenario, "questions that this scenario answers, a name or a path")
      ->type_name("SCENARIO");
  add_texts(*verb, "--only", raw->only, "these questions")->delimiter(',')->type_name("ID,ID");
  verb->add_flag("--list", raw->list, "all questions, without answers");
  verb->add_flag("--questions", raw->questions, "print the questions of this seed and ask nothing");
  add_text(*verb, "--answers", raw->answers, "grade the answers in this JSON file; - is standard input")
      ->type_name("FILE");
  add_text(*verb, "--pass", raw->pass, "exit 1 below this score, as 80%")->type_name("SHARE");
  add_text_or_json(*verb, raw->output);
  verb->callback([&action, raw] { action = [raw] { return quiz(*raw); }; });
}

}  // namespace lab
