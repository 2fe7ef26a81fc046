#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

constexpr std::size_t kMaxWrong = 16;

/// `blocking.ping.latency.max`: an arm, then a stat.
void read_answer(Draft& draft, const toml::node& node, Ask& ask) {
  const std::string text = read_text(draft.problems, node, "answer");
  if (draft.problems.any()) return;
  const std::size_t dot = text.find('.');
  if (dot == std::string::npos) {
    draft.problems.at(node.source(),
                      fmt::format("answer {} must be an arm and a stat, such as \"{}.makespan\"",
                                  in_quotes(text), draft.scenario.arms.front().id));
    return;
  }
  ask.answer_arm = text.substr(0, dot);
  const std::vector<std::string> arms = ids_of(draft.scenario.arms);
  if (!contains(arms, ask.answer_arm)) {
    draft.problems.at(node.source(),
                      fmt::format("answer {} names the unknown arm {}{}", in_quotes(text),
                                  in_quotes(ask.answer_arm), suggestion(ask.answer_arm, arms)));
    return;
  }
  ask.answer = read_stat(draft, std::string_view(text).substr(dot + 1), node.source());
}

Ask::Wrong read_wrong(Draft& draft, const toml::table& table, const Stat& answer,
                      const std::string& load_case) {
  const TableReader reader(draft.problems, table, "wrong answer", {"value", "say"});
  Ask::Wrong wrong;
  const toml::node* value = reader.need("value", "value = \"0s\"");
  reader.need("say", "say = \"That is the mean wait.\"");
  if (value != nullptr) wrong.value = read_value(draft, *value, answer, "value", Scaling::scaled);
  wrong.say = fill_in(draft, reader.text("say"), reader.where("say"), load_case);
  return wrong;
}

Ask read_ask(Draft& draft, const toml::table& table) {
  const TableReader reader(draft.problems, table, "ask", {"text", "answer", "case", "wrong"});
  Ask ask;
  reader.need("text", "text = \"How long does the slowest ping take?\"");
  const toml::node* answer = reader.need("answer", "answer = \"blocking.makespan\"");
  if (answer != nullptr && !draft.problems.any()) read_answer(draft, *answer, ask);
  ask.answer_case = read_one_of(draft, reader, "case", ids_of(draft.scenario.cases));
  ask.text = fill_in(draft, reader.text("text"), reader.where("text"), ask.answer_case);
  const toml::node* wrong = reader.find("wrong");
  if (wrong == nullptr || draft.problems.any()) return ask;
  for_each_table(draft.problems, *wrong, "wrong", kMaxWrong, [&](const toml::table& entry) {
    ask.wrong.push_back(read_wrong(draft, entry, ask.answer, ask.answer_case));
  });
  return ask;
}

}  // namespace

void read_asks(Draft& draft, const TableReader& file) {
  if (const toml::node* node = file.find("ask"))
    for_each_table(draft.problems, *node, "ask", kMaxEntries,
                   [&](const toml::table& table) { draft.scenario.asks.push_back(read_ask(draft, table)); });
}

void read_explain(Draft& draft, const TableReader& file) {
  const toml::node* node = file.find("explain");
  if (node == nullptr) return;
  const toml::table* table = read_table(draft.problems, *node, "explain must be one table, [explain]");
  if (table == nullptr) return;
  const TableReader reader(draft.problems, *table, "explain",
                           {"answer", "text", "log", "note", "next", "next_reason"});
  Explain& explain = draft.scenario.explain;
  const auto filled = [&](std::string_view key) {
    return fill_in(draft, reader.text(key, true), reader.where(key), "");
  };
  if (reader.has("answer"))
    explain.answer = read_answer_sentence(draft, reader.text("answer", true), reader.where("answer"));
  explain.text = filled("text");
  explain.log = filled("log");
  explain.note = filled("note");
  if (const toml::node* next = reader.find("next")) explain.next = read_id(draft, *next, "next");
  explain.next_reason = reader.text("next_reason");
  if (reader.has("next_reason") && !reader.has("next")) {
    reader.problem("next_reason", "next_reason explains nothing without next = \"a-scenario\"");
  }
}

}  // namespace lab
