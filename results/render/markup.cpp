#include "results/render/markup.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"

namespace lab {

std::string escape_markup(std::string_view text) {
  std::string result;
  for (const char letter : printable(text, false)) {
    switch (letter) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += letter;
    }
  }
  return result;
}

std::string svg_text(double x, double y, std::string_view text, std::string_view more) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, more, escape_markup(text));
}

namespace {

bool is_number(const std::string& cell) {
  double value = 0;
  const char* end = cell.data() + cell.size();
  const auto [rest, problem] = std::from_chars(cell.data(), end, value);
  return problem == std::errc() && rest == end && std::isfinite(value);
}

}  // namespace

std::string csv_cell(const std::string& text) {
  std::string out = valid_utf8(text);
  const std::size_t first = out.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && std::string_view("=+-@").find(out[first]) != std::string_view::npos &&
      !is_number(out)) {
    out.insert(0, 1, '\'');
  }
  if (out.find_first_of(",\"\r\n") == std::string::npos) return out;
  std::string quoted = "\"";
  for (const char letter : out) quoted += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return quoted + "\"";
}

std::string markdown_text(const std::string& text) {
  std::string out;
  for (const char letter : printable(text, false)) {
    if (std::string_view("\\|`*<>[]").find(letter) != std::string_view::npos) out += '\\';
    out += letter;
  }
  return out;
}

std::string markdown_row(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = markdown_text(cell);
  return "| " + join(cells, " | ") + " |\n";
}

}  // namespace lab
