#include "results/wrap.hpp"

#include <algorithm>

#include "results/utf8.hpp"

namespace lab {

namespace {

/// The first `count` columns of `text`, taken off it.
std::string take_columns(std::string_view& text, std::size_t count) {
  std::string taken;
  for (std::size_t i = 0; i < count && !text.empty(); ++i) append_code_point(next_code_point(text), taken);
  return taken;
}

}  // namespace

std::vector<std::string> wrap(std::string_view text, std::string_view first, std::size_t indent,
                              std::size_t width) {
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
    std::string_view word = text.substr(0, text.find(' '));
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
