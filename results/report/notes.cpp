#include "results/report/remarks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::size_t kMaxChecksShown = 3;  // more than that are summed up

/// Findings that no WHY remark speaks of yet, each given once with the arms that share it.
std::vector<Note> findings(const Report& report) {
  std::vector<Note> remarks;
  std::map<std::string, std::vector<std::string>> sharing;  // by finding: the arms besides the first
  const auto is_reported = [&](const std::string& id) {
    return std::ranges::any_of(report.remarks, [&](const Note& note) { return contains(note.findings, id); });
  };
  for (const ArmReport& arm : report.arms) {
    for (const Finding& finding : arm.findings) {
      if (is_reported(finding.id)) continue;
      const auto [known, fresh] = sharing.try_emplace(finding.id);
      if (!fresh) {
        known->second.push_back(name_on_engine(arm));
        continue;
      }
      const std::string name = report.arms.size() > 1 ? name_on_engine(arm) + ": " : "";
      remarks.push_back(
          {NoteKind::why, fmt::format("{}{} {}", name, finding.id, finding.text), {finding.id}});
    }
  }
  for (Note& note : remarks) {
    std::vector<std::string>& names = sharing[note.findings.front()];
    names.erase(std::unique(names.begin(), names.end()), names.end());
    if (!names.empty()) note.text += fmt::format(" The same holds for {}.", join(names, ", "));
  }
  return remarks;
}

/// `within 3 %` where every check says the same, otherwise nothing.
std::string common_tolerance(const std::vector<CheckRow>& checks) {
  std::string common;
  for (const CheckRow& check : checks) {
    if (check.tolerance.empty() || (!common.empty() && check.tolerance != common)) return "";
    common = check.tolerance;
  }
  return common;
}

/// `makespan: ` where every check is of that stat, otherwise nothing.
std::string common_stat(const std::vector<CheckRow>& checks) {
  const bool same = std::ranges::all_of(
      checks, [&](const CheckRow& check) { return check.stat && check.stat == checks.front().stat; });
  return same ? to_string(*checks.front().stat) + ": " : "";
}

Note check_line(const CheckRow& check, const std::string& noise) {
  const std::string state = !check.decided ? "UNDECIDED " : check.passed ? "" : "FAILED ";
  std::string detail = check.detail.empty() ? "" : ": " + check.detail;
  if (!check.decided) {
    const bool calm = noise.empty() || noise == "quiet" || noise == "unknown";
    const std::string interval = check.interval.empty() ? "" : " " + check.interval;
    detail += calm ? fmt::format("; the interval{} crosses the tolerance", interval)
                   : fmt::format("; interval{}, the machine was {}", interval, noise);
  }
  return {NoteKind::check, state + check.text + detail, {}, check.decided && !check.passed};
}

/// Checks that hold are only shown where they were asked for: the reader's eye belongs to the others.
std::vector<Note> check_remarks(const Report& report) {
  const std::vector<CheckRow>& checks = report.checks;
  std::vector<Note> remarks;
  const auto passed = [](const CheckRow& check) { return check.passed && check.decided; };
  if (!report.checks_asked && std::ranges::all_of(checks, passed)) return remarks;
  for (const CheckRow& check : checks) {
    if (checks.size() <= kMaxChecksShown || !passed(check))
      remarks.push_back(check_line(check, report.noise));
  }
  if (checks.size() > kMaxChecksShown) {
    const auto count = std::ranges::count_if(checks, passed);
    const std::string tolerance = common_tolerance(checks);
    remarks.push_back({NoteKind::check, fmt::format("{}{} of {} {}", common_stat(checks), count,
                                                    checks.size(), tolerance.empty() ? "hold" : tolerance)});
  }
  return remarks;
}

/// `2 of 8 checks failed; the machine was noisy: …`: what makes the table doubtful, or nothing.
std::string why_unsure(const Report& report) {
  const auto& checks = report.checks;
  const auto open = std::ranges::count_if(checks, [](auto& check) { return !check.decided; });
  const auto failed =
      std::ranges::count_if(checks, [](auto& check) { return check.decided && !check.passed; });
  std::vector<std::string> parts;
  if (failed > 0 && !report.checks_asked)
    parts.push_back(fmt::format("{} of {} checks failed", failed, checks.size()));
  if (open > 0 && !report.checks_asked)
    parts.push_back(fmt::format("{} of {} checks undecided", open, checks.size()));
  const bool slower =
      std::ranges::any_of(report.arms, [](const ArmReport& arm) { return arm.verdict == Verdict::slower; });
  if ((slower || failed + open > 0) && report.noisy) parts.push_back("the machine was " + report.noise);
  return join(parts, "; ");
}

}  // namespace

std::string_view to_string(NoteKind kind) {
  constexpr std::string_view kTags[] = {"LOOP", "AWAIT", "PATH", "TAIL", "GUESS", "WHY",
                                        "LOG",  "CHECK", "NOTE", "WARN", "SO",    "NEXT"};
  return kTags[static_cast<std::size_t>(kind)];
}

std::string name_on_engine(const ArmReport& arm) {
  const bool ours = arm.engine.is(kNative) || arm.engine.is(kModel) || arm.engine.is(kServer);
  return ours ? arm.arm : fmt::format("{} on {}", arm.arm, arm.engine.kind);
}

std::vector<Note> all_notes(const Report& report) {
  std::vector<Note> remarks = findings(report);
  remarks.insert(remarks.end(), report.remarks.begin(), report.remarks.end());
  const std::vector<Note> checks = check_remarks(report);
  remarks.insert(remarks.end(), checks.begin(), checks.end());
  std::ranges::stable_sort(remarks, {}, &Note::kind);
  return remarks;
}

std::vector<Note> first_notes(const Report& report) {
  std::vector<Note> notes = all_notes(report);
  std::erase_if(notes, [&](const Note& note) {
    const bool always = note.kind == NoteKind::guess || note.kind >= NoteKind::so;
    return !always && !note.decisive && !(note.kind == NoteKind::check && report.checks_asked);
  });
  const auto at = std::ranges::find_if(notes, [](const Note& note) { return note.kind >= NoteKind::so; });
  if (const std::string text = why_unsure(report); !text.empty()) notes.insert(at, {NoteKind::warn, text});
  return notes;
}

}  // namespace lab
