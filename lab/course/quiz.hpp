#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"

namespace lab {

/// One answer to choose; `say` names what a wrong one mistakes.
struct Choice {
  std::string text, say;
  bool right = false;
};

/// The answer to a question for a figure: seconds, or a plain number.
struct NumberAnswer {
  struct Wrong {
    double value = 0;
    std::string say;
  };
  bool is_time = false;
  double right = 0;
  double low = 0, high = 0;  ///< what is accepted
  std::string usual;         ///< told instead of `right` where the answer is a range; else empty
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
  std::vector<Choice> choices;  ///< empty: a number is asked for
  NumberAnswer number;
  std::string why;
  std::string proof;  ///< a command
};

/// The answers that are accepted where the model cannot give one, by the question's id.
struct MeasuredAnswer {
  double from = 0, to = 0;
  std::string usual;
};

/// results/quiz.toml.
struct QuizFile {
  std::vector<Question> questions;
  std::map<std::string, MeasuredAnswer> measured;
};

/// Errors carry `file:line:column`.
Result<QuizFile> parse_quiz(std::string_view toml, const std::string& file);

/// What a question's right answer hangs on besides the scenario.
struct ModelMachine {
  int cores = 0;  ///< 0: this machine's
  std::uint64_t seed = 42;
};

/// The questions of a scenario's [[ask]]: `pool-limit-1`, `pool-limit-2` … The right answers come from the
/// model; what it cannot say and `measured` does not know is left out. `path`: where its proofs find it;
/// empty: by its name.
std::vector<Question> questions_of(const Scenario& scenario,
                                   const std::map<std::string, MeasuredAnswer>& measured,
                                   const ModelMachine& machine = {}, const std::string& path = "");

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

/// The questions that the filter lets through. The error names the nearest word, or says that none is left.
Result<std::vector<Question>> select(const std::vector<Question>& all, const QuizFilter& filter);

/// Puts the choices in the order in which a quiz of this seed shows them.
void order_choices(Question& question, std::uint64_t seed);

/// `count` of them in an order that the seed decides, their choices shuffled; all of them where there are
/// fewer.
std::vector<Question> draw(std::vector<Question> questions, std::size_t count, std::uint64_t seed);

struct Grade {
  std::string given;  ///< as it is told: the choice's text, or `3 s`; empty: not answered
  bool right = false;
  std::string misconception;  ///< what the wrong answer mistakes; empty where it is nobody's usual mistake
  std::optional<double> value{};  ///< a figure's: seconds, or the plain number
};

/// An answer as it was typed: the number of a choice or its text; a figure with its unit. An error says what
/// would have been understood; an empty answer is none.
Result<Grade> grade(const Question& question, const std::string& answer);

/// The right answer in words: `1 s`, `25`, a choice's text.
std::string right_answer(const Question& question);

}  // namespace lab
