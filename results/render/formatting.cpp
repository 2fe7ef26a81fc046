#include "results/render/formatting.hpp"

#include <fmt/format.h>

#include <cctype>
#include <cmath>
#include <utility>

#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"

namespace lab {

Unit time_unit(double value) {
  const double size = std::abs(value);
  if (size >= 999.95) return {1, 0, "s"};
  if (size >= 99.9995) return {1, 1, "s"};
  if (size >= 0.09995 || size == 0) return {1, 3, "s"};
  if (size >= 0.009995) return {1e3, 1, "ms"};
  if (size >= 0.0009995) return {1e3, 2, "ms"};
  if (size >= 0.00009995) return {1e3, 3, "ms"};
  return {1e6, 1, "µs"};
}

Unit plain_unit(double value) {
  const double size = std::abs(value);
  if (size >= 999.5 || std::floor(size) == size) return {1, 0, ""};
  return {1, size >= 10 ? 1 : 3, ""};
}

Unit byte_unit(double bytes) {
  const double size = std::abs(bytes);
  if (size >= 999.95e6) return {1e-9, 2, "GB"};
  if (size >= 999.95e3) return {1e-6, 1, "MB"};
  return {1e-3, 1, "KB"};
}

Unit unit_of(const Stat& stat, double value) {
  if (stat.is_time()) return time_unit(value);
  return stat.is_bytes() ? byte_unit(value) : plain_unit(value);
}

std::string number(double value, const Unit& unit) {
  constexpr double kReadable = 99'999;
  if (!unit.name.empty() && std::abs(value * unit.factor) > kReadable)
    return quantity(value, time_unit(value));
  return fmt::format("{:.{}f}", value * unit.factor, unit.decimals);
}

std::string quantity(double value, const Unit& unit) {
  const std::string digits = fmt::format("{:.{}f}", value * unit.factor, unit.decimals);
  return unit.name.empty() ? digits : digits + " " + unit.name;
}

std::string interval(const Estimate& figure, Unit unit) {
  if (!figure.low || !figure.high) return "";
  unit.name.clear();
  return number(*figure.low, unit) + "–" + number(*figure.high, unit);
}

std::string engine_name(std::string_view engine) {
  return engine == "fastapi" ? "FastAPI" : "C++";
}

std::string long_time(double seconds) {
  constexpr double kLongest = 9e9;  // what fits into int64 nanoseconds, about 285 years
  if (seconds < 99.95) return quantity(seconds, time_unit(seconds));
  if (seconds > kLongest) return fmt::format("{:.0f} years", seconds / 31'557'600);
  return format_duration(to_nanos(seconds));
}

std::string memory(double bytes) {
  if (bytes >= 9.95e9) return fmt::format("{:.0f} GB", bytes / 1e9);
  if (bytes >= 9.5e8) return fmt::format("{:.2g} GB", bytes / 1e9);
  return fmt::format("{:.0f} MB", bytes / 1e6);
}

std::string formula_text(std::string formula, bool ascii) {
  if (ascii) replace_all(formula, "·", "*");
  return printable(formula, ascii);
}

std::string formula_legend(const std::string& formulas) {
  constexpr std::pair<const char*, const char*> kLetters[] = {
      {"N", "requests"},          {"d", "one wait"}, {"c", "one computation"}, {"k", "connections of a pool"},
      {"P", "threads of a pool"}, {"T", "threads"},  {"W", "workers"},         {"C", "cores"}};
  std::vector<std::string> parts;
  for (const auto& [letter, meaning] : kLetters) {
    if (formulas.find(letter) != std::string::npos) parts.push_back(fmt::format("{} = {}", letter, meaning));
  }
  return join(parts, ", ");
}

std::string verdict_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::none: return "";
    case Verdict::reproduced: return "agrees";
    case Verdict::faster: return "ran faster";
    case Verdict::slower: return "ran slower";
    case Verdict::instrument_fault: return "instrument fault";
    default: return std::string(to_string(verdict));
  }
}

std::string without_unit(const std::string& documented, const Unit& unit) {
  if (unit.name != "s" || documented.size() < 2 || documented.back() != 's') return documented;
  std::string bare = documented.substr(0, documented.size() - 1);
  while (!bare.empty() && bare.back() == ' ') bare.pop_back();
  return !bare.empty() && std::isdigit(static_cast<unsigned char>(bare.back())) != 0 ? bare : documented;
}

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

std::vector<std::string> headings_of(const Table& table) {
  return mapped(table.columns, &Column::heading);
}

}  // namespace

std::string csv_row(const std::vector<std::string>& cells) {
  return join(mapped(cells, csv_cell), ",") + "\n";
}

std::string number_cell(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? fmt::format("{}", *value) : "";
}

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
