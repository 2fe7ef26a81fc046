#include "lab/course/quiz_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <map>

#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/wrap.hpp"

namespace lab {

namespace json = boost::json;

namespace {

constexpr std::size_t kAnswerIndent = 10;

std::string lines(const std::string& text, const std::string& first, std::size_t indent,
                  const TextStyle& style) {
  return wrapped_text(text, first, indent, static_cast<std::size_t>(style.width), style.ascii);
}

std::string row(const std::string& tag, const std::string& text, const TextStyle& style) {
  return lines(text, pad(tag, kAnswerIndent), kAnswerIndent, style);
}

/// What a figure is to be given in.
std::string unit_of(const Question& question) {
  if (!question.choices.empty()) return "";
  return question.number.is_time ? "duration" : "number";
}

/// `100 ms: why not`; below each other where a choice is a sentence of its own.
std::string reported(const Question& question, const Grade& grade, const TextStyle& style) {
  const std::string mistake =
      grade.misconception.empty() ? "not right, and no usual mistake" : grade.misconception;
  if (question.choices.empty()) return row("you said", grade.given + ": " + mistake, style);
  return row("you said", grade.given, style) + row("but", mistake, style);
}

json::object json_of(const Question& question) {
  json::array choices;
  for (const Choice& choice : question.choices) choices.emplace_back(choice.text);
  json::object object{{"id", question.id},
                      {"documents", json::array(question.documents.begin(), question.documents.end())},
                      {"source", question.source},
                      {"topic", question.topic},
                      {"scenario", question.scenario},
                      {"context", json::array(question.context.begin(), question.context.end())},
                      {"text", question.text},
                      {"kind", question.choices.empty() ? "figure" : "choice"}};
  if (question.choices.empty()) {
    object["unit"] = unit_of(question);
  } else {
    object["choices"] = choices;
  }
  return object;
}

}  // namespace

std::size_t QuizResult::right() const {
  return static_cast<std::size_t>(
      std::count_if(grades.begin(), grades.end(), [](const Grade& grade) { return grade.right; }));
}

double QuizResult::score() const {
  return grades.empty() ? 0 : static_cast<double>(right()) / static_cast<double>(grades.size());
}

std::string format_question(const Question& question, const std::string& head, const TextStyle& style) {
  std::string text = lines(fmt::format("{}  {}: {}", head, question.id, question.source), "", 4, style);
  for (const std::string& line : question.context) text += lines(line, "  ", 4, style);
  text += lines(question.text, "", 0, style);
  int number = 0;
  for (const Choice& choice : question.choices)
    text += lines(choice.text, fmt::format("  {}  ", ++number), 5, style);
  return text;
}

std::string answer_prompt(const Question& question) {
  const std::string what = !question.choices.empty() ? fmt::format("1 to {}", question.choices.size())
                           : question.number.is_time ? "a time, as 100ms or 1.5s"
                                                     : "a number";
  return what + "; Enter repeats, s skips, q ends: ";
}

std::string format_questions(const std::vector<Question>& questions, std::uint64_t seed,
                             const TextStyle& style) {
  std::string text = fmt::format("seed {}\n", seed);
  for (std::size_t i = 0; i < questions.size(); ++i)
    text += "\n" + format_question(questions[i], fmt::format("{} of {}", i + 1, questions.size()), style);
  return text;
}

std::string list_questions(const std::vector<Question>& questions, const TextStyle& style) {
  constexpr std::size_t kName = 28;
  std::string text;
  for (const Question& question : questions) {
    std::string first = printable(question.id, style.ascii);
    if (columns(first) + 2 > kName) {
      text += first + "\n";
      first.clear();
    }
    text += lines(question.text, pad(first, kName), kName, style);
  }
  return text + fmt::format("\n{} questions\n", questions.size());
}

std::string questions_json(const std::vector<Question>& questions, std::uint64_t seed) {
  json::array rows;
  for (const Question& question : questions) rows.push_back(json_of(question));
  return json::serialize(json::object{{"schema", "lab.quiz/1"}, {"seed", seed}, {"questions", rows}}) + "\n";
}

std::string result_text(const QuizResult& result, const TextStyle& style) {
  const std::size_t asked = result.questions.size();
  std::string text = fmt::format("{} of {} right ({:.0f} %), seed {}\n", result.right(), asked,
                                 std::floor(result.score() * 100), result.seed);
  std::vector<std::string> unanswered;
  std::map<std::string, std::string> said;  // a reason that several questions share is told once
  for (std::size_t i = 0; i < asked; ++i) {
    const Question& question = result.questions[i];
    const Grade& grade = result.grades[i];
    if (grade.given.empty()) unanswered.push_back(question.id);
    if (grade.right || grade.given.empty()) continue;
    const auto [first, fresh] = said.emplace(question.why, question.id);
    const std::string reason = fresh ? question.why : "see " + first->second;
    text += "\n" + lines(fmt::format("{}: {}", question.id, question.source), "", 4, style);
    text += row("asked", question.text, style) + reported(question, grade, style);
    text += row("right is", right_answer(question), style) + row("because", reason, style);
    text += row("see it", question.proof, style);
  }
  if (!unanswered.empty()) text += "\n" + lines("not answered: " + join(unanswered, ", "), "", 2, style);
  if (result.pass)
    text += fmt::format("\n{}: {:g} % were needed\n", result.passed() ? "passed" : "not passed",
                        *result.pass * 100);
  return text;
}

std::string result_json(const QuizResult& result) {
  json::array rows;
  for (std::size_t i = 0; i < result.questions.size(); ++i) {
    const Question& question = result.questions[i];
    const Grade& grade = result.grades[i];
    json::object object = json_of(question);
    object["given"] = grade.given.empty() ? json::value(nullptr) : json::value(grade.given);
    object["right"] = grade.right;
    object["answer"] = right_answer(question);
    object["misconception"] =
        grade.misconception.empty() ? json::value(nullptr) : json::value(grade.misconception);
    object["why"] = question.why;
    object["proof"] = question.proof;
    rows.push_back(std::move(object));
  }
  const auto answered = std::count_if(result.grades.begin(), result.grades.end(),
                                      [](const Grade& grade) { return !grade.given.empty(); });
  return json::serialize(
             json::object{{"schema", "lab.quiz/1"},
                          {"seed", result.seed},
                          {"asked", result.questions.size()},
                          {"answered", answered},
                          {"right", result.right()},
                          {"score", result.score()},
                          {"passed", result.pass ? json::value(result.passed()) : json::value(nullptr)},
                          {"results", rows}}) +
         "\n";
}

}  // namespace lab
