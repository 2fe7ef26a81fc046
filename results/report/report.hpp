#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lab/core/lane.hpp"
#include "lab/core/record.hpp"

namespace lab {

/// Everything that a person or a script is told about a run, as plain values. Made by lab/report/report.cpp
/// from records, model and scenario; the exporters (text, json, csv, md) only spell it. All times in seconds.
struct Figure {
  double median = 0;
  std::optional<double> low, high;
  std::vector<double> all;
};

struct MeasureRow {
  std::string stat;       ///< `makespan`, `ping.latency.max`
  bool is_time = true;    ///< seconds; otherwise a plain number
  bool is_bytes = false;  ///< a plain number of them
  std::optional<double> predicted;
  std::optional<double> predicted_low, predicted_high;  ///< where the kernel decides
  std::optional<Figure> measured;
  std::optional<double> documented;
  std::string documented_text;  ///< as the documents write it: `~1.1s`
  std::string verdict = "none";
};

/// A longer reason for `not run` stands in a remark instead of the table.
inline constexpr std::size_t kLongestReason = 40;

/// One cause and its milliseconds.
struct Cause {
  std::string name;  ///< unread, runnable, service, reply, lag, unexplained
  double seconds = 0;
};

struct FindingRow {
  std::string id;  ///< LAB101
  std::string text;
};

struct ArmReport {
  std::string arm, case_id, label, engine, mode;
  int workers = 1;
  std::optional<int> threads;
  std::int64_t requests = 0;
  int repetitions = 0;
  std::optional<double> bound_s, predicted_s, documented_s;
  std::optional<double> predicted_low_s, predicted_high_s;  ///< where the kernel decides
  std::string documented_text;
  std::optional<Figure> makespan_s;  ///< none where the arm was not run
  std::optional<double> latency_min_s, latency_median_s, latency_max_s;
  std::optional<double> latency_p90_s, latency_p99_s,
      latency_p999_s;        ///< of a prediction, where n carries them
  double latency_error = 0;  ///< of median and quantiles, relative; 0: exact
  Books books;
  std::vector<MeasureRow> measures;
  std::vector<std::vector<std::int64_t>> splits;  ///< per repetition, requests per worker slot
  std::string verdict = "none";
  std::vector<FindingRow> findings;
  std::string formula;             ///< closed form of the bound, or empty
  std::string not_run;             ///< the reason why it was not run, or empty
  std::vector<Lane> lanes;         ///< of the first repetition; at most the first few thousand requests
  std::vector<Cause> above_bound;  ///< sums to the median repetition's makespan - bound
  double above_bound_s = 0;
  double burst_skew_s = 0;    ///< median over repetitions
  double own_time_s = 0;      ///< of a framework per request, as another case showed it; in the predictions
  std::string own_time_case;  ///< which one
  double pace = 1;            ///< what computing took beside its calibration, median
  std::optional<ServerUse> server;  ///< what its processes used in the first repetition
  double memory_bytes = 0;          ///< of the connections alone, where it is worth telling (predict)
};

/// `thread-pool on fastapi`; our own arms by their name alone.
std::string name_on_engine(const ArmReport& arm);

struct CheckRow {
  std::string text;  ///< `ping.latency.max within 3% · blocking`
  bool passed = false;
  bool decided = true;        ///< false: inconclusive
  std::string detail;         ///< `5.003 s, predicted 5.000 s`
  std::string stat = {};      ///< `makespan`
  std::string interval = {};  ///< of the median: `112 ms–130 ms`; empty where too few repetitions carry none
};

/// A remark under the table: tag WHY, LOG, NOTE, SO, NEXT, GUESS, CHECK, WARN.
struct Remark {
  std::string tag, text;
};

struct EnvironmentRow {
  std::string key, value;
};

struct Report {
  std::string scenario, question;
  bool complete = true;
  std::string incomplete_reason;
  std::uint64_t seed = 0;
  std::string path;  ///< where the run was saved, or empty
  int cores = 0;
  std::string kernel, noise;
  std::vector<EnvironmentRow> environment;  ///< the rest, in order
  std::string changes;                      ///< what the options changed: `d = 1 s, scale 0.1`, or empty
  std::vector<std::string> headline;        ///< stats that the table shows; usually just makespan
  bool predicted_only = false;              ///< `lab predict`: nothing was run
  int planned_repetitions = 0;
  std::vector<ArmReport> arms;
  std::vector<CheckRow> checks;
  bool checks_asked = false;  ///< tell of those that hold, too
  std::vector<Remark> remarks;
};

}  // namespace lab
