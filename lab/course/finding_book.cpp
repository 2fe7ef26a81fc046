#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>

#include "lab/core/text.hpp"
#include "lab/course/data.hpp"
#include "lab/course/explain.hpp"

namespace lab {

namespace {

[[noreturn]] void refuse(const toml::node& node, std::string_view what) {
  throw Failure(usage_error("findings.toml:{}: {}", node.source().begin.line, what));
}

std::string text_of(const toml::table& table, std::string_view key, bool needed = true) {
  const auto value = table[key].value<std::string>();
  if (!value && (needed || table.contains(key))) refuse(table, fmt::format("{} must be a text", key));
  std::string text = value.value_or("");
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::vector<std::string> texts_of(const toml::table& table, std::string_view key) {
  const toml::array* array = table[key].as_array();
  if (array == nullptr) refuse(table, fmt::format("{} must be an array of texts", key));
  std::vector<std::string> texts;
  for (const toml::node& node : *array) {
    const auto text = node.value<std::string>();
    if (!text) refuse(node, fmt::format("{} must be an array of texts", key));
    texts.push_back(*text);
  }
  return texts;
}

const toml::array& tables_of(const toml::table& file, std::string_view path) {
  const toml::array* array = file.at_path(path).as_array();
  const bool sound = array != nullptr && std::all_of(array->begin(), array->end(),
                                                     [](const toml::node& node) { return node.is_table(); });
  if (!sound) refuse(file, fmt::format("{} must be an array of tables", path));
  return *array;
}

std::string command_for(const FindingEntry& entry) {
  std::string arms = entry.sick;
  if (!entry.healthy.empty() && entry.healthy != entry.sick) arms += "," + entry.healthy;
  return fmt::format("lab run {} --arms {}", entry.scenario, arms);
}

FindingEntry read_entry(const toml::table& table) {
  FindingEntry entry;
  entry.id = text_of(table, "id");
  entry.title = text_of(table, "title");
  entry.what = text_of(table, "what");
  entry.seen = text_of(table, "seen");
  entry.cpp = texts_of(table, "cpp");
  entry.fastapi = texts_of(table, "fastapi");
  const toml::table* shown = table["shown"].as_table();
  if (shown == nullptr) refuse(table, "shown must be a table");
  entry.scenario = text_of(*shown, "scenario");
  entry.sick = text_of(*shown, "sick");
  entry.sick_case = text_of(*shown, "sick_case", false);
  entry.healthy = text_of(*shown, "healthy", false);
  entry.healthy_case = text_of(*shown, "healthy_case", false);
  entry.command = text_of(*shown, "command", false);
  if (entry.command.empty()) entry.command = command_for(entry);
  return entry;
}

SickArm read_sick_arm(const toml::table& table) {
  SickArm sick;
  sick.scenario = text_of(table, "scenario");
  sick.arm = text_of(table, "arm");
  sick.case_id = text_of(table, "case", false);
  sick.findings = texts_of(table, "findings");
  sick.findings_at_tenth = table.contains("at_a_tenth") ? texts_of(table, "at_a_tenth") : sick.findings;
  if (table.contains("perhaps")) sick.perhaps = texts_of(table, "perhaps");
  return sick;
}

}  // namespace

FindingBook read_finding_book(std::string_view text) {
  FindingBook book;
  try {
    const toml::table file = toml::parse(text, std::string_view("findings.toml"));
    for (const toml::node& node : tables_of(file, "finding"))
      book.entries.push_back(read_entry(*node.as_table()));
    for (const toml::node& node : tables_of(file, "arms.sick"))
      book.sick_arms.push_back(read_sick_arm(*node.as_table()));
  } catch (const toml::parse_error& error) {
    throw Failure(usage_error("findings.toml:{}: {}", error.source().begin.line, error.description()));
  }
  return book;
}

const FindingBook& finding_book() {
  static const FindingBook kBook = read_finding_book(kFindingsText);
  return kBook;
}

Result<const FindingEntry*> FindingBook::find(const std::string& id) const {
  std::string wanted = id;
  std::transform(wanted.begin(), wanted.end(), wanted.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
  const bool bare = !wanted.empty() && std::all_of(wanted.begin(), wanted.end(), [](unsigned char letter) {
    return std::isdigit(letter) != 0;
  });
  if (bare) wanted = "LAB" + wanted;
  std::vector<std::string> known;
  for (const FindingEntry& entry : entries) {
    if (entry.id == wanted) return &entry;
    known.push_back(entry.id);
  }
  return usage_error("unknown finding '{}'{}", id.substr(0, 40), suggestion(wanted, known));
}

}  // namespace lab
