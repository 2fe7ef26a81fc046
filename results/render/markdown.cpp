#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/cells.hpp"
#include "results/render/table.hpp"
#include "results/report/export.hpp"

namespace lab {

namespace {

std::string escaped(const std::string& text) {
  std::string out;
  for (const char letter : printable(text, false)) {
    if (std::string_view("\\|`*<>[]").find(letter) != std::string_view::npos) out += '\\';
    out += letter;
  }
  return out;
}

}  // namespace

std::string markdown_row(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = escaped(cell);
  return "| " + join(cells, " | ") + " |\n";
}

std::string to_markdown(const Report& report) {
  Table table = make_table(report, false);
  name_columns(table);
  std::string out;
  if (report.predicted_only) out += "Virtual time: nothing was run.\n\n";
  if (!report.predicted_only && !report.question.empty()) out += escaped(report.question) + "\n\n";
  if (!report.complete) out += "Incomplete: " + escaped(report.incomplete_reason) + "\n\n";
  std::vector<std::string> headings;
  std::string rule = "|";
  for (const Column& column : table.columns) {
    headings.push_back(column.heading);
    rule += column.right ? " ---: |" : " --- |";
  }
  out += markdown_row(headings) + rule + "\n";
  for (TableRow& row : table.rows) {
    if (!row.rest.empty()) row.cells.push_back(row.rest);
    row.cells.resize(table.columns.size());
    out += markdown_row(row.cells);
  }
  return out;
}

}  // namespace lab
