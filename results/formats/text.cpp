#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "results/report/format.hpp"
#include "results/report/lanes.hpp"
#include "results/report/remarks.hpp"

namespace lab {

namespace {

constexpr std::size_t kRows = 23;        // of a terminal's 24: the next prompt takes one
constexpr std::size_t kLanesWanted = 6;  // a table that leaves them less is shown in short

/// A newline in a note starts a line.
void add_note(const Note& note, Page& page) {
  const std::vector<std::string> parts = split(note.text, '\n');
  page.entry(to_string(note.kind), parts.front(), note.kind == NoteKind::warn || note.failed);
  for (std::size_t i = 1; i < parts.size(); ++i)
    page.hanging(std::string(kTagIndent, ' '), parts[i], kTagIndent);
}

void add_heading(const Report& report, Page& page) {
  if (!report.question.empty()) page.paragraph(report.question);
  if (report.predicted_only) {
    page.paragraph("virtual time: nothing was run" + (report.changes.empty() ? "" : "; " + report.changes));
    return;
  }
  if (!report.changes.empty()) page.paragraph("changed: " + report.changes);
  const std::string& reason = report.incomplete_reason;
  if (!report.complete)
    add_note({NoteKind::warn, "incomplete: " + (reason.empty() ? "the reason is not known" : reason)}, page);
  page.blank();
}

/// `WHY, LOG, NOTE`: what `first` leaves out of all notes.
std::string tags_besides(const std::vector<Note>& first, const std::vector<Note>& all) {
  std::vector<std::string> tags;
  for (const Note& note : all) {
    const bool there = std::ranges::find(first, note.text, &Note::text) != first.end();
    if (!there) add_once(tags, to_string(note.kind));
  }
  return join(tags, ", ");
}

}  // namespace

std::string to_text(const Report& report, const TextStyle& style) {
  Page page(style), table(style), below(style);
  add_heading(report, page);
  table.table(make_table(report, style.ascii));
  const std::vector<Note> all = all_notes(report);
  const std::vector<Note> notes = style.details ? all : first_notes(report);
  for (const Note& note : notes) add_note(note, below);
  std::size_t lanes_rows = std::string::npos;
  if (!style.details) {
    constexpr std::size_t kBetween = 2 + 1;  // two blank lines, and the last one
    const std::size_t room = kRows - std::min(kRows, page.rows() + below.rows() + kBetween);
    const std::size_t lanes = draw_lanes(report, page.style(), kLanesWanted).size();
    std::string more = tags_besides(notes, all);
    if (table.rows() + lanes > room) {
      Page shorter(style);
      shorter.table(make_short_table(report, style.ascii));
      if (shorter.rows() < table.rows()) {
        table = std::move(shorter);
        more += more.empty() ? "the whole table" : ", the whole table";
      }
    }
    if (!more.empty()) {
      below.entry("MORE", report.again.empty() ? "--details adds " + more
                                               : fmt::format("{} --details    ({})", report.again, more));
    }
    lanes_rows = room - std::min(room, table.rows());
  }
  page.raw(table.take());
  page.blank();
  page.raw(draw_lanes(report, page.style(), lanes_rows));
  page.blank();
  if (const Table workers = make_worker_table(report); style.details && !workers.rows.empty()) {
    page.table(workers);
    page.blank();
  }
  page.raw(below.take());
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
