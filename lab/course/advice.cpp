#include "lab/course/advice.hpp"

#include <algorithm>
#include <charconv>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

std::vector<std::string> words_of(const AdviceQuestion& question) {
  std::vector<std::string> words;
  for (const AdviceAnswer& answer : question.answers) words.push_back(answer.word);
  return words;
}

template <class Entry>
const Entry* find_id(const std::vector<Entry>& entries, const std::string& id) {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.id == id; });
  return found == entries.end() ? nullptr : &*found;
}

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::string word_for(const AdviceQuestion& question, std::int64_t figure) {
  for (const AdviceAnswer& answer : question.answers) {
    if (!answer.up_to || figure <= *answer.up_to) return answer.word;
  }
  return question.answers.back().word;
}

bool starts_like_a_figure(const std::string& text) {
  return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

}  // namespace

const AdviceQuestion& AdviceBook::question(const std::string& id) const {
  return *find_id(questions, id);
}

const AdviceNode* AdviceBook::node(const std::string& id) const {
  return find_id(nodes, id);
}

const Advice* AdviceBook::advice_of(const std::string& id) const {
  return find_id(advice, id);
}

Result<std::string> understand(const AdviceQuestion& question, const std::string& text, bool numbered) {
  const std::vector<std::string> words = words_of(question);
  if (std::find(words.begin(), words.end(), text) != words.end()) return text;
  const auto number = whole_number(text);
  if (numbered && number && *number >= 1 && *number <= static_cast<std::int64_t>(words.size()))
    return words[static_cast<std::size_t>(*number - 1)];
  if (question.kind == AdviceQuestion::Kind::count && number) return word_for(question, *number);
  if (question.kind == AdviceQuestion::Kind::duration && starts_like_a_figure(text)) {
    const auto span = parse_duration(text);
    if (!span) return usage_error("--{}: {}", question.id, span.error().message);
    return word_for(question, *span);
  }
  return usage_error("--{}: unknown word '{}'{}", question.id, text.substr(0, 60), suggestion(text, words));
}

Result<Walk> walk(const AdviceBook& book, const std::map<std::string, std::string>& answers) {
  Walk walk;
  std::string at = book.nodes.front().id;
  while (const AdviceNode* node = book.node(at)) {
    const auto given = answers.find(node->asks);
    if (given == answers.end()) {
      walk.next = node;
      return walk;
    }
    walk.path.emplace_back(*given);
    at = node->then.at(given->second);
  }
  walk.advice = book.advice_of(at);
  std::vector<std::string> path;
  for (const auto& [option, word] : walk.path) path.push_back(fmt::format("--{} {}", option, word));
  for (const auto& answer : answers) {
    if (std::find(walk.path.begin(), walk.path.end(), std::pair<std::string, std::string>(answer)) !=
        walk.path.end())
      continue;
    return usage_error("--{} {} changes nothing: {} is all that has to be known; leave it out", answer.first,
                       answer.second, join(path, " "));
  }
  return walk;
}

}  // namespace lab
