#include <fmt/format.h>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "lab/course/quiz.hpp"
#include "scenarios/loader/toml_reader.hpp"

namespace lab {

namespace {

constexpr std::size_t kMaxEntries = 1000;

std::string needed_text(const TableReader& reader, std::string_view key) {
  reader.need(key, "a text");
  return reader.text(key);
}

/// A duration in quotes, in seconds, or a plain number.
double read_figure(const TableReader& reader, std::string_view key, bool& is_time) {
  const toml::node* node = reader.need(key, "\"1s\"");
  if (node == nullptr) return 0;
  is_time = node->is_string();
  if (!is_time) return node->value<double>().value_or(0);
  const auto span = parse_duration(reader.text(key));
  if (!span) reader.problem(key, span.error().message);
  return span ? seconds(*span) : 0;
}

NumberAnswer read_number(Problems& problems, const TableReader& reader) {
  constexpr double kTolerance = 0.1;
  NumberAnswer number;
  number.right = read_figure(reader, "answer", number.is_time);
  number.low = number.right * (1 - kTolerance);
  number.high = number.right * (1 + kTolerance);
  const toml::node* wrong = reader.need("wrong", "[{ value = \"1s\", say = \"…\" }]");
  if (wrong == nullptr) return number;
  for (const toml::table* entry : read_tables(problems, *wrong, "wrong", kMaxEntries)) {
    const TableReader row(problems, *entry, "wrong answer", {"value", "say"});
    bool is_time = false;
    const double value = read_figure(row, "value", is_time);
    if (is_time != number.is_time) row.problem("value", "value must be of the same kind as the answer");
    number.wrong.push_back({value, needed_text(row, "say")});
  }
  return number;
}

std::vector<Choice> read_choices(Problems& problems, const TableReader& reader) {
  std::vector<Choice> choices{{needed_text(reader, "choice"), "", true}};
  const toml::node* wrong = reader.need("wrong", "[{ choice = \"…\", say = \"…\" }]");
  if (wrong == nullptr) return choices;
  for (const toml::table* entry : read_tables(problems, *wrong, "wrong", kMaxEntries)) {
    const TableReader row(problems, *entry, "wrong answer", {"choice", "say"});
    choices.push_back({needed_text(row, "choice"), needed_text(row, "say"), false});
  }
  return choices;
}

/// `lab run NAME …`: the scenario's name.
std::string scenario_of(const std::string& proof) {
  const std::vector<std::string> words = split(proof, ' ');
  return words.size() > 2 ? words[2] : "";
}

Question read_question(Problems& problems, const toml::table& table) {
  const TableReader reader(
      problems, table, "question",
      {"id", "document", "place", "topic", "text", "choice", "answer", "wrong", "why", "proof"});
  Question question;
  question.id = needed_text(reader, "id");
  question.documents = {needed_text(reader, "document")};
  question.source = fmt::format("{} {}", question.documents.front(), needed_text(reader, "place"));
  question.topic = needed_text(reader, "topic");
  question.text = needed_text(reader, "text");
  if (reader.has("answer")) {
    question.number = read_number(problems, reader);
  } else {
    question.choices = read_choices(problems, reader);
  }
  question.why = needed_text(reader, "why");
  question.proof = needed_text(reader, "proof");
  question.scenario = scenario_of(question.proof);
  return question;
}

}  // namespace

Result<QuizFile> parse_quiz(std::string_view toml, const std::string& file) {
  Problems problems(file);
  QuizFile quiz;
  const auto table = parse_toml(toml, problems);
  if (!table) return problems.first();
  const TableReader reader(problems, *table, "quiz file", {"questions", "measured"});
  if (const toml::node* questions = reader.need("questions", "[[questions]]")) {
    for (const toml::table* question : read_tables(problems, *questions, "questions", kMaxEntries))
      quiz.questions.push_back(read_question(problems, *question));
  }
  if (const toml::node* measured = reader.find("measured")) {
    for (const toml::table* entry : read_tables(problems, *measured, "measured", kMaxEntries)) {
      const TableReader row(problems, *entry, "measured answer", {"ask", "from", "to", "usual"});
      bool is_time = false;
      const double from = read_figure(row, "from", is_time);
      const double to = read_figure(row, "to", is_time);
      quiz.measured[needed_text(row, "ask")] = {from, to, needed_text(row, "usual")};
    }
  }
  if (problems.any()) return problems.first();
  return quiz;
}

}  // namespace lab
