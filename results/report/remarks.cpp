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
  return std::ranges::any_of(
      id, [](char letter) { return std::isalpha(static_cast<unsigned char>(letter)) == 0; });
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
  return std::ranges::any_of(arm.documented, [&](const Documented& documented) {
    const std::string figure = figure_in(documented.text);
    return figure.find('.') != std::string::npos && contains_word(text, figure);
  });
}

bool is_row_of(const Conclusion::Figure& figure, const ArmReport& arm) {
  return arm.arm == figure.arm && arm.case_id == figure.case_id;
}

std::optional<std::string> format_row(const MeasureRow& row) {
  const std::optional<double> value = row.measured ? std::optional(row.measured->median) : row.predicted;
  if (!value) return std::nullopt;
  if (row.stat.is_time()) return format_seconds(*value);
  if (row.stat.quantity == Stat::Quantity::share) return fmt::format("{:.0f} %", 100 * *value);
  if (row.stat.is_bytes()) return quantity(*value, byte_unit(*value));
  return std::abs(*value) < 1000 ? fmt::format("{:.3g}", *value) : fmt::format("{:.0f}", *value);
}

std::optional<std::string> format_figure(const Conclusion::Figure& figure, const ArmReport& arm) {
  if (!arm.not_run.empty() && !arm.makespan_s) return std::nullopt;
  if (arm.verdict == Verdict::instrument_fault) return std::nullopt;
  if (figure.stat == Stat{}) {
    if (arm.makespan_s) return format_seconds(arm.makespan_s->median);
    return arm.predicted_s ? std::optional(format_seconds(*arm.predicted_s)) : std::nullopt;
  }
  const auto row = std::ranges::find(arm.measures, figure.stat, &MeasureRow::stat);
  return row == arm.measures.end() ? std::nullopt : format_row(*row);
}

/// `3.0 ms (service 1.9, unread 0.8, reply 0.3)`: what makes a twentieth of it, or is not known.
std::string excess(const ArmReport& arm) {
  const double worth_reporting = std::max(5e-5, 0.05 * arm.above_bound_s);
  std::vector<std::string> parts;
  for (const Cause& cause : arm.above_bound) {
    if (std::abs(cause.seconds) >= worth_reporting || cause.name == "unexplained")
      parts.push_back(fmt::format("{} {:.1f}", cause.name, cause.seconds * 1e3));
  }
  const std::string total = fmt::format("{:.1f} ms", arm.above_bound_s * 1e3);
  return parts.empty() ? total : fmt::format("{} ({})", total, join(parts, ", "));
}

bool far_above_bound(const ArmReport& arm) {
  if (!arm.makespan_s || !arm.bound_s || arm.above_bound.empty()) return false;
  const double over = arm.makespan_s->median - *arm.bound_s;
  return over > std::max(0.005, 0.03 * *arm.bound_s);
}

/// The two that cost most in full, the others by name.
std::string report_findings(const std::vector<Finding>& findings) {
  constexpr std::ptrdiff_t kInFull = 2;
  std::string text;
  std::vector<std::string> others;
  for (const Finding& finding : findings) {
    if (&finding - &findings.front() < kInFull) {
      text += fmt::format("{} {} ", finding.id, finding.text);
    } else {
      others.push_back(fmt::format("{} {}", finding.id, finding.text.substr(0, finding.text.find(':'))));
    }
  }
  return others.empty() ? text : text + fmt::format("Also {}. ", join(others, ", "));
}

/// A server of one's own may do whatever it likes.
bool faster_than_its_plan(const ArmReport& arm) {
  return arm.engine.is(kServer) && arm.makespan_s && arm.bound_s &&
         below_bound(arm.makespan_s->median, *arm.bound_s, true);
}

bool reports_nothing(const ArmReport& arm) {
  return arm.engine.is(kServer) && !arm.above_bound.empty() && arm.above_bound.front().name == "unexplained";
}

/// `: right.`, `: 1.8 times as long.`
std::string judge_guess(double guessed, double measured) {
  const double ratio = guessed > 0 ? measured / guessed : 0;
  const auto times = [](double value) { return fmt::format("{:.{}f} times", value, value < 9.95 ? 1 : 0); };
  if (ratio > 0.8 && ratio < 1.25) return ": right.";
  if (ratio >= 1.25) return fmt::format(": {} as long.", times(ratio));
  return ratio > 0 ? fmt::format(": {} faster.", times(1 / ratio)) : ": not immediate.";
}

/// The same words with other numbers.
std::string kind_of(const std::string& warning) {
  std::string kind;
  std::ranges::copy_if(warning, std::back_inserter(kind),
                       [](unsigned char letter) { return std::isdigit(letter) == 0 && letter != '.'; });
  return kind;
}

/// Writes the sentences under the table of one run.
class RunRemarks {
 public:
  RunRemarks(const Scenario& scenario, const WholeFile& file, const std::vector<ArmReport>& arms,
             const Run& run)
      : scenario_(scenario), file_(file), arms_(arms), run_(run) {}

  std::vector<Note> make(const std::vector<Guess>& guesses) {
    for (const Guess& guess : guesses) answer_guess(guess);
    explain_why();
    speak_of_the_log();
    const std::string& note = scenario_.explain.note;
    if (!note.empty() && !speaks_of_absent(note, file_.arms, arms_, true)) add(NoteKind::note, "{}", note);
    report_left_out();
    for (const auto& [key, value] : run_.header.environment) {
      if (key == kRecordingMade)
        add(NoteKind::note, "recorded: FastAPI as it was measured earlier, {}", value);
    }
    report_lanes();
    report_use();
    report_pace();
    report_own_time();
    name_outliers();
    for (const ArmReport& arm : arms_) warn_of(arm);
    if (run_.summary.noisy()) add(NoteKind::warn, "the machine was {}", run_.summary.noise);
    warn_of_the_harness();
    warn_of_few_repetitions();
    if (const auto answer = answer_sentence(scenario_.explain.answer, arms_)) {
      add(NoteKind::so, "{}", *answer);
    } else if (only_measured()) {
      add(NoteKind::so, "The model cannot say it: a run measures it.");
    }
    if (file_.next_is_known) {
      const std::string& reason = scenario_.explain.next_reason;
      add(NoteKind::next, "lab run {}{}", scenario_.explain.next,
          reason.empty() ? "" : fmt::format("    ({})", reason));
    }
    return std::move(notes_);
  }

 private:
  template <class... Values>
  Note& add(NoteKind kind, fmt::format_string<Values...> text, Values&&... values) {
    return notes_.emplace_back(Note{kind, fmt::format(text, std::forward<Values>(values)...)});
  }

  std::string name_of(const std::string& arm, const std::string& engine, const std::string& case_id) const {
    const bool ours = engine == kNative || engine == kModel || engine == kServer;
    const std::string name = ours ? arm : fmt::format("{} on {}", arm, engine);
    return scenario_.cases.size() > 1 ? fmt::format("{} ({})", name, case_id) : name;
  }
  std::string name_of(const ArmReport& arm) const { return name_of(arm.arm, arm.engine.kind, arm.case_id); }

  void answer_guess(const Guess& guess) {
    for (const ArmReport& arm : arms_) {
      const bool faulty = arm.verdict == Verdict::instrument_fault;
      if (arm.arm != guess.arm || !arm.makespan_s || faulty) continue;
      const double measured = arm.makespan_s->median;
      Note& note =
          add(NoteKind::guess, "{}: you said {}, it took {}{}", name_of(arm), format_seconds(guess.seconds),
              format_seconds(measured), judge_guess(guess.seconds, measured));
      for (const Ask& ask : scenario_.asks) {
        if (ask.answer_arm != guess.arm || ask.answer != Stat{}) continue;
        if (!ask.answer_case.empty() && ask.answer_case != arm.case_id) continue;
        for (const Ask::Wrong& wrong : ask.wrong) {
          const double room = std::max(0.1 * wrong.value, 0.001);
          if (std::abs(wrong.value - guess.seconds) <= room) note.text += " " + wrong.say;
        }
      }
    }
  }

  /// The model ran all that the answer speaks of, and it has figures that only real servers have.
  bool only_measured() const {
    const auto& figures = scenario_.explain.answer.figures;
    return !figures.empty() && std::ranges::all_of(figures, [&](const auto& figure) {
      return std::ranges::any_of(arms_, [&](const ArmReport& arm) {
        return is_row_of(figure, arm) && arm.engine.is(kModel) && arm.not_run.empty();
      });
    });
  }

  bool answer_speaks_of(const ArmReport& arm) const {
    const auto& figures = scenario_.explain.answer.figures;
    return std::ranges::any_of(figures, [&](const auto& each) { return is_row_of(each, arm); });
  }

  /// The arm with the most costly finding, among those that the answer speaks of where they have any.
  const ArmReport* most_costly() const {
    const ArmReport* most = nullptr;
    const auto cost = [](const ArmReport& arm) {
      return arm.findings.empty() ? 0 : arm.findings.front().cost_s;
    };
    // What the question is about comes first; the largest burst may be a dearer one.
    for (const bool asked : {true, false}) {
      for (const ArmReport& arm : arms_) {
        if (most != nullptr && !asked && answer_speaks_of(*most)) break;
        if (asked && !answer_speaks_of(arm)) continue;
        if (cost(arm) > 0 && (most == nullptr || cost(arm) > cost(*most))) most = &arm;
      }
    }
    return most;
  }

  /// WHY for the arm with the most costly finding, and for every arm that misses its prediction.
  void explain_why() {
    const ArmReport* longest = most_costly();
    std::set<std::tuple<std::string, std::string, std::string>> reported;
    for (const ArmReport& arm : arms_) {
      const bool modelled = arm.engine.is(kModel);
      const bool misses = !modelled && far_above_bound(arm);
      const bool own = reports_nothing(arm) && !arm.likely_execution.empty();
      if (&arm != longest && !misses && !own) continue;
      // What holds of uvicorn's asyncio holds of uvloop and gunicorn too.
      if (!reported.insert({arm.engine.kind, arm.written, arm.case_id}).second) continue;
      std::string text = name_of(arm) + ": " + report_findings(arm.findings);
      if (reports_nothing(arm)) {
        if (own) text += arm.likely_execution + ". ";
        if (misses) {
          text += fmt::format(
              "Above the bound: {}. {}", format_seconds(arm.above_bound_s),
              own ? "lab diagnose shows more, and so do five header fields (README.md)."
                  : "The server does not report what it did (five header fields would, README.md), and "
                    "its replies fit no execution model that the lab knows; see lab diagnose.");
        }
      } else if (!modelled && !arm.above_bound.empty()) {
        text += fmt::format("Above the bound: {}.", excess(arm));
        if (arm.burst_skew_s > 0)
          text += fmt::format(" Sent within {}.", format_seconds(std::round(arm.burst_skew_s * 1e6) * 1e-6));
      }
      while (text.ends_with(' ')) text.pop_back();
      Note note{NoteKind::why, text};
      for (const Finding& finding : arm.findings) note.findings.push_back(finding.id);
      // Who brings a server asks about that one first.
      const auto first = std::ranges::find(notes_, NoteKind::why, &Note::kind);
      notes_.insert(arm.engine.is(kServer) ? first : notes_.end(), std::move(note));
    }
  }

  void speak_of_the_log() {
    std::set<std::string> said;
    bool documented = false;
    for (const ArmReport& arm : arms_) {
      documented |= arm.documented_s.has_value();
      if (!arm.documented_s || !arm.bound_s || *arm.documented_s >= *arm.bound_s) continue;
      if (!said.insert(arm.written).second) continue;
      const std::string source = scenario_.sources.empty() ? "" : " (" + scenario_.sources.front() + ")";
      add(NoteKind::log, "{}{} for {} is below the bound of {}: that is impossible.", arm.documented_text,
          source, arm.arm, format_seconds(*arm.bound_s));
    }
    const std::string& log = scenario_.explain.log;
    if (log.empty() || !documented || speaks_of_absent(log, file_.arms, arms_, false)) return;
    if (said.size() == 1) {
      notes_.back().text += " " + log;
    } else {
      add(NoteKind::log, "{}", log);
    }
  }

  /// Reasons that the table has no room for.
  void report_left_out() {
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> reasons;
    for (const ArmReport& arm : arms_) {
      if (columns(arm.not_run) <= kLongestReason) continue;
      add_once(reasons[{arm.engine.kind, arm.not_run}], arm.arm);
    }
    for (const auto& [why, names] : reasons) {
      const bool plain = why.first == kNative || why.first == kServer;
      add(NoteKind::note, "not run{}: {}: {}", plain ? "" : " on " + why.first, join(names, ", "), why.second)
          .decisive = true;
    }
  }

  /// Which repetition they are of, and how many of very many requests were looked into.
  void report_lanes() {
    std::vector<std::string> numbers, cut;
    for (const ArmReport& arm : arms_) {
      if (!arm.lanes.empty() && arm.repetitions > 1)
        numbers.push_back(fmt::format("{} {}", name_of(arm), arm.lanes_of));
      if (arm.traced > 0)
        cut.push_back(fmt::format("{}: the first {} of {} requests", name_of(arm), arm.traced, arm.requests));
    }
    if (!numbers.empty()) {
      add(NoteKind::note, "the lanes show the repetition whose makespan is the median or nearest to it: {}",
          join(numbers, ", "));
    }
    if (!cut.empty()) {
      add(NoteKind::note,
          "findings look into {}; where there are so many, what is above the bound has no causes",
          join(cut, ", "));
    }
  }

  /// What the same arm costs on each engine: that of the first arm and case that several ran.
  void report_use() {
    std::vector<std::string> parts;
    const ArmReport* first = nullptr;
    for (const ArmReport& arm : arms_) {
      if (!arm.server) continue;
      if (first == nullptr) first = &arm;
      const bool same = arm.written == first->arm || arm.engine.is(kServer);
      if (!same || arm.case_id != first->case_id) continue;
      const ServerUse& use = *arm.server;
      parts.push_back(fmt::format("{} {:.1f} MB, {}, {:.0f} ms CPU, {} switches",
                                  arm.engine.runtime.empty() ? arm.engine.kind : arm.engine.runtime,
                                  static_cast<double>(use.private_peak) / 1e6,
                                  count(use.threads_peak, "thread"), static_cast<double>(use.cpu) / 1e6,
                                  use.voluntary_switches + use.involuntary_switches));
    }
    if (parts.size() > 1) add(NoteKind::note, "{} used: {}", first->arm, join(parts, "; "));
  }

  /// The machine's speed is not constant; predictions follow it, and whoever compares runs should know.
  void report_pace() {
    constexpr double kWorthReporting = 0.02;
    const ArmReport* slowest = nullptr;
    const ArmReport* fastest = nullptr;
    for (const ArmReport& arm : arms_) {
      if (!arm.computes) continue;
      if (slowest == nullptr || arm.pace > slowest->pace) slowest = &arm;
      if (fastest == nullptr || arm.best_pace < fastest->best_pace) fastest = &arm;
    }
    if (fastest != nullptr && 1 - fastest->best_pace > kWorthReporting) {
      add(NoteKind::note,
          "computing took up to {:.0f} % less time than in the calibration ({}): each bound is that of its "
          "arm's fastest repetition, and the predictions are adjusted",
          100 * (1 - fastest->best_pace), fastest->arm);
    }
    if (slowest != nullptr && slowest->pace - 1 > kWorthReporting) {
      add(NoteKind::note,
          "computing took {:.0f} % longer than in the calibration ({}); the predictions are adjusted, the "
          "bounds are not",
          100 * (slowest->pace - 1), slowest->arm);
    }
  }

  /// What a framework takes of its own is in the predictions, so whoever reads them should know.
  void report_own_time() {
    std::map<std::string, std::map<std::string, std::string>> reported;  // by case that showed it: arm, time
    for (const ArmReport& arm : arms_) {
      if (arm.own_time_s > 0)
        reported[arm.own_time_case][arm.arm] = format_seconds(std::round(arm.own_time_s * 1e5) * 1e-5);
    }
    for (const auto& [busiest, times] : reported) {
      const auto parts = mapped(times, [](const auto& one) { return one.first + " " + one.second; });
      add(NoteKind::note,
          "the predictions of the other cases include what the framework computes for each request, as "
          "measured in {}: {}",
          busiest, join(parts, ", "));
    }
  }

  /// Repetitions far from the others, by more than anybody would overlook; they stay in the figures.
  void name_outliers() {
    std::vector<std::string> far;
    for (const ArmReport& arm : arms_) {
      const Estimate makespan = arm.makespan_s.value_or(Estimate{});
      for (const std::size_t index : outliers(makespan.samples)) {
        const double value = makespan.samples[index];
        if (std::abs(value - makespan.median) > std::max(0.001, 0.02 * makespan.median))
          far.push_back(
              fmt::format("{} {} in repetition {}", name_of(arm), format_seconds(value), index + 1));
      }
    }
    if (!far.empty()) add(NoteKind::warn, "outliers, not removed: {}", join(far, ", "));
  }

  /// Each kind of error has a row in the table: `count(error)`, `share(status=404)`.
  bool errors_are_in_table(const RequestCounts& books) const {
    return books.not_sent.empty() && std::ranges::all_of(books.errors, [&](const auto& error) {
             return error.first == to_string(Outcome::hung_up) ||
                    std::ranges::any_of(scenario_.show, [&](const Stat& stat) {
                      return stat.errors ||
                             (stat.status && error.first == fmt::format("status_{}", *stat.status));
                    });
           });
  }

  void warn_of(const ArmReport& arm) {
    std::vector<std::string> kinds;
    for (const auto& [kind, number] : arm.books.errors) {
      if (kind != to_string(Outcome::hung_up)) kinds.push_back(fmt::format("{} {}", kind, number));
    }
    for (const auto& [kind, number] : arm.books.not_sent) kinds.push_back(fmt::format("{} {}", kind, number));
    const std::string name = name_of(arm);
    if (!kinds.empty()) {
      const std::size_t known = arm.makespan_s ? arm.makespan_s->samples.size() : 0;
      add(NoteKind::warn, "{}: {} requests, {} of them ok; {}{}", name, arm.books.planned, arm.books.ok,
          join(kinds, ", "),
          std::cmp_less(known, arm.repetitions) ? "; a repetition with failures has no makespan, and a "
                                                  "failed request counts as slower than all others"
                                                : "")
          .decisive = !errors_are_in_table(arm.books);
    }
    if (faster_than_its_plan(arm)) {
      add(NoteKind::warn,
          "{}: answered within {}, but the plan alone takes {}: this server does not run the plan (a wrong "
          "route, an error, a forgotten await?)",
          name, format_seconds(arm.makespan_s->median), format_seconds(*arm.bound_s))
          .decisive = true;
    }
    if (arm.verdict == Verdict::instrument_fault) {
      add(NoteKind::warn,
          "{}: a makespan below its bound of {} is impossible: the measurement is wrong, so the lab draws "
          "no conclusion",
          name, format_seconds(arm.bound_s.value_or(0)))
          .decisive = true;
    }
    if (arm.verdict == Verdict::inconclusive) {
      add(NoteKind::warn, "{}: the interval allows two verdicts; the machine is {}", name,
          run_.summary.noise.empty() ? "not known to be quiet" : run_.summary.noise)
          .decisive = true;
    }
  }

  /// What the generator, the rings and other servers say of themselves: the first of each kind, and how many
  /// more there were. It is what a failure may come from.
  void warn_of_the_harness() {
    std::map<std::string, std::pair<std::string, int>> reported;
    for (const RunRepetition& each : run_.repetitions) {
      for (const std::string& warning : each.warnings) {
        auto& [first, times] = reported[kind_of(warning)];
        if (times++ == 0) first = name_of(each.arm, each.engine, each.case_id) + ": " + warning;
      }
    }
    const bool failures = std::ranges::any_of(arms_, [&](const ArmReport& arm) {
      return arm.books.failed() > 0 && !errors_are_in_table(arm.books);
    });
    for (const auto& [key, first] : reported) {
      add(NoteKind::warn, "{}{}", first.first,
          first.second > 1 ? fmt::format(" (and {} more)", first.second - 1) : "")
          .decisive = failures;
    }
  }

  void warn_of_few_repetitions() {
    int most = 0;
    bool measured = false;
    for (const ArmReport& arm : arms_) {
      if (arm.makespan_s && arm.makespan_s->low) return;
      measured |= !arm.engine.is(kModel) && arm.repetitions > 0;
      most = std::max(most, arm.repetitions);
    }
    if (measured)
      add(NoteKind::warn, "only {}, so there is no interval: small differences mean nothing",
          count(most, "repetition"));
  }

  const Scenario& scenario_;
  const WholeFile& file_;
  const std::vector<ArmReport>& arms_;
  const Run& run_;
  std::vector<Note> notes_;
};

}  // namespace

bool speaks_of_absent(const std::string& text, const std::vector<Arm>& written,
                      const std::vector<ArmReport>& arms, bool ours) {
  const auto present = [&](const Arm& arm) {
    return std::ranges::any_of(arms, [&](const ArmReport& row) {
      const bool is_ours = row.engine.is(kNative) || row.engine.is(kModel);
      return (is_ours || !ours) && row.written == arm.id;
    });
  };
  return std::ranges::any_of(written, [&](const Arm& arm) { return !present(arm) && is_about(text, arm); });
}

std::optional<std::string> answer_sentence(const Conclusion& answer, const std::vector<ArmReport>& arms) {
  if (answer.words.empty()) return std::nullopt;
  std::string sentence = answer.words.front();
  for (std::size_t i = 0; i < answer.figures.size(); ++i) {
    const Conclusion::Figure& figure = answer.figures[i];
    const ArmReport* row = nullptr;
    for (const ArmReport& arm : arms) {
      const bool better = row == nullptr || (arm.engine.is(kNative) && !row->engine.is(kNative));
      if (is_row_of(figure, arm) && better) row = &arm;
    }
    const auto text = row == nullptr ? std::nullopt : format_figure(figure, *row);
    if (!text) return std::nullopt;
    sentence += *text + answer.words[i + 1];
  }
  return sentence;
}

std::vector<Note> make_remarks(const Scenario& scenario, const WholeFile& file,
                               const std::vector<ArmReport>& arms, const Run& run,
                               const std::vector<Guess>& guesses) {
  return RunRemarks(scenario, file, arms, run).make(guesses);
}

}  // namespace lab
