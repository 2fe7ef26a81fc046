#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/statistics/statistics.hpp"
#include "lab/core/claims.hpp"
#include "results/render/page.hpp"

namespace lab {

/// What one engine gave for a row of the documents' log.
struct LogCell {
  std::string engine;
  Estimate measured;      ///< no samples: see `absent`
  bool recorded = false;  ///< FastAPI as it was recorded
  std::string absent;     ///< why there is nothing
  std::string disturbed;  ///< who else used the cores meanwhile, or empty
  Verdict verdict = Verdict::none;
};

struct LogLine {
  const LogRow* row = nullptr;
  double scale = 1;  ///< of the durations that were run
  /// Of the makespan; of other stats what a server without overhead gives. None where the plan computes: how
  /// fast the cores do that changes from one moment to the next.
  std::optional<double> bound;
  std::vector<LogCell> cells;  ///< in the order of LogReport::engines

  /// What the document states, at this scale.
  double claimed() const { return row->measure.stat.is_time() ? row->value * scale : row->value; }
  /// The documents speak of FastAPI, so its figure decides where there is one.
  const LogCell& deciding() const;
};

/// Every timing that the documents state, held against what was run.
struct LogReport {
  std::vector<Document> documents;
  std::vector<std::string> engines;
  std::vector<LogLine> lines;  ///< in the order of the file
  bool quick = false;
  bool complete = true;
  double seconds = 0;  ///< of wall time
};

std::string log_text(const LogReport& report, const TextStyle& style);
std::string log_json(const LogReport& report);  ///< lab.log/1
/// A row for each timing and engine.
std::string log_csv(const LogReport& report);
std::string log_markdown(const LogReport& report);

}  // namespace lab
