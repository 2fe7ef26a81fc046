#include "lab/core/text.hpp"
#include "results/report/format.hpp"
#include "results/report/lanes.hpp"
#include "results/report/remarks.hpp"

namespace lab {

namespace {

/// A newline in a note starts a line.
void add_note(const Note& note, Page& page) {
  const std::vector<std::string> parts = split(note.text, '\n');
  page.entry(to_string(note.kind), parts.front(), note.kind == NoteKind::warn || note.failed);
  for (std::size_t i = 1; i < parts.size(); ++i)
    page.hanging(std::string(kTagIndent, ' '), parts[i], kTagIndent);
}

void add_heading(const Report& report, Page& page) {
  if (report.predicted_only) {
    page.paragraph("virtual time: nothing was run" + (report.changes.empty() ? "" : "; " + report.changes));
    return;
  }
  if (!report.question.empty()) page.paragraph(report.question);
  if (!report.changes.empty()) page.paragraph("changed: " + report.changes);
  const std::string& reason = report.incomplete_reason;
  if (!report.complete)
    add_note({NoteKind::warn, "incomplete: " + (reason.empty() ? "the reason is not known" : reason)}, page);
  page.blank();
}

}  // namespace

std::string to_text(const Report& report, const TextStyle& style) {
  Page page(style);
  add_heading(report, page);
  page.table(make_table(report, style.ascii));
  page.blank();
  page.raw(draw_lanes(report, page.style()));
  page.blank();
  for (const Note& note : all_notes(report)) add_note(note, page);
  return page.take();
}

std::string table_text(const Report& report, const TextStyle& style) {
  Page page(style);
  page.table(make_table(report, style.ascii));
  return page.take();
}

extern const ReportFormat k_format_text{
    "text", [](const FormatInput& input) -> Result<std::string> {
      return one_by_one(input, "\n", [&](const Report& report) { return to_text(report, input.style); });
    }};

}  // namespace lab
