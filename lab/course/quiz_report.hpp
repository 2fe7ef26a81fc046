#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lab/course/quiz.hpp"
#include "results/report/export.hpp"

namespace lab {

/// A quiz that was taken; one grade for each question.
struct QuizResult {
  std::vector<Question> questions;
  std::vector<Grade> grades;
  std::uint64_t seed = 0;
  std::optional<double> pass;  ///< the share that must be right

  std::size_t right() const;
  double score() const;  ///< 0 to 1; unanswered questions count as wrong
  bool passed() const { return !pass || score() >= *pass; }
};

/// A question: `head` and where it comes from, what to know, the text, the choices with their numbers.
std::string format_question(const Question& question, const std::string& head, const TextStyle& style);
/// `1 to 4; Enter repeats, s skips, q ends: `
std::string answer_prompt(const Question& question);

std::string format_questions(const std::vector<Question>& questions, std::uint64_t seed,
                             const TextStyle& style);
/// Ids and texts, by document.
std::string list_questions(const std::vector<Question>& questions, const TextStyle& style);
/// lab.quiz/1 without answers.
std::string questions_json(const std::vector<Question>& questions, std::uint64_t seed);

/// The score, then each wrong answer with its mistake, the right one and the command that shows it; the names
/// of what was not answered.
std::string result_text(const QuizResult& result, const TextStyle& style);
/// lab.quiz/1 with grades.
std::string result_json(const QuizResult& result);

}  // namespace lab
