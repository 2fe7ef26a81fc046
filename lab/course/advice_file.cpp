#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "lab/course/advice.hpp"
#include "scenarios/loader/toml_reader.hpp"

namespace lab {

namespace {

constexpr std::size_t kMaxTables = 200;

/// The text of a key that must be there.
std::string needed(const TableReader& reader, std::string_view key, bool many_lines = false) {
  reader.need(key, "a text");
  std::string text = reader.text(key, many_lines);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::vector<const toml::table*> tables(Problems& problems, const TableReader& file, std::string_view key) {
  const toml::node* node = file.need(key, "an array of tables");
  if (node == nullptr) return {};
  return read_tables(problems, *node, key, kMaxTables);
}

AdviceAnswer read_answer(Problems& problems, const toml::table& table, AdviceQuestion::Kind kind) {
  const TableReader reader(problems, table, "answer", {"word", "text", "up_to"});
  AdviceAnswer answer{needed(reader, "word"), needed(reader, "text"), {}};
  if (!reader.has("up_to")) return answer;
  if (kind == AdviceQuestion::Kind::count) {
    answer.up_to = reader.integer("up_to", 1, 1'000'000'000, 1);
  } else if (const auto span = parse_duration(reader.text("up_to"))) {
    answer.up_to = *span;
  } else {
    reader.problem("up_to", span.error().message);
  }
  return answer;
}

AdviceQuestion read_question(Problems& problems, const std::string& id, const toml::node& node) {
  AdviceQuestion question;
  question.id = id;
  if (!node.is_table()) {
    problems.at(node.source(), "a question must be a table");
    return question;
  }
  const TableReader reader(problems, *node.as_table(), "question " + in_quotes(id),
                           {"text", "kind", "answers"});
  question.text = needed(reader, "text");
  if (reader.text("kind") == "count") question.kind = AdviceQuestion::Kind::count;
  if (reader.text("kind") == "duration") question.kind = AdviceQuestion::Kind::duration;
  for (const toml::table* answer : tables(problems, reader, "answers"))
    question.answers.push_back(read_answer(problems, *answer, question.kind));
  return question;
}

AdviceNode read_node(Problems& problems, const toml::table& table, const AdviceBook& book) {
  const TableReader reader(problems, table, "node", {"id", "ask", "then"});
  AdviceNode node{needed(reader, "id"), needed(reader, "ask"), {}};
  const auto asked = std::find_if(book.questions.begin(), book.questions.end(),
                                  [&](const AdviceQuestion& question) { return question.id == node.asks; });
  if (asked == book.questions.end()) {
    reader.problem("ask", fmt::format("there is no question {}", in_quotes(node.asks)));
    return node;
  }
  std::vector<std::string> words;
  for (const AdviceAnswer& answer : asked->answers) words.push_back(answer.word);
  const toml::node* then = reader.need("then", "{ yes = \"advice\" }");
  if (then == nullptr || !then->is_table()) return node;
  const TableReader ways(problems, *then->as_table(), "then of " + in_quotes(node.id), words);
  for (const std::string& word : words) node.then[word] = needed(ways, word);
  return node;
}

Advice read_advice(Problems& problems, const toml::table& table) {
  const TableReader reader(problems, table, "advice",
                           {"id", "mode", "settings", "title", "reason", "fastapi", "cpp", "read", "proof",
                            "shows", "avoid", "documents"});
  Advice advice;
  advice.id = needed(reader, "id");
  advice.mode = needed(reader, "mode");
  advice.settings = reader.text("settings");
  advice.title = needed(reader, "title");
  advice.reason = needed(reader, "reason", true);
  advice.fastapi = needed(reader, "fastapi", true);
  advice.cpp = needed(reader, "cpp", true);
  advice.read = needed(reader, "read");
  advice.proof = needed(reader, "proof");
  advice.shows = needed(reader, "shows");
  advice.avoid = needed(reader, "avoid");
  const toml::node* documents = reader.find("documents");
  if (documents == nullptr || (documents->is_array() && documents->as_array()->empty())) return advice;
  for (const toml::table* entry : read_tables(problems, *documents, "documents", kMaxTables)) {
    const TableReader said(problems, *entry, "document", {"document", "place", "says", "instead"});
    advice.documents.push_back(
        {needed(said, "document"), needed(said, "place"), needed(said, "says"), needed(said, "instead")});
  }
  return advice;
}

DocumentList read_list(Problems& problems, const toml::table& table, const AdviceBook& book) {
  const TableReader reader(problems, table, "list", {"list", "document", "place", "entries"});
  DocumentList list{needed(reader, "list"), needed(reader, "document"), needed(reader, "place"), {}};
  for (const toml::table* entry : tables(problems, reader, "entries")) {
    const TableReader row(problems, *entry, "entry", {"text", "advice", "holds", "but", "proof"});
    list.entries.push_back({needed(row, "text"), needed(row, "advice"), needed(row, "holds"), row.text("but"),
                            row.text("proof")});
    const ListEntry& read = list.entries.back();
    if (!problems.any() && book.advice_of(read.advice) == nullptr)
      row.problem("advice", fmt::format("there is no advice {}", in_quotes(read.advice)));
    if (!problems.any() && read.holds != "yes" && read.holds != "partly" && read.holds != "no")
      row.problem("holds", "holds must be yes, partly or no");
  }
  return list;
}

/// Every way from that node ends at an advice, and asks nothing twice.
std::optional<std::string> flaw(const AdviceBook& book, const std::string& id, std::set<std::string> asked) {
  if (book.advice_of(id) != nullptr) return std::nullopt;
  const AdviceNode* node = book.node(id);
  if (node == nullptr) return fmt::format("the tree leads to '{}', which is no node and no advice", id);
  if (!asked.insert(node->asks).second) return fmt::format("node '{}' asks '{}' twice", id, node->asks);
  for (const auto& [word, next] : node->then) {
    if (auto found = flaw(book, next, asked)) return found;
  }
  return std::nullopt;
}

}  // namespace

Result<AdviceBook> parse_advice(std::string_view toml, const std::string& file) {
  Problems problems(file);
  AdviceBook book;
  const auto table = parse_toml(toml, problems);
  if (!table) return problems.first();
  const TableReader reader(problems, *table, "advice file", {"questions", "nodes", "advice", "lists"});
  const toml::node* questions = reader.need("questions", "[questions.work]");
  if (questions != nullptr && questions->is_table()) {
    for (const auto& [key, node] : in_file_order(*questions->as_table()))
      book.questions.push_back(read_question(problems, std::string(key->str()), *node));
  }
  for (const toml::table* node : tables(problems, reader, "nodes"))
    book.nodes.push_back(read_node(problems, *node, book));
  for (const toml::table* advice : tables(problems, reader, "advice"))
    book.advice.push_back(read_advice(problems, *advice));
  for (const toml::table* list : tables(problems, reader, "lists"))
    book.lists.push_back(read_list(problems, *list, book));
  if (problems.any()) return problems.first();
  if (const auto found = flaw(book, book.nodes.front().id, {})) return usage_error("{}: {}", file, *found);
  return book;
}

}  // namespace lab
