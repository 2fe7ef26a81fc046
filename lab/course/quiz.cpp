#include "lab/course/quiz.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <random>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr double kSameValue = 0.05;  // a figure this near to a usual mistake is that mistake

std::vector<std::string> sorted_once(std::vector<std::string> words) {
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

Error unknown(const char* option, const std::string& word, const std::vector<std::string>& known) {
  return usage_error("{}: unknown word '{}'{}", option, word.substr(0, 60), suggestion(word, known));
}

std::string without_blanks(std::string text) {
  const auto blank = [](char letter) { return letter == ' ' || letter == '\t' || letter == '\r'; };
  text.erase(std::remove_if(text.begin(), text.end(), blank), text.end());
  return text;
}

std::string format_answer(double value, bool is_time) {
  if (!is_time) return fmt::format("{:.4g}", value);
  return format_duration(to_nanos(value));
}

/// FNV-1a: the order of the choices hangs on the seed and the question, not on what else is drawn.
std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211U;
  return hash;
}

Result<double> plain_number(const Question& question, const std::string& answer) {
  std::string digits = without_blanks(answer);
  const bool percent = digits.ends_with('%');
  if (percent) digits.pop_back();
  double value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (problem != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value))
    return usage_error("{}: '{}' is not a number", question.id, answer.substr(0, 40));
  return percent ? value / 100 : value;
}

Result<double> figure(const Question& question, const std::string& answer) {
  if (!question.number.is_time) return plain_number(question, answer);
  const auto span = parse_duration(answer);
  if (!span) return usage_error("{}: {}", question.id, span.error().message);
  return seconds(*span);
}

Grade grade_number(const NumberAnswer& number, double value) {
  Grade grade;
  grade.given = format_answer(value, number.is_time);
  grade.value = value;
  const auto distance = [&](const NumberAnswer::Wrong& wrong) { return std::abs(wrong.value - value); };
  const auto nearest =
      std::min_element(number.wrong.begin(), number.wrong.end(),
                       [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
  const bool accepted = value >= number.low && value <= number.high;
  if (nearest != number.wrong.end()) {
    const double scale = nearest->value != 0 ? std::abs(nearest->value) : number.low;
    const bool nearer =
        !accepted || !number.usual.empty() || distance(*nearest) < std::abs(number.right - value);
    if (nearer && distance(*nearest) <= kSameValue * scale) {
      grade.misconception = nearest->say;
      return grade;
    }
  }
  grade.right = accepted;
  return grade;
}

Result<Grade> grade_choice(const Question& question, const std::string& answer) {
  const auto& choices = question.choices;
  auto chosen = std::find_if(choices.begin(), choices.end(),
                             [&](const Choice& choice) { return choice.text == answer; });
  if (chosen == choices.end()) {
    std::size_t number = 0;
    const std::string digits = without_blanks(answer);
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool whole = problem == std::errc() && end == digits.data() + digits.size();
    if (!whole || number < 1 || number > choices.size()) {
      return usage_error("{}: '{}' is none of its choices; give 1 to {}", question.id, answer.substr(0, 40),
                         choices.size());
    }
    chosen = choices.begin() + static_cast<std::ptrdiff_t>(number - 1);
  }
  return Grade{chosen->text, chosen->right, chosen->say, {}};
}

}  // namespace

Result<std::vector<Question>> select(const std::vector<Question>& all, const QuizFilter& filter) {
  std::vector<std::string> topics;
  std::vector<std::string> documents;
  std::vector<std::string> scenarios;
  std::vector<std::string> ids;
  for (const Question& question : all) {
    topics.push_back(question.topic);
    documents.insert(documents.end(), question.documents.begin(), question.documents.end());
    scenarios.push_back(question.scenario);
    ids.push_back(question.id);
  }
  if (!filter.topic.empty() && !contains(topics, filter.topic))
    return unknown("--topic", filter.topic, sorted_once(topics));
  if (!filter.document.empty() && !contains(documents, filter.document))
    return unknown("--document", filter.document, sorted_once(documents));
  if (!filter.scenario.empty() && !contains(scenarios, filter.scenario))
    return unknown("--scenario", filter.scenario, sorted_once(scenarios));
  for (const std::string& id : filter.ids) {
    if (!contains(ids, id)) return unknown("--only", id, ids);
  }
  std::vector<Question> chosen;
  for (const Question& question : all) {
    if (!filter.topic.empty() && question.topic != filter.topic) continue;
    if (!filter.document.empty() && !contains(question.documents, filter.document)) continue;
    if (!filter.scenario.empty() && question.scenario != filter.scenario) continue;
    if (!filter.ids.empty() && !contains(filter.ids, question.id)) continue;
    chosen.push_back(question);
  }
  if (chosen.empty())
    return usage_error("no question is all of that; leave --topic, --document or --scenario out");
  return chosen;
}

void order_choices(Question& question, std::uint64_t seed) {
  std::mt19937_64 own(seed ^ hash_of(question.id));
  std::shuffle(question.choices.begin(), question.choices.end(), own);
}

std::vector<Question> draw(std::vector<Question> questions, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::shuffle(questions.begin(), questions.end(), random);
  questions.resize(std::min(count, questions.size()));
  for (Question& question : questions) order_choices(question, seed);
  return questions;
}

Result<Grade> grade(const Question& question, const std::string& answer) {
  if (without_blanks(answer).empty()) return Grade{};
  if (!question.choices.empty()) return grade_choice(question, answer);
  const auto value = figure(question, answer);
  if (!value) return value.error();
  return grade_number(question.number, *value);
}

std::string right_answer(const Question& question) {
  for (const Choice& choice : question.choices) {
    if (choice.right) return choice.text;
  }
  const NumberAnswer& number = question.number;
  return number.usual.empty() ? format_answer(number.right, number.is_time) : number.usual;
}

}  // namespace lab
