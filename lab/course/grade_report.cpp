#include <boost/json.hpp>
#include <cmath>
#include <map>

#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"
#include "lab/course/grade.hpp"
#include "lab/experiment/options.hpp"
#include "results/render/as_json.hpp"

namespace lab {

namespace {

namespace json = boost::json;

/// What was answered, and what is wrong with it.
std::string reported(const GradeSheet& sheet, std::size_t i) {
  const Grade& grade = sheet.grades[i];
  std::string text =
      grade.given.empty() ? "not answered" : grade.given + ": " + (grade.right ? "right" : grade.mistake());
  if (const auto& value = sheet.measured[i])
    text += fmt::format("{} run measured {}", text.ends_with('.') ? " Your" : "; your",
                        format_answer(sheet.problem.questions[i], *value));
  return text;
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
                      {"given", json_text_or_null(grade.given)},
                      {"given_s", is_time ? as_json(grade.value) : nullptr},
                      {"correct", grade.right},
                      {"misconception", json_text_or_null(grade.right ? "" : grade.misconception)},
                      {"measured", as_json(sheet.measured[i])},
                      {"proof", question.proof}};
  if (!sheet.show_answers) return object;
  object["expected"] = right_answer(question);
  const bool exact = is_time && question.number.usual.empty();
  object["expected_s"] = exact ? json::value(question.number.right) : nullptr;
  object["why"] = json_text_or_null(question.why);
  return object;
}

std::string head_of(const Problem& problem) {
  std::string head = problem.scenario.name;
  const std::string changes = describe_changes(problem.settings);
  if (!changes.empty()) head += ", " + changes;
  if (!problem.student.empty()) head += ", student " + problem.student;
  return problem.variant.empty() ? head : head + ", variant " + problem.variant;
}

json::object head_json(const char* schema, const Problem& problem) {
  return {{"schema", schema},
          {"scenario", problem.scenario.name},
          {"seed", problem.machine.seed},
          {"student", json_text_or_null(problem.student)},
          {"variant", json_text_or_null(problem.variant)},
          {"settings", settings_of(problem.settings)},
          {"cores", problem.machine.cores}};
}

std::string to_gradescope(std::size_t score, const std::string& output, const json::array& tests) {
  return json_line({{"score", score},
                    {"output", output},
                    {"output_format", "text"},
                    {"visibility", "visible"},
                    {"stdout_visibility", "hidden"},
                    {"tests", tests}});
}

}  // namespace

std::string grade_text(const GradeSheet& sheet, const TextStyle& style) {
  std::string text = fmt::format("{} of {} points ({:.0f} %)\n", sheet.right(), sheet.grades.size(),
                                 std::floor(sheet.score() * 100 + 1e-9));
  text += tagged("OF", head_of(sheet.problem), style);
  std::map<std::string, std::string> said;  // a reason that several questions share is given once
  for (std::size_t i = 0; i < sheet.grades.size(); ++i) {
    const Question& question = sheet.problem.questions[i];
    const bool right = sheet.grades[i].right;
    text += "\n" + tagged("", fmt::format("{}: {}", question.id, question.text), style).substr(kTagColumns);
    text += tagged(right ? "RIGHT" : "WRONG", reported(sheet, i), style);
    if (sheet.show_answers) {
      text += tagged("IS", right_answer(question), style);
      const auto [first, fresh] = said.emplace(question.why, question.id);
      if (!question.why.empty()) text += tagged("WHY", fresh ? question.why : "see " + first->second, style);
    }
    if (!right) text += tagged_command("SEE", question.proof, style);
  }
  if (!sheet.left_out.empty())
    text += "\n" + tagged("NOTE", "answered, but not asked here: " + join(sheet.left_out, ", "), style);
  return text + sheet.verdict();
}

std::string grade_json(const GradeSheet& sheet) {
  json::object object = head_json("lab.grade/1", sheet.problem);
  object["score"] = sheet.score();
  object["points"] = sheet.right();
  object["of"] = sheet.grades.size();
  object["passed"] = sheet.pass ? json::value(sheet.passed()) : nullptr;
  object["run"] = json_text_or_null(sheet.run);
  object["left_out"] = as_json(sheet.left_out);
  json::array& answers = object["answers"].emplace_array();
  for (std::size_t i = 0; i < sheet.grades.size(); ++i) answers.push_back(answer_of(sheet, i));
  return json_line(object);
}

std::string gradescope_json(const GradeSheet& sheet) {
  json::array tests;
  for (std::size_t i = 0; i < sheet.grades.size(); ++i) {
    const Question& question = sheet.problem.questions[i];
    const bool right = sheet.grades[i].right;
    std::string output = question.text + "\n" + reported(sheet, i);
    if (!right) output += "\nSee it: " + question.proof;
    if (sheet.show_answers) output += "\nRight is " + right_answer(question);
    tests.push_back({{"name", question.id},
                     {"number", std::to_string(i + 1)},
                     {"score", right ? 1 : 0},
                     {"max_score", 1},
                     {"status", right ? "passed" : "failed"},
                     {"output", output},
                     {"output_format", "text"},
                     {"visibility", "visible"}});
  }
  return to_gradescope(sheet.right(), head_of(sheet.problem), tests);
}

std::string gradescope_refusal(const std::string& reason) {
  return to_gradescope(0, "Not graded: " + reason, {});
}

std::string problem_text(const Problem& problem, const TextStyle& style) {
  std::string text = tagged("PROBLEM", head_of(problem), style);
  text += tagged_command("RUN IT", problem.command(), style);
  json::object answers;
  for (const Question& question : problem.questions) {
    text += "\n" + format_question(question, "QUESTION", style);
    answers[question.id] = nullptr;
  }
  json::object file{{"schema", "lab.answers/1"}, {"scenario", problem.name}};
  if (!problem.student.empty()) file["student"] = problem.student;
  if (!problem.variant.empty()) file["variant"] = problem.variant;
  file["answers"] = answers;
  return text + "\nHand in this file with your answers, each with its unit:\n" + json_line(file);
}

std::string problem_json(const Problem& problem) {
  json::object object = head_json("lab.variant/1", problem);
  object["command"] = problem.command();
  json::array& questions = object["questions"].emplace_array();
  for (const Question& question : problem.questions) {
    questions.push_back({{"id", question.id},
                         {"context", as_json(question.context)},
                         {"text", question.text},
                         {"unit", unit_of(question)}});
  }
  return json_line(object);
}

}  // namespace lab
