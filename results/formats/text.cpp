#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/lanes.hpp"
#include "results/render/table.hpp"
#include "results/render/wrap.hpp"
#include "results/report/export.hpp"
#include "results/report/format.hpp"
#include "results/report/remarks.hpp"

namespace lab {

namespace {

class Page {
 public:
  explicit Page(const TextStyle& style)
      : style_(style), width_(static_cast<std::size_t>(style.width > 0 ? std::max(style.width, 20) : 80)) {}

  std::size_t width() const { return width_; }
  TextStyle style() const { return {static_cast<int>(width_), style_.ascii, style_.color}; }

  void line(const std::string& text) { out_ += text + "\n"; }
  void lines(const std::vector<std::string>& all) {
    for (const std::string& each : all) line(each);
  }
  void paragraph(const std::string& text) { lines(wrap(printable(text, style_.ascii), "", 0, width_)); }
  void blank() {
    if (!out_.empty() && !out_.ends_with("\n\n")) out_ += '\n';
  }

  /// The tag, then the text beside it; a newline in the text starts a line.
  void remark(const Note& remark) {
    const std::string tag =
        pad(shorten(std::string(to_string(remark.kind)), kTagIndent - 1, true), kTagIndent);
    std::string first = tag;
    for (const std::string& part : split(remark.text, '\n')) {
      std::vector<std::string> wrapped = wrap(printable(part, style_.ascii), first, kTagIndent, width_);
      if (first == tag && style_.color) wrapped.front() = emphasise(wrapped.front(), remark);
      lines(wrapped);
      first.assign(kTagIndent, ' ');
    }
  }

  std::string take() {
    while (out_.ends_with("\n\n")) out_.pop_back();
    return std::move(out_);
  }

 private:
  static std::string emphasise(const std::string& line, const Note& remark) {
    const bool alarm = remark.kind == NoteKind::warn || remark.failed;
    const std::size_t end = std::min(line.size(), kTagIndent - 1);
    return fmt::format("\x1b[{}m{}\x1b[0m{}", alarm ? "1;38;5;166" : "1", line.substr(0, end),
                       line.substr(end));
  }

  TextStyle style_;
  std::size_t width_;
  std::string out_;
};

void add_heading(const Report& report, Page& page) {
  if (report.predicted_only) {
    page.paragraph("virtual time: nothing was run" + (report.changes.empty() ? "" : "; " + report.changes));
  } else {
    if (!report.question.empty()) page.paragraph(report.question);
    if (!report.changes.empty()) page.paragraph("changed: " + report.changes);
    if (!report.complete) {
      page.remark(
          {NoteKind::warn, "incomplete: " + (report.incomplete_reason.empty() ? "the reason is not known"
                                                                              : report.incomplete_reason)});
    }
    page.blank();
  }
}

}  // namespace

std::string to_text(const Report& report, const TextStyle& style) {
  Page page(style);
  add_heading(report, page);
  page.lines(lay_out(make_table(report, style.ascii), page.width(), style.ascii));
  page.blank();
  page.lines(draw_lanes(report, page.style()));
  page.blank();
  for (const Note& remark : all_notes(report)) page.remark(remark);
  return page.take();
}

std::string table_text(const Report& report, const TextStyle& style) {
  Page page(style);
  page.lines(lay_out(make_table(report, style.ascii), page.width(), style.ascii));
  return page.take();
}

extern const ReportFormat k_format_text{
    "text", [](const FormatInput& input) -> Result<std::string> {
      return one_by_one(input, "\n", [&](const Report& report) { return to_text(report, input.style); });
    }};

}  // namespace lab
