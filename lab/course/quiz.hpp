// The course: advice, findings explained, the quiz and graded answers, read from results/*.toml and the
// scenarios' [[ask]]. It uses the model through lab/experiment; only the command line uses it.
#pragma once

#include <boost/describe.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"
#include "results/render/page.hpp"
#include "scenarios/loader/described_toml.hpp"

namespace lab {

/// One answer to choose; `say` names what a wrong one mistakes.
struct Choice {
  std::string text, say;
  bool right = false;
};

/// The answer to a question for a figure: seconds, or a plain number.
struct NumberAnswer {
  using Wrong = Ask::Wrong;
  bool is_time = false;
  double right = 0;
  double low = 0, high = 0;  ///< what is accepted
  std::string usual;         ///< given instead of `right` where the answer is a range; else empty
  std::vector<Wrong> wrong;
};

struct Question {
  std::string id;
  std::vector<std::string> documents;  ///< D0 to D4
  std::string source;                  ///< `D2 part 8, common mistakes`
  std::string topic;
  std::string scenario;              ///< the one that proves it
  std::vector<std::string> context;  ///< lines to read before the question: plan, load, arm
  std::string text;
  std::vector<Choice> choices;     ///< empty: a number is asked for
  std::optional<std::size_t> ask;  ///< the [[ask]] of a scenario, from 0; none: of results/quiz.toml
  NumberAnswer number;
  std::string why;
  std::string proof;  ///< a command
};

/// The answers that are accepted where the model cannot give one.
struct MeasuredAnswer {
  std::string ask;  ///< the question's id
  Figure from, to;
  std::string usual;
};
BOOST_DESCRIBE_STRUCT(MeasuredAnswer, (), (ask, from, to, usual))

/// results/quiz.toml.
struct QuizFile {
  std::vector<Question> questions;
  std::vector<MeasuredAnswer> measured;
  std::vector<std::string> easy, hard;  ///< ids of questions; all others lie between

  /// 1 for an easy question, 3 for a hard one.
  int level_of(const std::string& id) const;
};

/// Throws Failure with `file:line:column`.
QuizFile parse_quiz(std::string_view toml, const std::string& file);
/// results/quiz.toml as it was when the program was built.
extern const std::string_view kQuizText;
/// The shipped one.
const QuizFile& quiz_file();

/// What a question's right answer hangs on besides the scenario.
struct ModelMachine {
  int cores = 0;  ///< 0: this machine's
  std::uint64_t seed = 42;
};

/// The questions of a scenario's [[ask]]: `pool-limit-1`, `pool-limit-2` … The right answers come from the
/// model; what it cannot say and `measured` does not know is left out. `path`: where its proofs find it;
/// empty: by its name.
std::vector<Question> questions_of(const Scenario& scenario,
                                   const std::vector<MeasuredAnswer>& measured = quiz_file().measured,
                                   const ModelMachine& machine = {}, const std::string& path = "");

/// Those of every scenario that can be read; `broken` gets the errors of the others.
std::vector<Question> scenario_questions(const std::function<void(const Error&)>& broken = {});
/// Those of a scenario's file of one's own. Where it is a shipped one as it stands, what was measured of that
/// holds. Throws Failure where it asks nothing.
std::vector<Question> questions_in(const Scenario& own, const std::string& path);

/// The arm and the case that a question is about.
const Arm& arm_of(const Scenario& scenario, const Ask& ask);
const Case& case_of(const Scenario& scenario, const Ask& ask);
/// The model's answer to the question as if it were about `arm`; none where it cannot say, or would take
/// longer than anybody waits.
std::optional<double> ask_the_model(const Scenario& scenario, const Ask& ask, const Arm& arm,
                                    const ModelMachine& machine);

/// Which questions are meant; an empty word means all.
struct QuizFilter {
  std::string topic, document, scenario;
  std::vector<std::string> ids;
};

/// The questions that the filter lets through. Throws Failure, which names the nearest word, or says that
/// none is left.
std::vector<Question> select(const std::vector<Question>& all, const QuizFilter& filter);

/// Puts the choices in the order in which a quiz of this seed shows them.
void order_choices(Question& question, std::uint64_t seed);

/// `count` of them, drawn by the seed, the easy ones first; their choices are shuffled. All of them where
/// there are fewer.
std::vector<Question> draw(std::vector<Question> questions, std::size_t count, std::uint64_t seed);

struct Grade {
  std::string given;  ///< as it is printed: the choice's text, or `3 s`; empty: not answered
  bool right = false;
  std::string misconception;  ///< what the wrong answer mistakes; empty where it is nobody's usual mistake
  std::optional<double> value{};  ///< a figure's: seconds, or the plain number

  /// `misconception`, or that there is none.
  std::string mistake() const;
};

/// An answer as it was typed: the number of a choice or its text; a figure with its unit. An error says what
/// would have been understood; an empty answer is none.
Result<Grade> grade(const Question& question, const std::string& answer);

/// Grades answers in a JSON object {"question-id": "answer"}. Throws Failure for any other text and for an id
/// that is not asked.
std::vector<Grade> grade_all(const std::vector<Question>& questions, const std::string& text);

/// The right answer in words: `1 s`, `25`, a choice's text.
std::string right_answer(const Question& question);
/// A figure as the question's answer is written: `1 s`, `25`.
std::string format_answer(const Question& question, double value);
/// What a figure is to be given in: `duration` or `number`.
std::string unit_of(const Question& question);

/// What answers are worth; one grade for each question that was asked.
struct Score {
  std::vector<Grade> grades;
  std::optional<double> pass;  ///< the share that must be right

  std::size_t right() const;
  double score() const;  ///< 0 to 1; unanswered questions count as wrong
  bool passed() const { return !pass || score() >= *pass; }
  /// `passed: 80 % were needed`, below an empty line; empty where nothing was.
  std::string verdict() const;
};

/// A quiz that was taken.
struct QuizResult : Score {
  std::vector<Question> questions;
  std::uint64_t seed = 0;
};

/// A question: `head` and where it comes from, what to know, the text, the choices with their numbers.
std::string format_question(const Question& question, const std::string& head, const TextStyle& style);
/// `1 to 4; Enter repeats, s skips, q ends: `
std::string answer_prompt(const Question& question);
/// What follows an answer: right, or the mistake and the right answer.
std::string format_grade(const Question& question, const Grade& grade, const TextStyle& style);

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
