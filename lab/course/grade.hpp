#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/course/quiz.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

/// lab.answers/1: what a student hands in.
struct AnswerFile {
  std::string scenario;
  std::optional<std::uint64_t> seed;
  std::string student, variant;  ///< empty: not said
  std::optional<int> cores;
  Overrides settings;                                        ///< what was changed of the scenario
  std::vector<std::pair<std::string, std::string>> answers;  ///< by question id, as one would type them
};

/// Errors carry the file's name and the key.
Result<AnswerFile> parse_answer_file(std::string_view text, const std::string& file);

/// What is asked: a scenario as it is shipped, changed by settings, or varied for one student.
struct Problem {
  Scenario scenario;
  Overrides settings;
  std::string student, variant;  ///< `variant`: names the student's numbers; empty: everybody's
  ModelMachine machine;
  std::vector<Question> questions;
  std::vector<std::string> known;  ///< ids of all questions that there are, asked here or not
  std::string name;                ///< as the scenario was named: its name or its path
};

/// Where the questions come from: `name` is a scenario's or a path. `only`: these ids, among them those of
/// results/quiz.toml; empty: every [[ask]] of the scenario.
struct ProblemSource {
  std::string name;
  Overrides settings{};
  ModelMachine machine{};
  std::vector<std::string> only{};
};

Result<Problem> make_problem(const ProblemSource& source);

/// The student's own numbers (durations, requests, workers, threads), the same for the same id and secret
/// (HMAC-SHA256), on two cores. Without the secret nobody can tell another student's numbers.
/// Errors: a scenario that cannot be varied, an empty id, a secret that is too short.
Result<Problem> make_variant(const ProblemSource& source, const std::string& student,
                             const std::string& secret);

/// Wrong answers that people give, with the figures of this problem: waits added up, one request alone, the
/// mean, another arm's figure. None is near the right one, or near those that the question has already.
std::vector<NumberAnswer::Wrong> usual_mistakes(const Scenario& scenario, const Ask& ask,
                                                const NumberAnswer& number, const ModelMachine& machine);

/// The figures that a run measured, by question; none where the run has no such arm.
struct RunFigures {
  std::string path;
  std::vector<std::optional<double>> measured;
};

/// Whether the recorded run is one of this problem, and whole. Errors (exit 2): another scenario, other
/// settings or an older text of it, an incomplete or altered record, figures that no honest run can have.
Result<RunFigures> check_run(const Problem& problem, const std::filesystem::path& path);

struct GradeSheet {
  Problem problem;
  std::vector<Grade> grades;          ///< one for each question
  std::vector<std::string> left_out;  ///< ids that were answered and are not asked here
  std::optional<RunFigures> run;
  std::optional<double> pass;  ///< the share that is needed
  bool show_answers = false;

  std::size_t points() const;
  double score() const;  ///< 0 to 1
  bool passed() const { return !pass || score() >= *pass; }
};

/// Grades the answers; those of other problems, students or unknown questions are errors (exit 2).
Result<GradeSheet> grade_answers(Problem problem, const AnswerFile& answers);

/// `lab run NAME …` with the settings of the problem.
std::string command_of(const Problem& problem);

}  // namespace lab
