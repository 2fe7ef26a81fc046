#include "lab/course/course.hpp"

#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/wrap.hpp"

namespace lab {

std::string text_lines(const std::string& text, std::string_view first, std::size_t indent,
                       const TextStyle& style) {
  return join(wrap(printable(text, style.ascii), first, indent, static_cast<std::size_t>(style.width)),
              "\n") +
         "\n";
}

std::string tagged(const std::string& tag, const std::string& text, const TextStyle& style,
                   std::size_t columns) {
  return text_lines(text, pad(tag, columns), columns, style);
}

std::string tagged_command(const std::string& tag, const std::string& command, const TextStyle& style,
                           std::size_t columns) {
  const std::size_t width = static_cast<std::size_t>(style.width) - 2;
  return join(wrap(command, pad(tag, columns), columns, width), " \\\n") + "\n";
}

std::string tagged_code(const std::string& tag, const std::string& code, const TextStyle& style,
                        std::size_t columns) {
  std::string lines;
  for (const std::string& line : split(code, '\n')) {
    std::string row = pad(lines.empty() ? tag : "", columns) + printable(as_called(line), style.ascii);
    row.erase(row.find_last_not_of(' ') + 1);
    lines += row + "\n";
  }
  return lines;
}

std::string listed(const std::string& name, const std::string& text, std::size_t columns,
                   const TextStyle& style) {
  const std::string first = printable(name, style.ascii);
  const bool above = lab::columns(first) + 2 > columns;
  return (above ? first + "\n" : "") + text_lines(text, pad(above ? "" : first, columns), columns, style);
}

}  // namespace lab
