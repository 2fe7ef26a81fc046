#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/markup.hpp"
#include "results/render/table.hpp"
#include "results/report/export.hpp"
#include "results/report/format.hpp"

namespace lab {

std::string to_markdown(const Report& report) {
  Table table = make_table(report, false);
  name_columns(table);
  std::string out;
  if (report.predicted_only) out += "Virtual time: nothing was run.\n\n";
  if (!report.predicted_only && !report.question.empty()) out += markdown_text(report.question) + "\n\n";
  if (!report.complete) out += "Incomplete: " + markdown_text(report.incomplete_reason) + "\n\n";
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

extern const ReportFormat k_format_md{"md", [](const FormatInput& input) -> Result<std::string> {
                                        return one_by_one(input, "\n", to_markdown);
                                      }};

}  // namespace lab
