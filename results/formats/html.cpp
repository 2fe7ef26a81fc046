#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "results/render/formatting.hpp"
#include "results/report/format.hpp"
#include "results/report/lanes.hpp"
#include "results/report/picture.hpp"
#include "results/report/remarks.hpp"

namespace lab {

/// static.css: large enough for the last row of a classroom, dark where the reader's system is.
extern const char* const kStaticStyle;

namespace {

std::string element(std::string_view tag, std::string_view text, std::string_view kind = "") {
  if (kind.empty()) return fmt::format("<{0}>{1}</{0}>\n", tag, escape_markup(text));
  return fmt::format("<{0} class=\"{2}\">{1}</{0}>\n", tag, escape_markup(text), kind);
}

std::string cell_kind(const Column& column, Verdict verdict) {
  std::string kind = column.right ? "right" : "";
  const auto add = [&](std::string_view word) { kind.append(kind.empty() ? "" : " ").append(word); };
  if (column.role == ColumnRole::measured) add("main");
  if (column.role == ColumnRole::label || column.role == ColumnRole::interval) add("soft");
  if (column.role == ColumnRole::note) add("wide");
  if (column.role == ColumnRole::log && verdict != Verdict::none) add(to_string(verdict));
  return kind;
}

std::string attribute(const std::string& kind) {
  return kind.empty() ? "" : fmt::format(" class=\"{}\"", kind);
}

std::string table_of(const Table& table) {
  if (table.rows.empty()) return "";
  std::string out = "<div class=\"scroll\"><table>\n<thead><tr>";
  for (const Column& column : table.columns) {
    out += fmt::format("<th scope=\"col\"{}>{}</th>", attribute(column.right ? "right" : ""),
                       escape_markup(column.heading));
  }
  out += "</tr></thead>\n<tbody>\n";
  for (const TableRow& row : table.rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      out += fmt::format("<td{}>{}</td>", attribute(cell_kind(table.columns[i], row.verdict)),
                         escape_markup(row.cells[i]));
    }
    const std::size_t left = table.columns.size() - std::min(row.cells.size(), table.columns.size());
    if (left > 0)
      out += fmt::format("<td colspan=\"{}\" class=\"soft wide\">{}</td>", left, escape_markup(row.rest));
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string svg_element(const LanesPicture& picture, const std::string& definitions) {
  return fmt::format(
      "<svg role=\"img\" aria-label=\"requests over time\" viewBox=\"0 0 {:.0f} {:.0f}\">\n{}{}</svg>\n",
      picture.width, picture.height, definitions, picture.shapes);
}

std::string figure_of(const Report& report, const PictureStyle& style, bool& patterns_there) {
  const std::string patterns = patterns_there ? "" : picture_patterns(style);
  patterns_there = true;
  return "<figure>" + svg_element(draw_picture(report, style), patterns) + "</figure>\n";
}

/// The lanes that are not in the contrast above.
std::string all_lanes_of(const Report& report, const PictureStyle& style, bool& patterns_there) {
  const auto with_lanes =
      std::ranges::count_if(report.arms, [](const ArmReport& arm) { return !arm.lanes.empty(); });
  if (style.chosen || std::cmp_less_equal(with_lanes, telling_arms(report).size())) return "";
  PictureStyle all = style;
  all.chosen = true;
  return "<details><summary>The lanes of all arms</summary>\n" + figure_of(report, all, patterns_there) +
         "</details>\n";
}

/// These are tables in themselves: their columns stand under each other.
bool is_fixed(NoteKind kind) {
  return kind == NoteKind::loop || kind == NoteKind::path || kind == NoteKind::tail;
}

std::string remarks_of(const Report& report) {
  std::vector<Note> remarks = all_notes(report);
  std::erase_if(remarks, [](const Note& note) { return note.kind == NoteKind::so; });  // stands above
  if (remarks.empty()) return "";
  std::string out = "<h2>What it says</h2>\n<dl class=\"notes\">\n";
  for (const Note& remark : remarks) {
    const std::string kind = remark.failed ? "failed" : lower_case(to_string(remark.kind));
    out += element("dt", to_string(remark.kind), escape_markup(kind));
    out += fmt::format("<dd{}>{}</dd>\n", is_fixed(remark.kind) ? " class=\"fixed\"" : "",
                       join(mapped(split(as_called(remark.text), '\n'), escape_markup), "\n"));
  }
  return out + "</dl>\n";
}

std::string machine_of(const Report& report) {
  std::string rows;
  const auto add = [&](const std::string& key, const std::string& value) {
    if (!value.empty()) rows += element("dt", key) + element("dd", value);
  };
  if (report.cores > 0) add("cores", fmt::format("{}", report.cores));
  add("kernel", report.kernel);
  add("noise", report.noise);
  for (const auto& [key, value] : report.environment) add(key, value);
  add("seed", fmt::format("{}", report.seed));
  return "<details><summary>What it ran on</summary>\n<dl class=\"machine\">\n" + rows + "</dl></details>\n";
}

std::string facts_of(const Report& report) {
  std::string facts = report.predicted_only ? "Virtual time: nothing was run" : "";
  if (!report.changes.empty()) facts += (facts.empty() ? "" : " · ") + ("changed: " + report.changes);
  return facts.empty() ? "" : element("p", facts, "facts");
}

std::string article_of(const Report& report, const PictureStyle& style, bool& patterns_there) {
  std::string out = "<article>\n" + element("p", report.scenario, "name") +
                    element("h1", report.question.empty() ? report.scenario : report.question) +
                    facts_of(report);
  if (!report.complete) out += element("p", "Incomplete: " + report.incomplete_reason, "warning");
  if (const std::string answer = answer_of(report); !answer.empty()) out += element("p", answer, "answer");
  if (!telling_arms(report).empty()) out += figure_of(report, style, patterns_there);
  out += table_of(make_table(report, false)) + table_of(make_worker_table(report)) + remarks_of(report) +
         all_lanes_of(report, style, patterns_there);
  if (!report.predicted_only) out += machine_of(report);
  return out + "</article>\n";
}

/// static.css, in the colours that somebody chose.
std::string static_style(const PictureStyle& style) {
  std::string css = kStaticStyle;
  constexpr std::string_view kSystem = "(prefers-color-scheme: dark)";
  if (style.dark) css.replace(css.find(kSystem), kSystem.size(), *style.dark ? "all" : "not all");
  return css;
}

}  // namespace

StaticPage static_page(const FormatInput& input) {
  const PictureStyle& style = input.picture;
  StaticPage page{.title = "Concurrency Lab", .style = static_style(style), .body = ""};
  if (!input.reports.empty()) page.title = input.reports.front().scenario + " · " + page.title;
  page.body = style.slide ? "<main class=\"static slide\">\n" : "<main class=\"static\">\n";
  bool patterns_there = false;
  for (const Report& report : input.reports) {
    page.body += style.slide
                     ? svg_element(draw_slide(report, style), picture_style(style) + picture_patterns(style))
                     : article_of(report, style, patterns_there);
  }
  page.body += "</main>\n";
  return page;
}

extern const ReportFormat k_format_html{
    .word = "html",
    .write = [](const FormatInput& input) -> Result<std::string> {
      const StaticPage page = static_page(input);
      return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n" +
             element("title", page.title) + "<style>" + page.style + "</style>\n</head>\n<body>\n" +
             page.body + "</body>\n</html>\n";
    },
    .is_picture = true};

}  // namespace lab
