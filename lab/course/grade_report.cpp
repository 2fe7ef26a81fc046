#include "lab/course/grade_report.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>
#include <map>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "lab/course/quiz_report.hpp"
#include "lab/course/tagged.hpp"
#include "lab/experiment/options.hpp"

namespace lab {

namespace {

namespace json = boost::json;

std::string format_value(const Question& question, double value) {
  return question.number.is_time ? format_duration(to_nanos(value)) : fmt::format("{:.4g}", value);
}

std::string mistake_of(const Grade& grade) {
  if (grade.given.empty()) return "not answered";
  return grade.misconception.empty() ? "not right, and no usual mistake" : grade.misconception;
}

std::optional<double> measured(const GradeSheet& sheet, std::size_t i) {
  return sheet.run ? sheet.run->measured[i] : std::nullopt;
}

std::string reported(const GradeSheet& sheet, std::size_t i) {
  const Question& question = sheet.problem.questions[i];
  const Grade& grade = sheet.grades[i];
  std::string text = grade.right           ? fmt::format("{}: right", grade.given)
                     : grade.given.empty() ? mistake_of(grade)
                                           : fmt::format("{}: {}", grade.given, mistake_of(grade));
  if (const auto value = measured(sheet, i))
    text += fmt::format("{} run measured {}", text.ends_with('.') ? " Your" : "; your",
                        format_value(question, *value));
  return text;
}

json::value or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::value or_null(const std::optional<double>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::object settings_of(const Overrides& settings) {
  json::object object;
  for (const auto& [name, value] : settings.params) object[name] = format_duration_literal(value);
  if (settings.requests) object["requests"] = *settings.requests;
  if (settings.workers) object["workers"] = *settings.workers;
  if (settings.threads) object["threads"] = *settings.threads;
  if (settings.scale != 1) object["scale"] = settings.scale;
  return object;
}

json::object answer_of(const GradeSheet& sheet, std::size_t i) {
  const Question& question = sheet.problem.questions[i];
  const Grade& grade = sheet.grades[i];
  const bool is_time = question.choices.empty() && question.number.is_time;
  json::object object{{"id", question.id},
                      {"text", question.text},
                      {"given", or_null(grade.given)},
                      {"given_s", is_time ? or_null(grade.value) : json::value(nullptr)},
                      {"correct", grade.right},
                      {"misconception", or_null(grade.right ? "" : grade.misconception)},
                      {"measured", or_null(measured(sheet, i))},
                      {"proof", question.proof}};
  if (!sheet.show_answers) return object;
  object["expected"] = right_answer(question);
  const bool exact = is_time && question.number.usual.empty();
  object["expected_s"] = exact ? json::value(question.number.right) : json::value(nullptr);
  object["why"] = or_null(question.why);
  return object;
}

std::string head_of(const Problem& problem) {
  std::string head = problem.scenario.name;
  const std::string changes = describe_changes(problem.settings);
  if (!changes.empty()) head += ", " + changes;
  if (!problem.student.empty()) head += fmt::format(", student {}", problem.student);
  return problem.variant.empty() ? head : head + fmt::format(", variant {}", problem.variant);
}

json::object head_json(const char* schema, const Problem& problem) {
  json::object object{{"schema", schema},
                      {"scenario", problem.scenario.name},
                      {"seed", problem.machine.seed},
                      {"student", or_null(problem.student)},
                      {"variant", or_null(problem.variant)},
                      {"settings", settings_of(problem.settings)}};
  object["cores"] = problem.machine.cores;
  return object;
}

}  // namespace

std::string grade_text(const GradeSheet& sheet, const TextStyle& style) {
  std::string text = fmt::format("{} of {} points ({:.0f} %)\n", sheet.points(), sheet.grades.size(),
                                 std::floor(sheet.score() * 100 + 1e-9));
  text += tagged("OF", head_of(sheet.problem), style);
  std::map<std::string, std::string> said;  // a reason that several questions share is told once
  for (std::size_t i = 0; i < sheet.grades.size(); ++i) {
    const Question& question = sheet.problem.questions[i];
    text += "\n" + tagged("", fmt::format("{}: {}", question.id, question.text), style).substr(8);
    text += tagged(sheet.grades[i].right ? "RIGHT" : "WRONG", reported(sheet, i), style);
    if (sheet.show_answers) {
      text += tagged("IS", right_answer(question), style);
      const auto [first, fresh] = said.emplace(question.why, question.id);
      if (!question.why.empty()) text += tagged("WHY", fresh ? question.why : "see " + first->second, style);
    }
    if (!sheet.grades[i].right) text += tagged_command("SEE", question.proof, style);
  }
  if (!sheet.left_out.empty())
    text += "\n" + tagged("NOTE", "answered, but not asked here: " + join(sheet.left_out, ", "), style);
  if (sheet.pass)
    text += fmt::format("\n{}: {:g} % were needed\n", sheet.passed() ? "passed" : "not passed",
                        *sheet.pass * 100);
  return text;
}

std::string grade_json(const GradeSheet& sheet) {
  json::object object = head_json("lab.grade/1", sheet.problem);
  object["score"] = sheet.score();
  object["points"] = sheet.points();
  object["of"] = sheet.grades.size();
  object["passed"] = sheet.pass ? json::value(sheet.passed()) : json::value(nullptr);
  object["run"] = sheet.run ? json::value(sheet.run->path) : json::value(nullptr);
  object["left_out"] = json::array(sheet.left_out.begin(), sheet.left_out.end());
  json::array& answers = object["answers"].emplace_array();
  for (std::size_t i = 0; i < sheet.grades.size(); ++i) answers.push_back(answer_of(sheet, i));
  return json::serialize(object) + "\n";
}

std::string gradescope_json(const GradeSheet& sheet) {
  json::array tests;
  for (std::size_t i = 0; i < sheet.grades.size(); ++i) {
    const Question& question = sheet.problem.questions[i];
    const bool right = sheet.grades[i].right;
    std::string output = question.text + "\n" + reported(sheet, i);
    if (!right) output += "\nSee it: " + question.proof;
    if (sheet.show_answers) output += "\nRight is " + right_answer(question);
    tests.push_back(json::object{{"name", question.id},
                                 {"number", std::to_string(i + 1)},
                                 {"score", right ? 1 : 0},
                                 {"max_score", 1},
                                 {"status", right ? "passed" : "failed"},
                                 {"output", output},
                                 {"output_format", "text"},
                                 {"visibility", "visible"}});
  }
  return json::serialize(json::object{{"score", sheet.points()},
                                      {"output", head_of(sheet.problem)},
                                      {"output_format", "text"},
                                      {"visibility", "visible"},
                                      {"stdout_visibility", "hidden"},
                                      {"tests", tests}}) +
         "\n";
}

std::string gradescope_refusal(const std::string& reason) {
  return json::serialize(json::object{{"score", 0},
                                      {"output", "Not graded: " + reason},
                                      {"output_format", "text"},
                                      {"visibility", "visible"},
                                      {"stdout_visibility", "hidden"},
                                      {"tests", json::array{}}}) +
         "\n";
}

std::string problem_text(const Problem& problem, const TextStyle& style) {
  std::string text = tagged("PROBLEM", head_of(problem), style);
  text += tagged_command("RUN IT", command_of(problem), style);
  for (const Question& question : problem.questions)
    text += "\n" + format_question(question, "QUESTION", style);
  text += "\nHand in, with your answers, each with its unit:\n";
  json::object answers;
  for (const Question& question : problem.questions) answers[question.id] = nullptr;
  json::object file{{"schema", "lab.answers/1"}, {"scenario", problem.name}};
  if (!problem.student.empty()) file["student"] = problem.student;
  if (!problem.variant.empty()) file["variant"] = problem.variant;
  file["answers"] = answers;
  return text + json::serialize(file) + "\n";
}

std::string problem_json(const Problem& problem) {
  json::object object = head_json("lab.variant/1", problem);
  object["command"] = command_of(problem);
  json::array& questions = object["questions"].emplace_array();
  for (const Question& question : problem.questions) {
    questions.push_back(
        json::object{{"id", question.id},
                     {"context", json::array(question.context.begin(), question.context.end())},
                     {"text", question.text},
                     {"unit", question.number.is_time ? "duration" : "number"}});
  }
  return json::serialize(object) + "\n";
}

}  // namespace lab
