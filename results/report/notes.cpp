#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include "harness/analysis/loop_cycle.hpp"
#include "harness/statistics/statistics.hpp"
#include "lab/core/text.hpp"
#include "results/report/remarks.hpp"
#include "results/store/set_aside.hpp"

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

constexpr std::size_t kMaxLines = 30;
constexpr std::array<std::string_view, 6> kHops{"accept", "parse", "route", "handler", "write", "reply"};

std::string line(const std::string& time, const std::string& what, const std::string& running,
                 const std::string& ready, const std::string& waiting) {
  return pad(time, 9) + pad(what, 14) + pad(running, 10) + pad(ready, 14) + waiting;
}

/// A repetition's loop, step by step in words. A class calls the requests A for the only one on route `a`,
/// else by the route and the number.
class Cycle {
 public:
  Cycle(const Scenario& scenario, const RunRepetition& repetition)
      : began_(repetition.began), steps_(loop_cycle(repetition.events, repetition.records, scenario.routes)) {
    std::map<std::uint32_t, int> count;
    for (const RequestRecord& record : repetition.records) ++count[record.route];
    for (const RequestRecord& record : repetition.records) {
      std::string name = scenario.routes[record.route].name;
      if (name.size() == 1)
        name.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(name.front())));
      if (count[record.route] > 1) name += fmt::format(" {}", record.id);
      names_[record.id] = std::move(name);
    }
  }

  Note table(std::string text) const {
    text += line("at", "what", "running", "ready queue", "waiting list");
    for (std::size_t i = 0; i < std::min(steps_.size(), kMaxLines); ++i) {
      const CycleStep& step = steps_[i];
      text += '\n' + line(at(step), fmt::format("{} {}", name(step.request), to_string(step.what)),
                          step.running ? name(*step.running) : "–", names(step.ready), names(step.waiting));
    }
    if (steps_.size() > kMaxLines) text += fmt::format("\n… and {} steps more", steps_.size() - kMaxLines);
    return {NoteKind::loop, text};
  }

  /// The first await of the run that was resumed, in four steps: where its task is, and who has the loop.
  std::optional<Note> first_await() const {
    const auto next = [&](auto from, CycleEvent what, std::uint32_t request) {
      return std::find_if(from, steps_.end(), [&](const CycleStep& step) {
        return step.what == what && step.request == request;
      });
    };
    for (auto pause = steps_.begin(); pause != steps_.end(); ++pause) {
      if (pause->what != CycleEvent::awaits) continue;
      const auto ready = next(pause, CycleEvent::ready, pause->request);
      const auto resumed = next(ready, CycleEvent::resumes, pause->request);
      if (resumed == steps_.end()) continue;
      std::vector<std::string> others;
      for (auto step = pause; step != resumed; ++step) {
        const bool runs = step->what == CycleEvent::starts || step->what == CycleEvent::resumes;
        if (runs) add_once(others, name(step->request));
      }
      return Note{
          NoteKind::await,
          fmt::format("what {0}'s await did, in four steps:\n"
                      "1 At {1} {0} pauses and gives the loop back.\n"
                      "2 It is on the waiting list, with a note of what wakes it up; it holds nothing.\n"
                      "3 Meanwhile the loop runs what is ready: {2}.\n"
                      "4 At {3} its wait is over: it joins the ready queue, and at {4} it continues behind "
                      "the await.",
                      name(pause->request), at(*pause), others.empty() ? "nobody" : join(others, ", then "),
                      at(*ready), at(*resumed))};
    }
    return std::nullopt;
  }

 private:
  std::string at(const CycleStep& step) const {
    return fmt::format("{:.1f} ms", std::max(0.0, seconds(step.at - began_) * 1e3));
  }
  std::string name(std::uint32_t id) const {
    const auto found = names_.find(id);
    return found == names_.end() ? "?" : found->second;
  }
  std::string names(const std::vector<std::uint32_t>& ids) const {
    return ids.empty() ? "–" : join(mapped(ids, [&](std::uint32_t id) { return name(id); }), " ");
  }

  Nanos began_;
  std::vector<CycleStep> steps_;
  std::map<std::uint32_t, std::string> names_;
};

std::string format_hop(const std::vector<double>& each) {
  if (each.empty()) return "–";
  const double median = summarise(each).median;
  return median < 1e-3 ? fmt::format("{:.0f} µs", median * 1e6) : fmt::format("{:.1f} ms", median * 1e3);
}

using Hops = std::map<std::string_view, std::vector<double>>;

Note report_paths(const Scenario& scenario, const std::vector<std::pair<std::string, Hops>>& arms) {
  std::string text = pad("median", 20);
  for (const std::string_view hop : kHops) text += pad(hop, 9);
  for (const auto& [name, hops] : arms) {
    text += '\n' + pad(name, 20);
    for (const std::string_view hop : kHops) {
      const auto found = hops.find(hop);
      text += pad(format_hop(found == hops.end() ? std::vector<double>{} : found->second), 9);
    }
  }
  if (scenario.arms.size() == 1) text += "\n";
  return {NoteKind::path, text};
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

std::vector<Note> notes_of_trace(const Scenario& scenario, const Run& run) {
  std::vector<Note> remarks;
  const bool many = scenario.arms.size() * scenario.cases.size() > 1;
  std::vector<std::pair<std::string, Hops>> arms;
  for (const RunRepetition& kept : run.repetitions) {
    if (scenario.trace.empty()) break;
    RunRepetition room;
    const RunRepetition& repetition = whole(kept, room);
    if (scenario.trace == "cycle" && repetition.number == 1) {
      const Cycle cycle(scenario, repetition);
      remarks.push_back(cycle.table(many ? repetition.arm + " " + repetition.case_id + "\n" : ""));
      if (const auto reported = remarks.size() == 1 ? cycle.first_await() : std::nullopt)
        remarks.push_back(*reported);
    }
    if (scenario.trace != "path") continue;
    const std::string name =
        scenario.cases.size() > 1 ? repetition.arm + " " + repetition.case_id : repetition.arm;
    auto arm = std::ranges::find_if(arms, [&](const auto& known) { return known.first == name; });
    if (arm == arms.end()) arm = arms.insert(arms.end(), {name, {}});
    for (const RequestRecord& record : repetition.records) {
      for (const PathSpan& span : request_path(record, repetition.events))
        arm->second[span.name].push_back(seconds(span.to - span.from));
    }
  }
  if (!arms.empty()) remarks.push_back(report_paths(scenario, arms));
  return remarks;
}

}  // namespace lab
