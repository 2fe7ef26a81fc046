#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "lab/core/text.hpp"
#include "results/export.hpp"
#include "results/lanes.hpp"
#include "results/table.hpp"
#include "results/utf8.hpp"
#include "results/wrap.hpp"

namespace lab {

namespace {

constexpr std::size_t kIndent = 6;      // a tag of up to five letters and a blank
constexpr std::size_t kChecksTold = 3;  // more than that are summed up

/// In which order the remarks stand; other tags come before NEXT.
constexpr std::array<std::string_view, 9> kTags{"LOOP",  "PATH", "GUESS", "WHY", "LOG",
                                                "CHECK", "NOTE", "WARN",  "NEXT"};

std::size_t rank_of(const std::string& tag) {
  const auto* at = std::find(kTags.begin(), kTags.end() - 1, tag);
  return tag == kTags.back() ? kTags.size() : static_cast<std::size_t>(at - kTags.begin());
}

/// Findings that no WHY remark speaks of yet, each told once with the arms that share it.
std::vector<Remark> findings(const Report& report) {
  std::vector<Remark> remarks;
  std::map<std::string, std::size_t> place;
  for (const ArmReport& arm : report.arms) {
    for (const FindingRow& finding : arm.findings) {
      const bool told = std::any_of(report.remarks.begin(), report.remarks.end(), [&](const Remark& remark) {
        return remark.tag == "WHY" && remark.text.find(finding.id) != std::string::npos;
      });
      if (told) continue;
      const auto [known, fresh] = place.try_emplace(finding.id, remarks.size());
      if (fresh) {
        const std::string name = report.arms.size() > 1 ? name_on_engine(arm) + ": " : "";
        remarks.push_back({"WHY", fmt::format("{}{} {}", name, finding.id, finding.text)});
      } else {
        remarks[known->second].text += fmt::format(" Also {}.", name_on_engine(arm));
      }
    }
  }
  return remarks;
}

/// `within 3 %` where every check says the same, otherwise nothing.
std::string common_tolerance(const std::vector<CheckRow>& checks) {
  std::string common;
  for (const CheckRow& check : checks) {
    const std::size_t from = check.text.find("within ");
    if (from == std::string::npos) return "";
    std::string tolerance = check.text.substr(from, check.text.find(" ·", from) - from);
    if (!common.empty() && tolerance != common) return "";
    common = std::move(tolerance);
  }
  return common;
}

/// `makespan: ` where every check is of that stat, otherwise nothing.
std::string common_stat(const std::vector<CheckRow>& checks) {
  const bool same = std::all_of(checks.begin(), checks.end(), [&](const CheckRow& check) {
    return !check.stat.empty() && check.stat == checks.front().stat;
  });
  return same ? checks.front().stat + ": " : "";
}

Remark check_line(const CheckRow& check, const std::string& noise) {
  const std::string state = !check.decided ? "UNDECIDED " : check.passed ? "" : "FAILED ";
  std::string detail = check.detail.empty() ? "" : ": " + check.detail;
  if (!check.decided) {
    const bool calm = noise.empty() || noise == "quiet" || noise == "unknown";
    const std::string interval = check.interval.empty() ? "" : " " + check.interval;
    detail += calm ? fmt::format("; the interval{} crosses the tolerance", interval)
                   : fmt::format("; interval{}, the machine was {}", interval, noise);
  }
  return {"CHECK", state + check.text + detail};
}

/// Checks that hold are only told where they were asked for: the reader's eye belongs to the others.
std::vector<Remark> check_remarks(const Report& report) {
  const std::vector<CheckRow>& checks = report.checks;
  std::vector<Remark> remarks;
  const auto passed = [](const CheckRow& check) { return check.passed && check.decided; };
  if (!report.checks_asked && std::all_of(checks.begin(), checks.end(), passed)) return remarks;
  for (const CheckRow& check : checks) {
    if (checks.size() <= kChecksTold || !passed(check)) remarks.push_back(check_line(check, report.noise));
  }
  if (checks.size() > kChecksTold) {
    const auto count = std::count_if(checks.begin(), checks.end(), passed);
    const std::string tolerance = common_tolerance(checks);
    remarks.push_back({"CHECK", fmt::format("{}{} of {} {}", common_stat(checks), count, checks.size(),
                                            tolerance.empty() ? "hold" : tolerance)});
  }
  return remarks;
}

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
  void remark(const Remark& remark) {
    const std::string tag = pad(shorten(printable(remark.tag, style_.ascii), kIndent - 1, true), kIndent);
    std::string first = tag;
    for (const std::string& part : split(remark.text, '\n')) {
      std::vector<std::string> wrapped = wrap(printable(part, style_.ascii), first, kIndent, width_);
      if (first == tag && style_.color) wrapped.front() = emphasise(wrapped.front(), remark);
      lines(wrapped);
      first.assign(kIndent, ' ');
    }
  }

  std::string take() {
    while (out_.ends_with("\n\n")) out_.pop_back();
    return std::move(out_);
  }

 private:
  static std::string emphasise(const std::string& line, const Remark& remark) {
    const bool alarm = remark.tag == "WARN" || remark.text.starts_with("FAILED");
    const std::size_t end = std::min(line.size(), kIndent - 1);
    return fmt::format("\x1b[{}m{}\x1b[0m{}", alarm ? "1;38;5;166" : "1", line.substr(0, end),
                       line.substr(end));
  }

  TextStyle style_;
  std::size_t width_;
  std::string out_;
};

std::vector<Remark> all_remarks(const Report& report) {
  std::vector<Remark> remarks = findings(report);
  remarks.insert(remarks.end(), report.remarks.begin(), report.remarks.end());
  const std::vector<Remark> checks = check_remarks(report);
  remarks.insert(remarks.end(), checks.begin(), checks.end());
  std::stable_sort(remarks.begin(), remarks.end(),
                   [](const Remark& a, const Remark& b) { return rank_of(a.tag) < rank_of(b.tag); });
  return remarks;
}

void add_heading(const Report& report, Page& page) {
  if (report.predicted_only) {
    page.paragraph("virtual time: nothing was run" + (report.changes.empty() ? "" : "; " + report.changes));
  } else {
    if (!report.question.empty()) page.paragraph(report.question);
    if (!report.changes.empty()) page.paragraph("changed: " + report.changes);
    if (!report.complete) {
      page.remark({"WARN", "incomplete: " + (report.incomplete_reason.empty() ? "the reason is not known"
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
  for (const Remark& remark : all_remarks(report)) page.remark(remark);
  return page.take();
}

std::string table_text(const Report& report, const TextStyle& style) {
  Page page(style);
  page.lines(lay_out(make_table(report, style.ascii), page.width(), style.ascii));
  return page.take();
}

}  // namespace lab
