#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/diagnosis/burst_fit.hpp"
#include "harness/diagnosis/examination.hpp"
#include "harness/diagnosis/verdict.hpp"
#include "results/render/page.hpp"
#include "results/report/diagnosis_change.hpp"
#include "results/report/diagnosis_lines.hpp"
#include "results/report/threshold.hpp"

namespace lab {

/// What was seen of one size of burst.
struct DiagnosisRow {
  int at_once = 0;
  int bursts = 0;
  double makespan_s = 0;             ///< median
  std::optional<double> expected_s;  ///< by the verdict, where there is one
  std::optional<double> ping_worst_s;
  std::vector<double> all_s;  ///< every makespan
};

/// How a server executes: what was seen, what follows from it, and both in words.
struct DiagnosisReport {
  std::string url, ping;  ///< as given; ping may be empty
  std::int64_t pid = 0;   ///< 0: not on this machine
  Observations seen;
  Diagnosis verdict;
  std::string tag;        ///< `SERIAL`, `LIMITED`: what the text begins with
  bool at_least = false;  ///< the parallelism may be larger: nothing limited the largest burst
  std::string headline;   ///< `one at a time; the event loop is blocked`
  std::string formula;    ///< `51 ms × n`; empty where there is none
  std::vector<DiagnosisRow> rows;
  std::optional<double> ping_alone_s;
  PairLikelihood pairs;  ///< on kept connections
  std::optional<double> kept_lag_s, first_s;
  std::vector<Pause> pauses;
  std::vector<std::string> notes;  ///< what else was found
  std::vector<std::string> unsure;
  std::string advice, command;            ///< what to do (empty: what a fix says), and the run that shows it
  std::optional<InsideReport> inside;     ///< where the server was looked into
  std::string started;                    ///< UTC
  std::string target;                     ///< what is compared with what: the server and its route
  std::optional<DiagnosisChange> change;  ///< against an earlier one
  std::vector<ThresholdRow> thresholds;
};

/// `will send at most 511 requests, at most 64 at once, 1 to 9 s`
std::string announce(const Outlook& outlook);

/// `ping`: its URL, or empty.
DiagnosisReport make_diagnosis_report(const std::string& url, const std::string& ping, Observations seen);

/// Adds what was seen inside, concluded by the verdict; without fixes. `proof`: the command that asks again
/// after an edit.
void add_inside(DiagnosisReport& report, const InsideSeen& seen, const std::string& proof);

/// Latencies of the cheap route beside slow requests, how long each of those keeps the loop, and how many run
/// at a time.
extern const ThresholdWords kDiagnosisThresholds;
ThresholdRow judge(const Threshold& threshold, const DiagnosisReport& report);

/// For a terminal or a pipe.
std::string to_text(const DiagnosisReport& report, const TextStyle& style);
/// lab.diagnose/1, one document with a newline at its end.
std::string to_json(const DiagnosisReport& report);

}  // namespace lab
