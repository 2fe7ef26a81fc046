#include "scenarios/export/python_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "lab/core/text.hpp"
#include "scenarios/loader/code_line.hpp"

namespace lab {

namespace {

/// Python's own modules and ours are not somebody's package: imports stand in three groups, as PEP 8 asks.
int group_of(const std::string& module) {
  constexpr std::array<std::string_view, 14> kStandard{"asyncio",  "concurrent.futures",
                                                       "datetime", "functools",
                                                       "json",     "logging",
                                                       "math",     "os",
                                                       "pathlib",  "queue",
                                                       "sqlite3",  "threading",
                                                       "time",     "sys"};
  constexpr std::array<std::string_view, 2> kBeside{"jobs", "work"};
  if (std::ranges::find(kStandard, module) != kStandard.end()) return 0;
  return std::ranges::find(kBeside, module) != kBeside.end() ? 2 : 1;
}

}  // namespace

std::string filled_file(std::string_view name, const Filled& filled) {
  std::string all = embedded_file(name);
  for (const auto& [word, text] : filled) {
    for (std::size_t at = 0; (at = all.find(word, at)) != std::string::npos; at += text.size())
      all.replace(at, word.size(), text);
  }
  return all;
}

Lines piece(std::string_view file, std::string_view name, const Filled& filled) {
  Lines lines;
  bool inside = false;
  for (const std::string& line : split(filled_file(file, filled), '\n')) {
    if (line.starts_with("#: ") || line.starts_with("//: ")) {
      inside = line.substr(line.find(' ') + 1) == name;
    } else if (inside) {
      lines.push_back(line);
    }
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

Lines indented(const Lines& lines, std::size_t blanks) {
  Lines result;
  for (const std::string& line : lines)
    result.push_back(line.empty() ? line : std::string(blanks, ' ') + line);
  return result;
}

void PythonFile::set(const std::string& line) {
  if (std::ranges::find(settings_, line) == settings_.end()) settings_.push_back(line);
}

void PythonFile::add(const Lines& block) {
  if (std::ranges::find(blocks_, block) == blocks_.end()) blocks_.push_back(block);
}

void PythonFile::add_piece(std::string_view name, const Filled& filled) {
  Lines block;
  const auto finish = [&] {
    if (block.empty()) return;
    const std::string& head = block.front();
    const bool function = head.starts_with('@') || head.starts_with("def ") || head.starts_with("async def ");
    if (function) {
      add(block);
    } else {
      set(join(block, "\n"));
    }
    block.clear();
  };
  for (const std::string& line : piece("pieces.py", name, filled)) {
    const bool decorated = !block.empty() && block.back().starts_with('@');
    if (line.empty() || (line.front() != ' ' && !decorated)) finish();
    const std::vector<std::string> words = split(line, ' ');
    if (words.front() == "import") {
      use(words[1]);
    } else if (words.front() == "from") {
      use_from(words[1], words[3]);
    } else if (!line.empty()) {
      block.push_back(line);
    }
  }
  finish();
}

std::string PythonFile::unused(const std::string& wanted) {
  std::string name = wanted;
  for (int number = 2; !taken_.insert(name).second; ++number) name = fmt::format("{}_{}", wanted, number);
  return name;
}

std::string PythonFile::named(const std::string& wanted, const std::string& expression) {
  const auto [known, is_new] = named_.try_emplace(expression);
  if (is_new) {
    known->second = unused(wanted);
    set(known->second + " = " + expression);
  }
  return known->second;
}

std::string PythonFile::text(const std::string& title) const {
  std::array<Lines, 3> groups;
  for (const std::string& module : modules_)
    groups[static_cast<std::size_t>(group_of(module))].push_back("import " + module);
  for (const auto& [module, names] : names_) {
    groups[static_cast<std::size_t>(group_of(module))].push_back(
        fmt::format("from {} import {}", module, join({names.begin(), names.end()}, ", ")));
  }
  std::string text = "\"\"\"" + title + "\"\"\"\n";
  bool first = true;
  for (const Lines& group : groups) {
    if (group.empty()) continue;
    text += (first ? "" : "\n") + join(group, "\n") + "\n";
    first = false;
  }
  if (!settings_.empty()) text += "\n" + join(settings_, "\n") + "\n";
  for (const Lines& block : blocks_) text += "\n\n" + join(block, "\n") + "\n";
  return text;
}

std::string python_identifier(const std::string& word) {
  // Keywords, what the modules written here import or call, and what they name themselves.
  static const std::vector<std::string> kTaken = split(
      "False None True and as assert async await break class continue def del elif else except "
      "finally for from global if import in is lambda nonlocal not or pass raise return try "
      "while with yield app asyncio time os json sqrt queue threading sqlite3 anyio httpx "
      "requests psycopg2 asyncpg burn sum map range open len min int str client session pool "
      "places counter database connections processes url connect disconnect get_once "
      "get_patiently count_one fetch execute read_file gone unless_gone not_found "
      "is_there_already size_of_the_pool task_id tasks request socket message environ "
      "body infer clock logger logging datetime",
      ' ');
  std::string name = python_name(word);
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name.front())) != 0) name = "route_" + name;
  return contains(kTaken, name) ? name + "_" : name;
}

std::string python_string(const std::string& text) {
  std::string result = "\"";
  for (const char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') result += '\\';
    result += code < 0x20 || code == 0x7f ? fmt::format("\\x{:02x}", code) : std::string(1, letter);
  }
  return result + "\"";
}

}  // namespace lab
