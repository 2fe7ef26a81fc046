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

// All of it throws Failure, exit 2 where what the student or the teacher gave is wrong.

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
AnswerFile parse_answer_file(std::string_view text, const std::string& file);

/// Where the questions come from: `name` is a scenario's or a path. `only`: these ids, among them those of
/// results/quiz.toml; empty: every [[ask]] of the scenario.
struct ProblemSource {
  std::string name;
  Overrides settings{};
  ModelMachine machine{};
  std::vector<std::string> only{};
};

/// What is asked: a scenario as it is shipped, changed by settings, or varied for one student.
struct Problem : ProblemSource {
  Scenario scenario{};
  std::vector<Question> questions{};
  std::vector<std::string> known{};  ///< ids of all questions that there are, asked here or not
  std::string student{}, variant{};  ///< `variant`: names the student's numbers; empty: everybody's

  /// `lab run NAME …` with the settings of the problem.
  std::string command() const;
};

Problem make_problem(const ProblemSource& source);

/// The student's own numbers (durations, requests, workers, threads), the same for the same id and secret
/// (HMAC-SHA256), on two cores. Without the secret nobody knows another student's numbers.
/// Errors: a scenario that cannot be varied, an empty id, a secret that is too short.
Problem make_variant(const ProblemSource& source, const std::string& student, const std::string& secret);

/// Wrong answers that people give, with the figures of this problem: waits added up, one request alone, the
/// mean, another arm's figure. None is near the right one, or near those that the question has already.
std::vector<NumberAnswer::Wrong> usual_mistakes(const Scenario& scenario, const Ask& ask,
                                                const NumberAnswer& number, const ModelMachine& machine);

/// What the recorded run measured, by question; none where it has no such arm. Errors: a run of another
/// scenario, with other settings or an older text of it, an incomplete or altered record, figures that no
/// honest run can have.
std::vector<std::optional<double>> figures_of(const Problem& problem, const std::filesystem::path& run);

/// Answers to a problem; one grade for each of its questions.
struct GradeSheet : Score {
  Problem problem;
  std::vector<std::string> left_out;  ///< ids that were answered and are not asked here
  std::string run;                    ///< the student's, which must be one of this problem; empty: none
  std::vector<std::optional<double>> measured;  ///< in it, by question
  bool show_answers = false;
};

/// Grades the answers; those of other problems, students or unknown questions are errors.
GradeSheet grade_answers(Problem problem, const AnswerFile& answers);

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

/// What Gradescope runs: this program, the scenario, and who is asked what.
struct AutograderPackage {
  ProblemSource problem;
  std::string secret{};                            ///< empty: everybody has the same problem
  std::optional<std::filesystem::path> program{};  ///< a statically linked lab; none: this program
  bool show_answers = false;
};

/// Writes the zip: setup.sh, run_autograder, bin/lab and what it needs. An existing file is replaced whole.
/// Errors: the program is not statically linked (exit 2), the file cannot be written (exit 3).
void write_autograder(const std::filesystem::path& out, const AutograderPackage& package);

/// What a student handed in, as Gradescope lays it out below /autograder.
struct Submission {
  std::filesystem::path answers, run;  ///< `run` may be empty
  std::vector<std::string> students;   ///< e-mail, sid, id and name of each who hands in

  /// Nobody hands in another student's variant.
  void check_student(const std::string& id) const;
};

/// Finds the one lab.answers/1 file and the run.jsonl in DIR/submission; reads DIR/submission_metadata.json.
Submission find_submission(const std::filesystem::path& folder);

/// Writes DIR/results/results.json.
void write_results(const std::filesystem::path& folder, const std::string& json);

}  // namespace lab
