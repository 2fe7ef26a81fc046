#include "results/report/remarks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "harness/findings/finding.hpp"
#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/formatting.hpp"

namespace lab {

namespace {

bool is_part_of_a_word(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '-' || letter == '_';
}

bool contains_word(const std::string& text, const std::string& word) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool begins = at == 0 || !is_part_of_a_word(text[at - 1]);
    if (begins && (end == text.size() || !is_part_of_a_word(text[end]))) return true;
  }
  return false;
}

bool is_name(const std::string& id) {
  return std::any_of(id.begin(), id.end(),
                     [](char letter) { return std::isalpha(static_cast<unsigned char>(letter)) == 0; });
}

/// `0.03` of `~0.03s`.
std::string figure_in(const std::string& documented) {
  constexpr const char* kDigits = "0123456789.";
  const std::size_t from = documented.find_first_of(kDigits);
  if (from == std::string::npos) return "";
  return documented.substr(from, documented.find_first_not_of(kDigits, from) - from);
}

bool is_about(const std::string& text, const Arm& arm) {
  if (is_name(arm.id) && contains_word(text, arm.id)) return true;
  return std::any_of(arm.documented.begin(), arm.documented.end(), [&](const Documented& documented) {
    const std::string figure = figure_in(documented.text);
    return figure.find('.') != std::string::npos && contains_word(text, figure);
  });
}

}  // namespace

bool speaks_of_absent(const std::string& text, const std::vector<Arm>& written,
                      const std::vector<ArmAnalysis>& arms, bool ours) {
  const auto present = [&](const Arm& arm) {
    return std::any_of(arms.begin(), arms.end(), [&](const ArmAnalysis& row) {
      const bool is_ours = row.report.engine.is(kNative) || row.report.engine.is(kModel);
      return (is_ours || !ours) && row.report.written == arm.id;
    });
  };
  return std::any_of(written.begin(), written.end(),
                     [&](const Arm& arm) { return !present(arm) && is_about(text, arm); });
}

namespace {

bool is_row_of(const Conclusion::Figure& figure, const ArmReport& arm) {
  return arm.arm == figure.arm && arm.case_id == figure.case_id;
}

std::optional<std::string> format_row(const MeasureRow& row) {
  const std::optional<double> value = row.measured ? std::optional(row.measured->median) : row.predicted;
  if (!value) return std::nullopt;
  if (row.stat.is_time()) return format_span(*value);
  if (row.stat.quantity == Stat::Quantity::share) return fmt::format("{:.0f} %", 100 * *value);
  return quantity(*value, row.stat.is_bytes() ? byte_unit(*value) : plain_unit(*value));
}

std::optional<std::string> format_figure(const Conclusion::Figure& figure, const ArmReport& arm) {
  if (!arm.not_run.empty() && !arm.makespan_s) return std::nullopt;
  if (arm.verdict == Verdict::instrument_fault) return std::nullopt;
  if (figure.stat == Stat{}) {
    if (arm.makespan_s) return format_span(arm.makespan_s->median);
    return arm.predicted_s ? std::optional(format_span(*arm.predicted_s)) : std::nullopt;
  }
  const auto row = std::find_if(arm.measures.begin(), arm.measures.end(),
                                [&](const MeasureRow& measure) { return measure.stat == figure.stat; });
  return row == arm.measures.end() ? std::nullopt : format_row(*row);
}

}  // namespace

std::optional<std::string> answer_sentence(const Conclusion& answer, const std::vector<ArmAnalysis>& arms) {
  if (answer.words.empty()) return std::nullopt;
  std::string sentence = answer.words.front();
  for (std::size_t i = 0; i < answer.figures.size(); ++i) {
    const Conclusion::Figure& figure = answer.figures[i];
    const ArmReport* row = nullptr;
    for (const ArmAnalysis& arm : arms) {
      if (!is_row_of(figure, arm.report)) continue;
      const bool ours = arm.report.engine.is(kNative);
      if (row == nullptr || (ours && !row->engine.is(kNative))) row = &arm.report;
    }
    const auto text = row == nullptr ? std::nullopt : format_figure(figure, *row);
    if (!text) return std::nullopt;
    sentence += *text + answer.words[i + 1];
  }
  return sentence;
}

bool speaks_of(const Conclusion& answer, const ArmReport& arm) {
  return std::any_of(answer.figures.begin(), answer.figures.end(),
                     [&](const Conclusion::Figure& figure) { return is_row_of(figure, arm); });
}

namespace {

std::string name_of(const std::string& arm, const std::string& engine, const std::string& case_id,
                    bool many_cases) {
  const bool ours = engine == kNative || engine == kModel || engine == kServer;
  const std::string name = ours ? arm : fmt::format("{} on {}", arm, engine);
  return many_cases ? fmt::format("{} ({})", name, case_id) : name;
}

std::string name_of(const ArmAnalysis& arm, bool many_cases) {
  return name_of(arm.report.arm, arm.report.engine.kind, arm.report.case_id, many_cases);
}

/// `3.0 ms (service 1.9, unread 0.8, reply 0.3)`: what makes a twentieth of it, or is not known.
std::string excess(const ArmReport& report) {
  const double worth_telling = std::max(5e-5, 0.05 * report.above_bound_s);
  std::vector<std::string> parts;
  for (const Cause& cause : report.above_bound) {
    if (std::abs(cause.seconds) >= worth_telling || cause.name == "unexplained") {
      parts.push_back(fmt::format("{} {:.1f}", cause.name, cause.seconds * 1e3));
    }
  }
  const std::string total = fmt::format("{:.1f} ms", report.above_bound_s * 1e3);
  return parts.empty() ? total : fmt::format("{} ({})", total, join(parts, ", "));
}

bool far_above_bound(const ArmReport& report) {
  if (!report.makespan_s || !report.bound_s || report.above_bound.empty()) return false;
  const double over = report.makespan_s->median - *report.bound_s;
  return over > std::max(0.005, 0.03 * *report.bound_s);
}

/// The two that cost most in full, the others by name.
std::string report_findings(const std::vector<Finding>& findings) {
  constexpr std::size_t kInFull = 2;
  std::string text;
  std::vector<std::string> others;
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const Finding& finding = findings[i];
    if (i < kInFull) {
      text += fmt::format("{} {} ", finding.id, finding.text);
    } else {
      others.push_back(fmt::format("{} {}", finding.id, finding.text.substr(0, finding.text.find(':'))));
    }
  }
  if (!others.empty()) text += fmt::format("Also {}. ", join(others, ", "));
  return text;
}

std::vector<std::string> ids_of(const std::vector<Finding>& findings) {
  std::vector<std::string> ids;
  for (const Finding& finding : findings) ids.push_back(finding.id);
  return ids;
}

/// A server of one's own may do whatever it likes.
bool faster_than_its_plan(const ArmReport& report) {
  return report.engine.is(kServer) && report.makespan_s && report.bound_s &&
         below_bound(report.makespan_s->median, *report.bound_s, true);
}

bool tells_nothing(const ArmReport& report) {
  return report.engine.is(kServer) && !report.above_bound.empty() &&
         report.above_bound.front().name == "unexplained";
}

/// WHY for the arm with the most costly finding, among those that the answer speaks of where they have any,
/// and for every arm that misses its prediction.
void explain_why(const Conclusion& answer, const std::vector<ArmAnalysis>& arms, bool many_cases,
                 std::vector<Note>& remarks) {
  const ArmAnalysis* longest = nullptr;
  const auto cost = [](const ArmAnalysis& arm) {
    return arm.report.findings.empty() ? 0 : arm.report.findings.front().cost_s;
  };
  // What the question is about comes first; the largest burst may be a dearer one.
  for (const bool asked : {true, false}) {
    for (const ArmAnalysis& arm : arms) {
      if (longest != nullptr && !asked && speaks_of(answer, longest->report)) break;
      if (asked && !speaks_of(answer, arm.report)) continue;
      if (cost(arm) > 0 && (longest == nullptr || cost(arm) > cost(*longest))) longest = &arm;
    }
  }
  std::set<std::tuple<std::string, std::string, std::string>> reported;
  for (const ArmAnalysis& arm : arms) {
    const bool misses = !arm.report.engine.is(kModel) && far_above_bound(arm.report);
    const bool own = tells_nothing(arm.report) && !arm.likely_execution.empty();
    if (&arm != longest && !misses && !own) continue;
    // What holds of uvicorn's asyncio holds of uvloop and gunicorn too.
    if (!reported.insert({arm.report.engine.kind, arm.report.written, arm.report.case_id}).second) continue;
    std::string text = name_of(arm, many_cases) + ": ";
    text += report_findings(arm.report.findings);
    if (tells_nothing(arm.report)) {
      if (own) text += arm.likely_execution + ". ";
      if (misses) {
        text += fmt::format(
            "Above the bound: {}. {}", format_span(arm.report.above_bound_s),
            own ? "lab diagnose shows more of it, and so do five header fields (README.md)."
                : "The server reports nothing of itself (five header fields would, README.md), and "
                  "its replies fit no way of executing that is known here: see lab diagnose.");
      }
    } else if (!arm.report.engine.is(kModel) && !arm.report.above_bound.empty()) {
      text += fmt::format("Above the bound: {}.", excess(arm.report));
      if (arm.report.burst_skew_s > 0)
        text +=
            fmt::format(" Sent within {}.", format_span(std::round(arm.report.burst_skew_s * 1e6) * 1e-6));
    }
    while (text.ends_with(' ')) text.pop_back();
    // Who brings a server asks about that one first.
    const auto first = std::find_if(remarks.begin(), remarks.end(),
                                    [](const Note& remark) { return remark.kind == NoteKind::why; });
    remarks.insert(arm.report.engine.is(kServer) ? first : remarks.end(),
                   Note{NoteKind::why, text, ids_of(arm.report.findings)});
  }
}

void speak_of_the_log(const Scenario& scenario, const WholeFile& file, const std::vector<ArmAnalysis>& arms,
                      std::vector<Note>& remarks) {
  std::set<std::string> said;
  bool documented = false;
  for (const ArmAnalysis& arm : arms) {
    documented |= arm.report.documented_s.has_value();
    if (!arm.report.documented_s || !arm.report.bound_s || *arm.report.documented_s >= *arm.report.bound_s)
      continue;
    if (!said.insert(arm.report.written).second) continue;
    remarks.push_back({NoteKind::log, fmt::format("{} for {} is below the bound of {}: that is impossible.",
                                                  arm.report.documented_text, arm.report.arm,
                                                  format_span(*arm.report.bound_s))});
  }
  if (scenario.explain.log.empty() || !documented) return;
  if (speaks_of_absent(scenario.explain.log, file.arms, arms, false)) return;
  if (said.size() == 1) {
    remarks.back().text += " " + scenario.explain.log;
  } else {
    remarks.push_back({NoteKind::log, scenario.explain.log});
  }
}

std::string format_ratio(double ratio) {
  return ratio < 9.95 ? fmt::format("{:.1f}", ratio) : fmt::format("{:.0f}", ratio);
}

void answer_guesses(const Scenario& scenario, const std::vector<ArmAnalysis>& arms,
                    const std::vector<Guess>& guesses, std::vector<Note>& remarks) {
  for (const Guess& guess : guesses) {
    for (const ArmAnalysis& arm : arms) {
      const bool faulty = arm.report.verdict == Verdict::instrument_fault;
      if (arm.report.arm != guess.arm || !arm.report.makespan_s || faulty) continue;
      const double measured = arm.report.makespan_s->median;
      const double ratio = guess.seconds > 0 ? measured / guess.seconds : 0;
      std::string text = fmt::format("{}: you said {}, it took {}", name_of(arm, scenario.cases.size() > 1),
                                     format_span(guess.seconds), format_span(measured));
      if (ratio > 0.8 && ratio < 1.25) {
        text += ": right.";
      } else if (ratio >= 1.25) {
        text += fmt::format(": {} times as long.", format_ratio(ratio));
      } else {
        text += ratio > 0 ? fmt::format(": {} times faster.", format_ratio(1 / ratio))
                          : std::string(": not at once.");
      }
      for (const Ask& ask : scenario.asks) {
        if (ask.answer_arm != guess.arm || ask.answer != Stat{}) continue;
        if (!ask.answer_case.empty() && ask.answer_case != arm.report.case_id) continue;
        for (const Ask::Wrong& wrong : ask.wrong) {
          const double room = std::max(0.1 * wrong.value, 0.001);
          if (std::abs(wrong.value - guess.seconds) <= room) text += " " + wrong.say;
        }
      }
      remarks.push_back({NoteKind::guess, text});
    }
  }
}

/// Repetitions far from the others, by more than anybody would overlook; they stay in the figures.
void name_outliers(const std::vector<ArmAnalysis>& arms, bool many_cases, std::vector<Note>& remarks) {
  std::vector<std::string> far;
  for (const ArmAnalysis& arm : arms) {
    const Estimate makespan = arm.report.makespan_s.value_or(Estimate{});
    for (const std::size_t index : outliers(makespan.samples)) {
      const double value = makespan.samples[index];
      const double room = std::max(0.001, 0.02 * makespan.median);
      if (std::abs(value - makespan.median) > room) {
        far.push_back(
            fmt::format("{} {} in repetition {}", name_of(arm, many_cases), format_span(value), index + 1));
      }
    }
  }
  if (!far.empty()) remarks.push_back({NoteKind::warn, "outliers, not removed: " + join(far, ", ")});
}

/// The same words with other numbers.
std::string kind_of(const std::string& warning) {
  std::string kind;
  std::copy_if(warning.begin(), warning.end(), std::back_inserter(kind),
               [](unsigned char letter) { return std::isdigit(letter) == 0 && letter != '.'; });
  return kind;
}

/// What the generator, the rings and other servers say of themselves: the first of each kind, and how many
/// more there were.
void warn_of_the_harness(const Run& run, bool many_cases, std::vector<Note>& remarks) {
  std::map<std::string, std::pair<std::string, int>> reported;
  for (const RunRepetition& repetition : run.repetitions) {
    for (const std::string& warning : repetition.warnings) {
      auto& [first, times] = reported[kind_of(warning)];
      const std::string where = name_of(repetition.arm, repetition.engine, repetition.case_id, many_cases);
      if (times++ == 0) first = fmt::format("{}: {}", where, warning);
    }
  }
  for (const auto& [key, first] : reported) {
    const std::string more = first.second > 1 ? fmt::format(" (and {} more such)", first.second - 1) : "";
    remarks.push_back({NoteKind::warn, first.first + more});
  }
}

void warn(const std::vector<ArmAnalysis>& arms, const Run& run, bool many_cases, std::vector<Note>& remarks) {
  for (const ArmAnalysis& arm : arms) {
    const RequestCounts& books = arm.report.books;
    std::vector<std::string> kinds;
    for (const auto& [kind, number] : books.errors) {
      if (kind != to_string(Outcome::hung_up)) kinds.push_back(fmt::format("{} {}", kind, number));
    }
    for (const auto& [kind, number] : books.not_sent) kinds.push_back(fmt::format("{} {}", kind, number));
    if (!kinds.empty()) {
      remarks.push_back(
          {NoteKind::warn, fmt::format("{}: of {} requests {} ended well; {}", name_of(arm, many_cases),
                                       books.planned, books.ok, join(kinds, ", "))});
    }
    if (faster_than_its_plan(arm.report)) {
      remarks.push_back(
          {NoteKind::warn, fmt::format("{}: answered within {}, the plan alone takes {}: it does not do "
                                       "this plan (a wrong route, an error, a forgotten await?)",
                                       name_of(arm, many_cases), format_span(arm.report.makespan_s->median),
                                       format_span(*arm.report.bound_s))});
    }
    if (arm.report.verdict == Verdict::instrument_fault) {
      remarks.push_back(
          {NoteKind::warn,
           fmt::format("{}: a makespan below its bound of {} is impossible: the instrument is at "
                       "fault, so nothing is claimed",
                       name_of(arm, many_cases), format_span(arm.report.bound_s.value_or(0)))});
    }
    if (arm.report.verdict == Verdict::inconclusive) {
      remarks.push_back(
          {NoteKind::warn, fmt::format("{}: the interval crosses the border of a verdict; the machine is {}",
                                       name_of(arm, many_cases),
                                       run.summary.noise.empty() ? "of unknown noise" : run.summary.noise)});
    }
  }
  if (run.summary.noise.starts_with("noisy"))
    remarks.push_back({NoteKind::warn, "the machine was " + run.summary.noise});
  warn_of_the_harness(run, many_cases, remarks);
}

/// Reasons that the table has no room for.
void report_left_out(const std::vector<ArmAnalysis>& arms, std::vector<Note>& remarks) {
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> reasons;
  for (const ArmAnalysis& arm : arms) {
    if (columns(arm.report.not_run) <= kLongestReason) continue;
    std::vector<std::string>& names = reasons[{arm.report.engine.kind, arm.report.not_run}];
    if (std::find(names.begin(), names.end(), arm.report.arm) == names.end()) names.push_back(arm.report.arm);
  }
  for (const auto& [why, names] : reasons) {
    const bool plain = why.first == kNative || why.first == kServer;
    const std::string where = plain ? "" : fmt::format(" on {}", why.first);
    remarks.push_back(
        {NoteKind::note, fmt::format("not run{}: {}: {}", where, join(names, ", "), why.second)});
  }
}

void report_recording(const Run& run, std::vector<Note>& remarks) {
  for (const auto& [key, value] : run.header.environment) {
    if (key == kRecordingMade)
      remarks.push_back(
          {NoteKind::note, fmt::format("recorded: FastAPI as it ran on another day, {}", value)});
  }
}

/// What the same arm costs on each engine: that of the first arm and case that several ran.
void report_use(const std::vector<ArmAnalysis>& arms, std::vector<Note>& remarks) {
  std::vector<std::string> parts;
  const ArmReport* first = nullptr;
  for (const ArmAnalysis& arm : arms) {
    const ArmReport& report = arm.report;
    if (!report.server) continue;
    if (first == nullptr) first = &report;
    const bool same = report.written == first->arm || report.engine.is(kServer);
    if (!same || report.case_id != first->case_id) continue;
    const ServerUse& use = *report.server;
    const std::string& engine = report.engine.runtime.empty() ? report.engine.kind : report.engine.runtime;
    parts.push_back(fmt::format(
        "{} {:.1f} MB, {}, {:.0f} ms CPU, {}", engine, static_cast<double>(use.private_peak) / 1e6,
        count(use.threads_peak, "thread"), static_cast<double>(use.cpu) / 1e6,
        fmt::format("{} switches", use.voluntary_switches + use.involuntary_switches)));
  }
  if (parts.size() > 1)
    remarks.push_back({NoteKind::note, fmt::format("{} used: {}", first->arm, join(parts, "; "))});
}

/// The machine's speed is not constant; predictions follow it, and whoever compares runs should know.
void report_pace(const std::vector<ArmAnalysis>& arms, std::vector<Note>& remarks) {
  constexpr double kWorthTelling = 0.02;
  const ArmAnalysis* slowest = nullptr;
  const ArmAnalysis* fastest = nullptr;
  for (const ArmAnalysis& arm : arms) {
    if (!arm.computes) continue;
    if (slowest == nullptr || arm.report.pace > slowest->report.pace) slowest = &arm;
    if (fastest == nullptr || arm.best_pace < fastest->best_pace) fastest = &arm;
  }
  if (fastest != nullptr && 1 - fastest->best_pace > kWorthTelling) {
    remarks.push_back(
        {NoteKind::note,
         fmt::format("computing took up to {:.0f} % less than when it was calibrated ({}): each "
                     "bound is that of its arm's fastest repetition, and predictions follow",
                     100 * (1 - fastest->best_pace), fastest->report.arm)});
  }
  if (slowest != nullptr && slowest->report.pace - 1 > kWorthTelling) {
    remarks.push_back(
        {NoteKind::note,
         fmt::format("computing took {:.0f} % longer than when it was calibrated ({}); predictions "
                     "follow, bounds do not",
                     100 * (slowest->report.pace - 1), slowest->report.arm)});
  }
}

/// What a framework takes of its own is in the predictions, so whoever reads them should know.
void report_own_time(const std::vector<ArmAnalysis>& arms, std::vector<Note>& remarks) {
  std::map<std::string, std::map<std::string, std::string>> reported;  // by case that showed it: arm, time
  for (const ArmAnalysis& arm : arms) {
    if (arm.report.own_time_s > 0)
      reported[arm.report.own_time_case][arm.report.arm] =
          format_span(std::round(arm.report.own_time_s * 1e5) * 1e-5);
  }
  for (const auto& [busiest, times] : reported) {
    std::vector<std::string> parts;
    for (const auto& [arm, time] : times) parts.push_back(fmt::format("{} {}", arm, time));
    remarks.push_back({NoteKind::note,
                       fmt::format("what the framework computes for each request, as {} showed it, is in the "
                                   "predictions of the other cases: {}",
                                   busiest, join(parts, ", "))});
  }
}

}  // namespace

std::vector<Note> make_remarks(const Scenario& scenario, const WholeFile& file,
                               const std::vector<ArmAnalysis>& arms, const Run& run,
                               const std::vector<Guess>& guesses) {
  const bool many_cases = scenario.cases.size() > 1;
  std::vector<Note> remarks;
  answer_guesses(scenario, arms, guesses, remarks);
  explain_why(scenario.explain.answer, arms, many_cases, remarks);
  speak_of_the_log(scenario, file, arms, remarks);
  const std::string& note = scenario.explain.note;
  if (!note.empty() && !speaks_of_absent(note, file.arms, arms, true))
    remarks.push_back({NoteKind::note, note});
  report_left_out(arms, remarks);
  report_recording(run, remarks);
  report_use(arms, remarks);
  report_pace(arms, remarks);
  report_own_time(arms, remarks);
  name_outliers(arms, many_cases, remarks);
  warn(arms, run, many_cases, remarks);
  const bool measured = std::any_of(arms.begin(), arms.end(), [](const ArmAnalysis& arm) {
    return !arm.report.engine.is(kModel) && arm.report.repetitions > 0;
  });
  const bool intervals = std::any_of(arms.begin(), arms.end(), [](const ArmAnalysis& arm) {
    return arm.report.makespan_s && arm.report.makespan_s->low;
  });
  if (measured && !intervals) {
    const auto most =
        std::max_element(arms.begin(), arms.end(), [](const ArmAnalysis& a, const ArmAnalysis& b) {
          return a.report.repetitions < b.report.repetitions;
        });
    remarks.push_back({NoteKind::warn, fmt::format("{}, so no interval: small differences mean nothing",
                                                   count(most->report.repetitions, "repetition"))});
  }
  if (const auto answer = answer_sentence(scenario.explain.answer, arms))
    remarks.push_back({NoteKind::so, *answer});
  if (file.next_is_known) {
    std::string text = "lab run " + scenario.explain.next;
    if (!scenario.explain.next_reason.empty()) text += fmt::format("    ({})", scenario.explain.next_reason);
    remarks.push_back({NoteKind::next, text});
  }
  return remarks;
}

}  // namespace lab
