#include "lab/course/quiz.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "lab/core/text.hpp"
#include "lab/experiment/report.hpp"
#include "lab/servers/mode.hpp"
#include "lab/testing/proof_testing.hpp"

using namespace lab;

namespace {

std::vector<Question> all_questions() {
  std::vector<Question> questions = scenario_questions();
  questions.insert(questions.begin(), quiz_file().questions.begin(), quiz_file().questions.end());
  return questions;
}

const Question& find(const std::vector<Question>& questions, std::string_view id) {
  return *std::find_if(questions.begin(), questions.end(),
                       [&](const Question& question) { return question.id == id; });
}

/// As one would type it.
std::string typed(double value, bool is_time) {
  return is_time ? fmt::format("{:.9g}s", value) : fmt::format("{:.9g}", value);
}

}  // namespace

TEST_CASE("there are questions from every document, with a name of their own each") {
  const std::vector<Question> data = quiz_file().questions;
  CHECK(data.size() >= 40);
  for (const char* document : {"D0", "D1", "D2", "D3", "D4"}) {
    INFO(document);
    CHECK(std::count_if(data.begin(), data.end(), [&](const Question& question) {
            return question.documents.front() == document;
          }) >= 5);
  }
  std::set<std::string> topics;
  for (const Question& question : all_questions()) topics.insert(question.topic);
  CHECK(topics == std::set<std::string>{"concepts", "loop", "waiting", "computing", "running"});
  const std::vector<std::string> ids = ids_of(all_questions());
  CHECK(std::set<std::string>(ids.begin(), ids.end()).size() == ids.size());
}

TEST_CASE("every ask of every scenario has an answer from the model, or a range that is known") {
  const QuizFile& file = quiz_file();
  std::set<std::string> asked;
  for (const std::string& name : scenario_names()) {
    const Scenario scenario = load_scenario(name, known_modes()).value();
    INFO(name);
    const std::vector<Question> questions = questions_of(scenario, file.measured);
    CHECK(questions.size() == scenario.asks.size());
    for (const std::string& id : ids_of(questions)) asked.insert(id);
  }
  for (const MeasuredAnswer& answer : file.measured) {
    INFO(answer.ask);
    CHECK(asked.count(answer.ask) == 1);
    CHECK(answer.from.value < answer.to.value);
  }
}

TEST_CASE("the right answer is graded right, every wrong one as the mistake that it is") {
  for (const Question& question : all_questions()) {
    INFO(question.id);
    const NumberAnswer& number = question.number;
    for (const Choice& choice : question.choices) {
      const Grade given = grade(question, choice.text).value();
      CHECK(given.right == choice.right);
      CHECK(given.misconception == choice.say);
    }
    if (!question.choices.empty()) continue;
    const double right = number.usual.empty() ? number.right : (number.low + number.high) / 2;
    CHECK(grade(question, typed(right, number.is_time)).value().right);
    for (const NumberAnswer::Wrong& wrong : number.wrong) {
      const Grade given = grade(question, typed(wrong.value, number.is_time)).value();
      CHECK_FALSE(given.right);
      CHECK(given.misconception == wrong.say);
    }
  }
}

TEST_CASE("an arm is described without saying its model or its number of workers twice") {
  Overrides five;
  five.workers = 5;
  const auto scenario = load_scenario("worker-identity", known_modes(), five);
  REQUIRE(scenario.has_value());
  const QuizFile& file = quiz_file();
  const std::vector<Question> questions = questions_of(*scenario, file.measured);
  REQUIRE_FALSE(questions.empty());
  for (const Question& question : questions) {
    const std::string& line = question.context.back();
    INFO(line);
    CHECK(line.find(line.substr(0, line.find(' ')), 1) == std::string::npos);
    CHECK(line.find("× 5") == line.rfind("× 5"));
  }
}

TEST_CASE("every proof is a command that the program takes") {
  for (const Question& question : all_questions()) {
    INFO(question.proof);
    CHECK_NOTHROW(scenario_of_command(question.proof));
    CHECK_FALSE(question.why.empty());
  }
}

TEST_CASE("figures of the file are those of the model where they speak of the same") {
  const std::vector<Question> questions = quiz_file().questions;
  const auto model = [](const std::string& command) {
    const Scenario scenario = scenario_of_command(command);
    return make_prediction(scenario, 42).arms.front().predicted_s.value();
  };
  for (const char* id : {"d0-timeline", "d0-four-workers", "d1-six-sleeps", "d1-hundred-pooled",
                         "d1-def-sleeps-too", "d2-eighty-one", "d3-thousand"}) {
    const Question& question = find(questions, id);
    INFO(id);
    CHECK(question.number.right == Approx(model(question.proof)).epsilon(1e-6));
  }
}

TEST_CASE("the same seed asks the same quiz, in the same order of choices") {
  const std::vector<Question> questions = quiz_file().questions;
  const auto once = draw(questions, 10, 7);
  const auto again = draw(questions, 10, 7);
  CHECK(ids_of(once) == ids_of(again));
  CHECK(questions_json(once, 7) == questions_json(again, 7));
  CHECK(ids_of(once) != ids_of(draw(questions, 10, 8)));
  CHECK(draw(questions, 10'000, 7).size() == questions.size());
}

TEST_CASE("a quiz asks the easy questions first and the hard ones last") {
  const std::vector<Question> questions = all_questions();
  const auto level = [](const Question& question) { return quiz_file().level_of(question.id); };
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto drawn = draw(questions, 10, seed);
    CHECK(std::ranges::is_sorted(drawn, {}, level));
  }
  const auto all = draw(questions, questions.size(), 1);
  CHECK(level(all.front()) == 1);
  CHECK(level(all.back()) == 3);
}

TEST_CASE("every id in the lists of easy and hard questions is a question, and is there once") {
  std::vector<std::string> listed = quiz_file().easy;
  listed.insert(listed.end(), quiz_file().hard.begin(), quiz_file().hard.end());
  const std::vector<std::string> ids = ids_of(all_questions());
  for (const std::string& id : listed) {
    INFO(id);
    CHECK(std::ranges::count(ids, id) == 1);
    CHECK(std::ranges::count(listed, id) == 1);
  }
  CHECK(listed.size() > ids.size() / 3);
}

TEST_CASE("an answer is followed by right, or by its mistake and the right answer") {
  const Question question = find(all_questions(), "gil-1");
  const TextStyle style;
  CHECK(format_grade(question, grade(question, "400ms").value(), style) == "right\n");
  const std::string wrong = format_grade(question, grade(question, "200ms").value(), style);
  CHECK(wrong.starts_with("wrong     Two cores"));
  CHECK(wrong.ends_with("right is  400 ms\n"));
}

TEST_CASE("the right choice stands in every place, and where does not hang on what else is asked") {
  const Question question = find(quiz_file().questions, "d2-log");
  std::set<std::ptrdiff_t> places;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Question drawn = draw({question}, 1, seed).front();
    const auto right =
        std::find_if(drawn.choices.begin(), drawn.choices.end(), [](const Choice& c) { return c.right; });
    places.insert(right - drawn.choices.begin());
    const auto all = draw(quiz_file().questions, 1000, seed);
    CHECK(find(all, "d2-log").choices.front().text == drawn.choices.front().text);
  }
  CHECK(places.size() == question.choices.size());
}

TEST_CASE("a figure is understood in any unit, and refused without") {
  const Question question = find(all_questions(), "gil-1");
  for (const char* text : {"400ms", "0.4s", "0.4 s", "400000us"}) CHECK(grade(question, text).value().right);
  CHECK(grade(question, "400").error().message == "gil-1: '400' has no unit; write 400ms or 400s");
  const Grade far = grade(question, "3h").value();
  CHECK_FALSE(far.right);
  CHECK(far.misconception.empty());
  const Question part = find(all_questions(), "task-queue-1");
  CHECK(grade(part, "75%").value().right);
  CHECK(grade(part, "0.75").value().right);
  CHECK(grade(part, "much").has_error());
}

TEST_CASE("where nothing at all is right, nearly nothing is too") {
  const Question question = find(all_questions(), "background-task-2");
  CHECK(grade(question, "0s").value().right);
  CHECK(grade(question, "1ms").value().right);
  CHECK_FALSE(grade(question, "450ms").value().right);
}

TEST_CASE("a choice is given by its number or its text; an empty answer is none") {
  const Question question = find(quiz_file().questions, "d2-log");
  CHECK(grade(question, "1").value().right);
  CHECK_FALSE(grade(question, "2").value().right);
  CHECK(grade(question, "5").error().message == "d2-log: '5' is none of its choices; give 1 to 4");
  const Grade nothing = grade(question, " ").value();
  CHECK_FALSE(nothing.right);
  CHECK(nothing.given.empty());
}

TEST_CASE("questions are chosen by topic, document and scenario; unknown words get the nearest one") {
  const std::vector<Question> questions = all_questions();
  for (const Question& question : select(questions, {"loop", "D2", "", {}})) {
    CHECK(question.topic == "loop");
    CHECK(question.documents.front() == "D2");
  }
  CHECK(select(questions, {"", "", "gil", {}}).size() >= 2);
  CHECK(ids_of(select(questions, {"", "", "", {"gil-1"}})) == std::vector<std::string>{"gil-1"});
  const auto message = [&](const QuizFilter& filter) -> std::string {
    try {
      select(questions, filter);
      return "";
    } catch (const Failure& failure) {
      return failure.what();
    }
  };
  CHECK(message({"lop", "", "", {}}).find("did you mean 'loop'?") != std::string::npos);
  CHECK(message({"", "D9", "", {}}).find("--document: unknown word 'D9'") == 0);
  CHECK(message({"", "", "gill", {}}).find("did you mean 'gil'?") != std::string::npos);
  CHECK(message({"", "", "", {"d2-lag"}}).find("did you mean 'd2-log'?") != std::string::npos);
  CHECK(message({"concepts", "D3", "", {}}).find("no question fits all of these options") == 0);
}

TEST_CASE("unanswered questions count, and a threshold decides") {
  QuizResult result;
  result.questions = draw(quiz_file().questions, 4, 1);
  result.grades = {Grade{"a", true, ""}, Grade{"b", true, ""}, Grade{"c", true, ""}, Grade{}};
  CHECK(result.score() == Approx(0.75));
  CHECK(result.passed());
  result.pass = 0.8;
  CHECK_FALSE(result.passed());
  result.pass = 0.75;
  CHECK(result.passed());
}

TEST_CASE("a mistake in the file is reported with its place") {
  CHECK_THROWS_WITH(parse_quiz("[[questions]]\nid = \"x\"\n", "q.toml"),
                    Catch::StartsWith("q.toml:1:1: each of questions of the file needs the key 'document'"));
  const std::string start =
      "[[questions]]\nid=\"x\"\ndocument=\"D0\"\nplace=\"p\"\ntopic=\"loop\"\ntext=\"t\"\nwhy=\"w\"\nproof="
      "\"lab run gil\"\n";
  CHECK_THROWS_WITH(parse_quiz(start + "answer = \"1\"\nwrong = [{ value = \"1s\", say = \"x\" }]", "q.toml"),
                    Catch::Contains("has no unit"));
  CHECK_THROWS_WITH(parse_quiz(start + "answer = \"1s\"\nwrong = [{ value = 1, say = \"x\" }]", "q.toml"),
                    Catch::Contains("of the same kind"));
  CHECK_THROWS_WITH(parse_quiz(start + "wrong = [{ choice = \"a\", say = \"x\" }]", "q.toml"),
                    Catch::Contains("x: give answer or choice"));
  CHECK_THROWS_WITH(
      parse_quiz(start + "answer = 1\nchoice = \"a\"\nwrong = [{ value = 2, say = \"x\" }]", "q.toml"),
      Catch::Contains("x: give answer or choice"));
  CHECK_THROWS_WITH(parse_quiz(start + "choice = \"a\"\nwrong = [{ say = \"x\" }]", "q.toml"),
                    Catch::Contains("else a choice"));
  CHECK_THROWS_WITH(parse_quiz(start + "answer = 1\nwrong = []", "q.toml"),
                    Catch::Contains("x: wrong is empty"));
  CHECK_THROWS_WITH(parse_quiz(start + "answer = true\nwrong = [{ value = 2, say = \"x\" }]", "q.toml"),
                    Catch::Contains("must be a number or a duration"));
}
