#include "lab/core/text.hpp"
#include "results/export.hpp"
#include "results/table.hpp"
#include "results/utf8.hpp"

namespace lab {

namespace {

/// Text, never markup: in a cell a pipe would end it, and a scenario's words must not become HTML or links.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char letter : printable(text, false)) {
    if (std::string_view("\\|`*<>[]").find(letter) != std::string_view::npos) out += '\\';
    out += letter;
  }
  return out;
}

std::string row_text(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = escaped(cell);
  return "| " + join(cells, " | ") + " |\n";
}

}  // namespace

std::string to_markdown(const Report& report) {
  Table table = make_table(report, false);
  if (!table.has_headings() && table.columns.size() >= 3) {
    for (Column& column : table.columns) {
      switch (column.role) {
        case ColumnRole::arm: column.heading = "arm"; break;
        case ColumnRole::case_id: column.heading = "case"; break;
        case ColumnRole::stat: column.heading = "stat"; break;
        case ColumnRole::measured: column.heading = "predicted"; break;
        case ColumnRole::expected: column.heading = "formula"; break;
        default: column.heading = "note"; break;
      }
    }
  }
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
  out += row_text(headings) + rule + "\n";
  for (TableRow& row : table.rows) {
    if (!row.rest.empty()) row.cells.push_back(row.rest);
    row.cells.resize(table.columns.size());
    out += row_text(row.cells);
  }
  return out;
}

}  // namespace lab
