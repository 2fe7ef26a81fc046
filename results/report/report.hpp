#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/findings/finding.hpp"
#include "harness/statistics/statistics.hpp"
#include "lab/core/event.hpp"
#include "lab/core/record.hpp"
#include "lab/core/scenario.hpp"
#include "lab/core/stat.hpp"

namespace lab {

// Everything that a report says about a run, as values; the renderers (text, json, csv, md …) only put them
// into words. All times in seconds.

/// One stat of one arm: predicted, measured, documented.
struct MeasureRow {
  Stat stat;
  std::optional<double> predicted;
  std::optional<double> predicted_low, predicted_high;  ///< where the kernel decides
  std::optional<Estimate> measured;
  std::optional<double> documented;
  std::string documented_text;  ///< as the documents write it: `~1.1s`
  Verdict verdict = Verdict::none;
};

/// A longer reason for `not run` stands in a remark instead of the table.
inline constexpr std::size_t kLongestReason = 40;

/// A worker's death, in which repetition.
struct ReportedDeath : WorkerDeath {
  int repetition = 1;
  double at_s = 0;  ///< after the first request was sent, as lanes count
};

/// One cause and its milliseconds.
struct Cause {
  std::string name;  ///< unread, runnable, service, reply, lag, unexplained
  double seconds = 0;
};

struct ArmReport {
  std::string arm;      ///< its id, with the runtime where there are several: `async-loop@uvloop`
  std::string written;  ///< the scenario's own arm: `async-loop`
  EngineId engine;
  std::string case_id, label, mode;
  int workers = 1;
  std::optional<int> threads;
  std::int64_t requests = 0;
  int repetitions = 0;
  std::optional<double> bound_s, predicted_s, documented_s;
  std::optional<double> predicted_low_s, predicted_high_s;  ///< where the kernel decides
  std::string documented_text;
  std::optional<Estimate> makespan_s;  ///< none where the arm was not run
  std::optional<double> latency_min_s, latency_median_s, latency_max_s;
  std::optional<double> latency_p90_s, latency_p99_s,
      latency_p999_s;        ///< of a prediction, where n carries them
  double latency_error = 0;  ///< of median and quantiles, relative; 0: exact
  RequestCounts books;
  std::vector<MeasureRow> measures;
  std::vector<std::vector<std::int64_t>> splits;  ///< per repetition, requests per worker slot
  Verdict verdict = Verdict::none;
  std::vector<Finding> findings;  ///< the most costly first
  std::string formula;            ///< closed form of the bound, or empty
  std::string not_run;            ///< the reason why it was not run, or empty
  std::vector<Lane> lanes;        ///< at most of the first few thousand requests
  int lanes_of = 0;               ///< the number of their repetition, whose makespan is nearest to the median
  std::int64_t traced = 0;        ///< so many requests have findings and lanes, the first ones; 0: all
  std::vector<ReportedDeath> deaths;  ///< of all repetitions, one after another
  std::vector<Cause> above_bound;     ///< sums to the median repetition's makespan - bound
  double above_bound_s = 0;
  double burst_skew_s = 0;    ///< median over repetitions
  double own_time_s = 0;      ///< of a framework per request, as another case showed it; in the predictions
  std::string own_time_case;  ///< which one
  bool computes = false;      ///< its bound has CPU work
  double pace = 1;            ///< what computing took beside its calibration, median
  double best_pace = 1;       ///< of the fastest repetition
  std::string likely_execution;     ///< of a server of one's own that says nothing of itself
  std::optional<ServerUse> server;  ///< what its processes used in the first repetition
  double memory_bytes = 0;          ///< of the connections alone, where it is worth reporting (predict)
};

/// `thread-pool on fastapi`; our own arms by their name alone.
std::string name_on_engine(const ArmReport& arm);

/// Of arms, rows or repetitions: whether they are of more than one case.
template <class Rows>
bool several_cases(const Rows& rows) {
  return std::ranges::any_of(rows, [&](const auto& row) { return row.case_id != rows.begin()->case_id; });
}

struct CheckRow {
  std::string text;  ///< `ping.latency.max within 3% · blocking`
  bool passed = false;
  bool decided = true;            ///< false: inconclusive
  std::string detail;             ///< `5.003 s, predicted 5.000 s`
  std::optional<Stat> stat = {};  ///< none of a check that every server has to pass
  std::string tolerance = {};     ///< `within 3%`; empty where the model is not asked
  std::string interval = {};  ///< of the median: `112 ms–130 ms`; empty where too few repetitions carry none
};

/// What a sentence under the table is about, in the order in which they stand there.
enum class NoteKind : std::uint8_t { loop, await, path, tail, guess, why, log, check, note, warn, so, next };

/// `WHY`
std::string_view to_string(NoteKind kind);

/// A sentence under the table.
struct Note {
  NoteKind kind = NoteKind::note;
  std::string text;
  std::vector<std::string> findings{};  ///< the ids of those that it speaks of
  bool failed = false;                  ///< a check that does not hold
  bool decisive = false;                ///< a conclusion changes with it: shown without --details, too
};

/// What somebody said before the run.
struct Guess {
  std::string arm;
  double seconds = 0;
};

struct Report {
  std::string scenario, question;
  bool complete = true;
  std::string incomplete_reason;
  std::uint64_t seed = 0;
  std::string path;  ///< where the run was saved, or empty
  int cores = 0;
  std::string kernel, noise;
  bool noisy = false;                                            ///< others disturbed it, as `noise` says
  std::vector<std::pair<std::string, std::string>> environment;  ///< the rest, in order
  std::string command;          ///< that made it, `lab run pool-limit`, or empty
  std::string changes;          ///< what the options changed: `d = 1 s, scale 0.1`, or empty
  std::vector<Stat> headline;   ///< stats that the table shows; usually just makespan
  bool predicted_only = false;  ///< `lab predict`: nothing was run
  int planned_repetitions = 0;
  std::vector<ArmReport> arms;
  std::vector<CheckRow> checks;
  bool checks_asked = false;  ///< show those that hold, too
  std::string again;          ///< `lab report last`: shows what was run once more; empty: what was typed
  std::vector<Note> remarks;
};

}  // namespace lab
