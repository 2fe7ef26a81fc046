#pragma once

#include <string>

#include "lab/course/grade.hpp"
#include "results/report/export.hpp"

namespace lab {

/// The score, then each answer: right, or the mistake and the command that shows it.
std::string grade_text(const GradeSheet& sheet, const TextStyle& style);
/// lab.grade/1.
std::string grade_json(const GradeSheet& sheet);
/// What Gradescope reads as results.json: one test for each question, a point each.
/// Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format
std::string gradescope_json(const GradeSheet& sheet);
/// The same for answers that cannot be graded: no points, and the reason for the student.
std::string gradescope_refusal(const std::string& reason);

/// A problem to be solved: what is run, the questions, the answer file to fill in.
std::string problem_text(const Problem& problem, const TextStyle& style);
/// lab.variant/1.
std::string problem_json(const Problem& problem);

}  // namespace lab
