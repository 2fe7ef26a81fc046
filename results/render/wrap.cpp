#include "results/render/wrap.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"

namespace lab {

namespace {

constexpr std::array<std::string_view, 12> kUnits{"ns", "us", "µs", "ms", "s",  "min",
                                                  "h",  "d",  "%",  "MB", "GB", "years"};

std::string_view first_word(std::string_view text) {
  return text.substr(0, text.find(' '));
}

/// What follows the first word and exactly one blank; empty where there is none.
std::string_view after_word(std::string_view text) {
  const std::size_t at = text.find(' ');
  if (at == std::string_view::npos || at + 1 >= text.size() || text[at + 1] == ' ') return {};
  return text.substr(at + 1);
}

bool is_number(std::string_view word) {
  return !word.empty() && std::isdigit(static_cast<unsigned char>(word.back())) != 0;
}

bool is_unit(std::string_view word) {
  while (!word.empty() && std::string_view(".,;:)").find(word.back()) != std::string_view::npos) {
    word.remove_suffix(1);
  }
  return std::ranges::find(kUnits, word) != kUnits.end();
}

bool ends_clause(std::string_view word) {
  return word.empty() || std::string_view(".,;:)").find(word.back()) != std::string_view::npos;
}

/// Bytes of `8 min 20 s` at the beginning of `text`, or none.
std::size_t length_of_quantity(std::string_view text) {
  std::size_t length = 0;
  std::string_view rest = text;
  while (is_number(first_word(rest)) && is_unit(first_word(after_word(rest)))) {
    const std::string_view from_unit = after_word(rest);
    const std::string_view unit = first_word(from_unit);
    length = static_cast<std::size_t>(unit.data() - text.data()) + unit.size();
    rest = ends_clause(unit) ? std::string_view{} : after_word(from_unit);
  }
  return length;
}

/// Bytes of `lab run x --requests 41` at the beginning of `text`, or none: verb, subject, options with
/// values.
std::size_t length_of_command(std::string_view text) {
  const std::string_view program = first_word(text);
  std::string_view rest = after_word(text);
  const std::string_view verb = first_word(rest);
  if (program != "lab" && !program.ends_with("labw")) return 0;
  if (std::ranges::find(kVerbs, verb) == kVerbs.end()) return 0;
  std::string_view last = verb;
  bool value = true;  // a word that is no option may follow
  for (rest = after_word(rest); !rest.empty() && !ends_clause(last); rest = after_word(rest)) {
    const std::string_view word = first_word(rest);
    const bool option = word.starts_with("--");
    if (word.starts_with('(') || (!option && !value)) break;
    value = option && word.find('=') == std::string_view::npos;
    last = word;
  }
  return static_cast<std::size_t>(last.data() - text.data()) + last.size();
}

/// The first word of `text`, or a longer piece that should stay on one line of `room` columns.
std::string_view first_piece(std::string_view text, std::size_t room) {
  const std::size_t length = std::max(length_of_quantity(text), length_of_command(text));
  const std::string_view piece = text.substr(0, length);
  return length > 0 && columns(piece) <= room ? piece : first_word(text);
}

}  // namespace

std::vector<std::string> wrap(std::string_view unwrapped, std::string_view first, std::size_t indent,
                              std::size_t width) {
  const std::string called = as_called(unwrapped);
  std::string_view text = called;
  const std::size_t room = width > indent + 8 ? width : indent + 8;
  std::vector<std::string> lines;
  std::string line(first);
  bool empty = true;
  const auto end_line = [&] {
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(line);
    line.assign(indent, ' ');
    empty = true;
  };
  while (!text.empty()) {
    const std::size_t blanks = std::min(text.find_first_not_of(' '), text.size());
    text.remove_prefix(blanks);
    std::string_view word = first_piece(text, room - indent);
    text.remove_prefix(word.size());
    const std::size_t gap = empty ? 0 : blanks;
    if (!empty && columns(line) + gap + columns(word) > room) end_line();
    if (!empty) line.append(gap, ' ');
    while (columns(line) + columns(word) > room) {
      line += take_columns(word, room - columns(line));
      empty = false;
      end_line();
    }
    line += word;
    empty = empty && word.empty();
  }
  if (!empty || lines.empty()) end_line();
  return lines;
}

}  // namespace lab
