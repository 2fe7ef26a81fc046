#include "lab/course/grade.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <set>

#include "lab/testing/proof_testing.hpp"

using namespace lab;

namespace {

const std::string kSecret = "a secret of the teacher's";

Problem shipped(const std::string& name) {
  return make_problem({name, {}, {2, 42}, {}});
}

Problem variant_of(const std::string& name, const std::string& student) {
  ProblemSource source;
  source.name = name;
  return make_variant(source, student, kSecret);
}

const NumberAnswer& number(const Problem& problem, std::size_t index = 0) {
  return problem.questions.at(index).number;
}

std::string mistake(const Problem& problem, std::size_t index, const std::string& answer) {
  return grade(problem.questions.at(index), answer).value().misconception;
}

AnswerFile answers_of(const std::string& text) {
  return parse_answer_file(text, "answers.json");
}

}  // namespace

TEST_CASE("no usual mistake is near what is accepted, in any scenario") {
  for (const std::string& name : scenario_names()) {
    const Problem problem = shipped(name);
    for (std::size_t i = 0; i < problem.scenario.asks.size(); ++i) {
      const NumberAnswer& asked = number(problem, i);
      INFO(problem.questions[i].id);
      if (!asked.usual.empty()) continue;
      for (const auto& wrong : usual_mistakes(problem.scenario, problem.scenario.asks[i], asked, {2, 42})) {
        INFO(wrong.value << ": " << wrong.say);
        CHECK((wrong.value < asked.low || wrong.value > asked.high));
      }
      const std::string right = fmt::format("{:.12g}{}", asked.right, asked.is_time ? "s" : "");
      CHECK(grade(problem.questions[i], right).value().right);
    }
  }
}

TEST_CASE("a reason that several questions share is reported once") {
  const AnswerFile answers =
      answers_of(R"({"schema": "lab.answers/1", "scenario": "blocking-async", "answers": {}})");
  GradeSheet sheet = grade_answers(shipped("blocking-async"), answers);
  sheet.show_answers = true;
  const std::string& why = sheet.problem.questions.at(0).why;
  REQUIRE(sheet.problem.questions.at(1).why == why);
  TextStyle style;
  style.width = 4'000;
  const std::string text = grade_text(sheet, style);
  CHECK(text.find(why) != std::string::npos);
  CHECK(text.find(why) == text.rfind(why));
  CHECK(text.find("WHY     see blocking-async-1\n") != std::string::npos);
}

TEST_CASE("adding up, taking one alone and dividing are known by this problem's own figures") {
  Overrides settings;
  settings.requests = 13;
  settings.params["d"] = 200 * kMillisecond;
  const Problem problem = make_problem({"blocking-async", settings, {2, 42}, {}});
  CHECK(number(problem).right == Approx(2.6));
  CHECK(mistake(problem, 0, "200ms").find("one request alone") != std::string::npos);
  CHECK(mistake(problem, 0, "1.4s").find("the mean") != std::string::npos);
  CHECK(mistake(problem, 1, "2.6s").find("added up what all 13") != std::string::npos);
  CHECK(mistake(problem, 2, "650ms").find("divided the sum by 4 workers") != std::string::npos);
  CHECK(mistake(problem, 2, "2.6s").find("13") != std::string::npos);
  CHECK(mistake(problem, 0, "7s").empty());
}

TEST_CASE("waits inside one handler that were added up are known too") {
  Overrides settings;
  settings.params["d"] = 2 * kSecond;
  const Problem problem = make_problem({"sequential-vs-gather", settings, {2, 42}, {}});
  CHECK(mistake(problem, 0, "2s") == "that is the longest of the waits alone, as if all of them overlapped.");
  CHECK(mistake(problem, 1, "6s") == "you added the waits; these overlap.");
}

TEST_CASE("a variant follows from student, scenario and secret alone") {
  CHECK(variant_of("blocking-async", "ada").settings == variant_of("blocking-async", "ada").settings);
  CHECK(variant_of("blocking-async", "ada").settings != variant_of("blocking-async", "bob").settings);
  ProblemSource source;
  source.name = "blocking-async";
  const Problem other = make_variant(source, "ada", "another secret, also long");
  CHECK(other.variant != variant_of("blocking-async", "ada").variant);
  CHECK_THROWS_AS(make_variant(source, "", kSecret), Failure);
  CHECK_THROWS_AS(make_variant(source, "ada", "short"), Failure);
}

TEST_CASE("answers of a class differ, and no shipped answer is right by chance for all") {
  std::set<double> answers;
  for (int i = 0; i < 30; ++i)
    answers.insert(number(variant_of("blocking-async", fmt::format("s{}", i))).right);
  CHECK(answers.size() >= 25);
}

TEST_CASE("every scenario gives a variant that can be solved, or says that it has none") {
  for (const std::string& name : scenario_names()) {
    INFO(name);
    ProblemSource source;
    source.name = name;
    try {
      for (const Question& question : make_variant(source, "ada", kSecret).questions) {
        CHECK(question.number.right > 0);
        CHECK(question.text.find("tenth") == std::string::npos);
      }
    } catch (const Failure& failure) {
      CHECK(failure.error().kind == ErrorKind::usage);
    }
  }
}

TEST_CASE("answers are refused where they are to something else") {
  const std::string start = R"({"schema": "lab.answers/1", "scenario": "gil")";
  const auto sheet = [&](const std::string& scenario, const std::string& rest) {
    return grade_answers(shipped(scenario), answers_of(start + rest));
  };
  CHECK_THROWS_AS(sheet("blocking-async", R"(, "answers": {}})"), Failure);
  CHECK_THROWS_AS(sheet("gil", R"(, "seed": 7, "answers": {}})"), Failure);
  CHECK_THROWS_AS(sheet("gil", R"(, "variant": "00000000", "answers": {}})"), Failure);
  CHECK_THROWS_AS(sheet("gil", R"(, "answers": {"gil-7": "1s"}})"), Failure);
  const GradeSheet right = sheet("gil", R"(, "answers": {"gil-1": "400 ms"}})");
  CHECK(right.right() == 1);
  CHECK(right.score() == Approx(0.5));
}

TEST_CASE("a key that stands twice in one object is found, in different objects it is none") {
  const auto twice = [](const std::string& key) { return Catch::Contains("\"" + key + "\" stands twice"); };
  CHECK_THROWS_WITH(answers_of(R"({"a": 1, "b": {"c": 2, "c" : 3}})"), twice("c"));
  CHECK_THROWS_WITH(answers_of(R"({"a": "\"a\": {", "a": 1})"), twice("a"));
  for (const char* once : {R"({"a": 1, "b": {"a": 2}, "c": [{"a": 3}, {"a": 4}]})",
                           R"({"a": "a", "b": "a", "c": ["a", "a"]})", "[1, 2]"})
    CHECK_THROWS_WITH(answers_of(once), Catch::Contains("no answer file of this version"));
}

TEST_CASE("Gradescope's score is the sum of its tests") {
  const auto sheet = grade_answers(
      shipped("gil"),
      answers_of(R"({"schema": "lab.answers/1", "scenario": "gil", "answers": {"gil-1": "400 ms"}})"));
  const boost::json::value reported = boost::json::parse(gradescope_json(sheet));
  std::int64_t sum = 0;
  for (const boost::json::value& test : reported.at("tests").as_array())
    sum += test.at("score").to_number<std::int64_t>();
  CHECK(reported.at("score").to_number<std::int64_t>() == sum);
  CHECK(boost::json::parse(gradescope_refusal("why \"not\"")).at("output").as_string() ==
        "Not graded: why \"not\"");
}
