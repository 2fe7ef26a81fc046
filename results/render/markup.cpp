#include "results/render/markup.hpp"

#include <fmt/format.h>

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

std::string svg_line(double x1, double y1, double x2, double y2, std::string_view more) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1, y1, x2, y2,
                     more);
}

std::string svg_document(double width, double height, std::string_view definitions, std::string_view shapes,
                         std::string_view paper) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "{2}<rect width=\"100%\" height=\"100%\" fill=\"{4}\"/>\n{3}</svg>\n",
      width, height, definitions, shapes, paper);
}

std::string csv_quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char letter : text) quoted += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return quoted + "\"";
}

namespace {

bool is_number(const std::string& cell) {
  const auto value = number_in<double>(cell);
  return value && std::isfinite(*value);
}

std::string csv_cell(const std::string& text) {
  std::string out = valid_utf8(text);
  const std::size_t first = out.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && std::string_view("=+-@").find(out[first]) != std::string_view::npos &&
      !is_number(out)) {
    out.insert(0, 1, '\'');
  }
  return csv_quoted(out);
}

}  // namespace

std::string csv_row(const std::vector<std::string>& cells) {
  std::vector<std::string> quoted;
  for (const std::string& cell : cells) quoted.push_back(csv_cell(cell));
  return join(quoted, ",") + "\n";
}

std::string number_cell(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? fmt::format("{}", *value) : "";
}

namespace {

std::vector<std::string> headings_of(const Table& table) {
  std::vector<std::string> headings;
  for (const Column& column : table.columns) headings.push_back(column.heading);
  return headings;
}

}  // namespace

std::string csv_table(const Table& table) {
  std::string out = csv_row(headings_of(table));
  for (const TableRow& row : table.rows) out += csv_row(row.cells);
  return out;
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

std::string markdown_table(const Table& table) {
  std::string rule = "|";
  for (const Column& column : table.columns) rule += column.right ? " ---: |" : " --- |";
  std::string out = markdown_row(headings_of(table)) + rule + "\n";
  for (const TableRow& row : table.rows) {
    std::vector<std::string> cells = row.cells;
    if (!row.rest.empty()) cells.push_back(row.rest);
    cells.resize(table.columns.size());
    out += markdown_row(std::move(cells));
  }
  return table.legend.empty() ? out : out + "\n" + markdown_text(table.legend) + "\n";
}

}  // namespace lab
