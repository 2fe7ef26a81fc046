#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "results/report/export.hpp"

namespace lab {

/// What was seen of one size of burst.
struct DiagnosisRow {
  int at_once = 0;
  int bursts = 0;
  double makespan_s = 0;  ///< median
  double expected_s = 0;  ///< by the verdict; 0 without one
  std::optional<double> ping_worst_s;
};

/// How a server executes, ready to be told.
struct DiagnosisReport {
  std::string url, ping;  ///< as given; ping may be empty
  std::string execution, bound_by;
  std::string tag;  ///< `SERIAL`, `LIMITED`: what the text begins with
  std::optional<bool> loop_blocked, balanced;
  int parallelism = 0;    ///< 0: unknown
  bool at_least = false;  ///< it may be larger: nothing limited the largest burst
  double confidence = 0;
  int bursts = 0, fitting = 0;
  std::string headline;  ///< `one at a time; the event loop is blocked`
  std::string formula;   ///< `51 ms × n`; empty where there is none
  double service_s = 0, overhead_s = 0, residual_s = 0;
  std::vector<DiagnosisRow> rows;
  std::optional<double> ping_alone_s;
  int pairs = 0, pairs_waiting = 0;  ///< on kept connections
  std::int64_t pid = 0;              ///< 0: not on this machine
  int processes = 0;
  std::optional<double> cpu_share;  ///< of a request's latency alone
  std::vector<std::string> notes;   ///< what else was found, in words
  double serial_part_s = 0;         ///< of each request, one at a time; 0: not told
  int limit_in_flight = 0, limit_status = 0;
  double limit_per_second = 0;
  bool limited = false;
  std::optional<double> kept_lag_s, first_s;
  std::vector<std::pair<double, double>> pauses;  ///< when, and how long
  bool watched = false;
  std::vector<std::string> unsure;
  std::string advice, command;  ///< what to do, and the experiment that shows it
  std::string reason;           ///< why it is unknown
  std::int64_t sent = 0, answered = 0, unfinished = 0;
  std::map<std::string, std::int64_t> failures;
  double spent_s = 0;
  bool complete = true;
};

/// For a terminal or a pipe (diagnosis_text.cpp).
std::string to_text(const DiagnosisReport& report, const TextStyle& style);
/// lab.diagnose/1, one document with a newline at its end (diagnosis_json.cpp).
std::string to_json(const DiagnosisReport& report);

}  // namespace lab
