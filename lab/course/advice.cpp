#include "lab/course/advice.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include "harness/inside/inside_view.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "results/render/as_json.hpp"

namespace lab {

namespace {

namespace json = boost::json;

template <class Entry>
const Entry* find_id(const std::vector<Entry>& entries, const std::string& id) {
  const auto found = std::ranges::find(entries, id, &Entry::id);
  return found == entries.end() ? nullptr : &*found;
}

std::vector<std::string> words_of(const AdviceQuestion& question) {
  return mapped(question.answers, &AdviceAnswer::word);
}

std::string word_for(const AdviceQuestion& question, double figure) {
  const auto reaches = [&](const AdviceAnswer& answer) {
    return !answer.up_to || figure <= answer.up_to->value;
  };
  const auto found = std::ranges::find_if(question.answers, reaches);
  return found == question.answers.end() ? question.answers.back().word : found->word;
}

/// Why that node does not end at an advice on every way, or asks something twice; empty where it is sound.
std::string flaw(const AdviceBook& book, const std::string& id, std::set<std::string> asked) {
  if (book.advice_of(id) != nullptr) return "";
  const AdviceNode* node = book.node(id);
  if (node == nullptr) return fmt::format("the tree leads to '{}', which is no node and no advice", id);
  const AdviceQuestion* question = find_id(book.questions, node->ask);
  if (question == nullptr) return fmt::format("there is no question '{}'", node->ask);
  if (question->answers.empty()) return fmt::format("question '{}' has no answers", node->ask);
  if (node->then.size() != question->answers.size())
    return fmt::format("then of node '{}' must name each answer of '{}', and no other word", id, node->ask);
  if (!asked.insert(node->ask).second) return fmt::format("node '{}' asks '{}' twice", id, node->ask);
  for (const std::string& word : words_of(*question)) {
    const auto next = node->then.find(word);
    if (next == node->then.end()) return fmt::format("node '{}' does not say what follows '{}'", id, word);
    if (std::string found = flaw(book, next->second, asked); !found.empty()) return found;
  }
  return "";
}

using Path = decltype(Walk::path);

/// Every way through the tree, with what it ends at.
void for_each_way(const AdviceBook& book, const std::function<void(const Walk&)>& found,
                  const Path& path = {}) {
  const Walk way = walk(book, {path.begin(), path.end()});
  if (way.advice != nullptr) return found(way);
  for (const std::string& word : words_of(book.question(way.next->ask))) {
    Path longer = path;
    longer.emplace_back(way.next->ask, word);
    for_each_way(book, found, longer);
  }
}

json::object json_of(const Advice& advice) {
  return {{"id", advice.id},
          {"model", advice.mode},
          {"settings", advice.settings},
          {"title", advice.title},
          {"reason", advice.reason},
          {"avoid", advice.avoid},
          {"code", {{"fastapi", advice.fastapi}, {"cpp", advice.cpp}}},
          {"read", advice.read},
          {"proof", advice.proof},
          {"shows", advice.shows},
          {"documents", as_json(advice.documents)}};
}

}  // namespace

std::string AdviceQuestion::words_to_give() const {
  std::string text = join(words_of(*this), "|");
  if (kind == "duration") text += ", or a duration such as 20ms";
  if (kind == "count") text += ", or a number such as 100";
  return text;
}

std::string Advice::name() const {
  return fmt::format("{} ({}{}{})", title, mode, settings.empty() ? "" : ", ", settings);
}

const AdviceQuestion& AdviceBook::question(const std::string& id) const {
  return *find_id(questions, id);
}

const AdviceNode* AdviceBook::node(const std::string& id) const {
  return find_id(nodes, id);
}

const Advice* AdviceBook::advice_of(const std::string& id) const {
  return find_id(advice, id);
}

AdviceBook parse_advice(std::string_view toml, const std::string& file) {
  AdviceBook book = read_described<AdviceBook>(toml, file);
  std::string found = book.nodes.empty() ? "there is no node" : "";
  for (const AdviceNode& node : book.nodes) {
    if (found.empty()) found = flaw(book, node.id, {});
  }
  for (const AdviceQuestion& question : book.questions) {
    for (const AdviceAnswer& answer : question.answers) {
      if (answer.up_to && answer.up_to->is_time != (question.kind == "duration"))
        found = fmt::format("up_to of '{}' must be a {}", question.id, question.kind);
    }
  }
  for (DocumentList& list : book.lists) {
    for (ListEntry& entry : list.entries) {
      const Advice* advice = book.advice_of(entry.advice);
      if (advice == nullptr) found = fmt::format("there is no advice '{}'", entry.advice);
      if (advice != nullptr && entry.proof.empty()) entry.proof = advice->proof;
      if (!contains({"yes", "partly", "no"}, entry.holds)) found = "holds must be yes, partly or no";
    }
  }
  for (Advice& advice : book.advice) {
    std::vector<std::string> parts;
    for (const auto& [what, value] : advice.arm) {
      parts.push_back(fmt::format("{} = {}", what, value));
      if (!contains({"threads", "workers"}, what) || (value != "cores" && !number_in<int>(value)))
        found = fmt::format("arm of '{}' may name threads and workers, a number or cores", advice.id);
    }
    if (!parts.empty()) advice.settings = join(parts, ", ");
  }
  for (const AdviceFix& fix : book.fixes) {
    if (book.advice_of(fix.advice) == nullptr) found = fmt::format("there is no advice '{}'", fix.advice);
    if (!contains(words_of<LineCause>(), fix.cause)) found = fmt::format("there is no cause '{}'", fix.cause);
    if (!contains({"waiting", "computing"}, fix.takes)) found = "takes must be waiting or computing";
  }
  if (!found.empty()) throw Failure(usage_error("{}: {}", file, found));
  return book;
}

const AdviceBook& advice_book() {
  static const AdviceBook kBook = parse_advice(kAdviceText, "results/advise.toml");
  return kBook;
}

Result<std::string> understand(const AdviceQuestion& question, const std::string& text, bool numbered) {
  const std::vector<std::string> words = words_of(question);
  if (contains(words, text)) return text;
  const auto number = number_in<std::size_t>(text);
  if (numbered && number && *number >= 1 && *number <= words.size()) return words[*number - 1];
  if (question.kind == "count" && number) return word_for(question, static_cast<double>(*number));
  if (question.kind == "duration" && !text.empty() && text.front() >= '0' && text.front() <= '9') {
    const auto span = parse_duration(text);
    if (!span) return usage_error("--{}: {}", question.id, span.error().message);
    return word_for(question, seconds(*span));
  }
  return usage_error("--{}: unknown word '{}'{}", question.id, text.substr(0, 60), suggestion(text, words));
}

Walk walk(const AdviceBook& book, const std::map<std::string, std::string>& answers) {
  Walk walk;
  std::string at = book.nodes.front().id;
  while (const AdviceNode* node = book.node(at)) {
    const auto given = answers.find(node->ask);
    if (given == answers.end()) {
      walk.next = node;
      return walk;
    }
    walk.path.emplace_back(*given);
    at = node->then.at(given->second);
  }
  walk.advice = book.advice_of(at);
  for (const auto& [option, word] : answers) {
    if (std::ranges::find(walk.path, std::pair(option, word)) != walk.path.end()) continue;
    throw Failure(usage_error("--{} {} changes nothing: {} is all that must be known; leave it out", option,
                              word, walk.command().substr(std::string_view("lab advise ").size())));
  }
  return walk;
}

Walk way_to(const AdviceBook& book, const std::string& advice) {
  Walk first;
  for_each_way(book, [&](const Walk& way) {
    if (first.advice == nullptr && way.advice->id == advice) first = way;
  });
  return first;
}

std::string Walk::command() const {
  std::string command = "lab advise";
  for (const auto& [option, word] : path) command += fmt::format(" --{} {}", option, word);
  return command;
}

std::string format_question(const AdviceQuestion& question, const TextStyle& style) {
  std::size_t widest = 0;
  for (const AdviceAnswer& answer : question.answers) widest = std::max(widest, answer.word.size());
  std::string text = text_lines(question.text, "", 0, style);
  int number = 0;
  for (const AdviceAnswer& answer : question.answers) {
    const std::string first = fmt::format("  {}  {}", ++number, pad(answer.word, widest + 2));
    text += text_lines(answer.text, first, first.size(), style);
  }
  return text;
}

std::string format_advice(const Walk& walk, const TextStyle& style) {
  const Advice& advice = *walk.advice;
  std::string text = tagged("ADVICE", advice.name(), style);
  text += tagged("WHY", advice.reason, style) + tagged("AVOID", advice.avoid, style);
  text += tagged_code("FASTAPI", advice.fastapi, style) + tagged_code("C++", advice.cpp, style);
  text += tagged("", "as the lab does it: " + advice.read, style);
  for (const Deviation& said : advice.documents) {
    text += tagged("DOCS", fmt::format("{} {}: {}", said.document, said.place, said.says), style);
    text += tagged("", "in fact: " + said.instead, style);
  }
  text += tagged_command("PROOF", advice.proof, style) + tagged("", "shows " + advice.shows, style);
  return text + tagged("AGAIN", walk.command(), style);
}

std::string list_advice(const AdviceBook& book, const TextStyle& style) {
  std::string text = as_called("All answers and where they lead: lab advise with these options\n");
  for_each_way(book, [&](const Walk& way) {
    text += "\n  " + way.command().substr(std::string_view("lab advise ").size()) + "\n";
    text += text_lines(way.advice->name() + "; " + way.advice->proof, "    ", 4, style);
  });
  for (const DocumentList& list : book.lists) {
    text += fmt::format("\n{} {}: {}\n", list.document, list.place, list.list);
    for (const ListEntry& entry : list.entries) {
      const std::string but = entry.but.empty() ? "" : "; but " + entry.but;
      text += text_lines(fmt::format("{}{}; {}", entry.text, but, entry.proof), "  " + pad(entry.holds, 8),
                         10, style);
    }
  }
  text += "\nThe words of the options\n";
  for (const AdviceQuestion& question : book.questions)
    text += tagged("  --" + question.id, question.words_to_give(), style, 14);
  return text;
}

std::string advice_json(const Walk& walk) {
  return json_line(
      {{"schema", "lab.advise/1"}, {"answers", as_json(walk.path)}, {"advice", json_of(*walk.advice)}});
}

std::string list_advice_json(const AdviceBook& book) {
  json::array questions;
  for (const AdviceQuestion& question : book.questions) {
    json::array answers;
    for (const AdviceAnswer& answer : question.answers)
      answers.push_back({{"word", answer.word}, {"text", answer.text}});
    questions.push_back({{"option", question.id}, {"text", question.text}, {"answers", answers}});
  }
  json::array paths;
  for_each_way(book, [&](const Walk& way) {
    paths.push_back({{"answers", as_json(way.path)}, {"advice", way.advice->id}});
  });
  json::array advice;
  for (const Advice& each : book.advice) advice.push_back(json_of(each));
  return json_line({{"schema", "lab.advise/1"},
                    {"questions", questions},
                    {"paths", paths},
                    {"advice", advice},
                    {"lists", as_json(book.lists)}});
}

}  // namespace lab
