#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/statistics/statistics.hpp"
#include "lab/core/scenario.hpp"
#include "results/render/page.hpp"
#include "results/report/report.hpp"
#include "results/store/run.hpp"

namespace lab {

enum class CompareVerdict : std::uint8_t { faster, slower, more, less, none_seen, inconclusive };

/// `no difference seen`
std::string_view to_string(CompareVerdict verdict);

/// One stat of one arm and case in A and in B.
struct ComparedRow {
  std::string name;  ///< of the arm, or of both: `async-loop`, `async-loop on fastapi`
  std::string case_id;
  Stat stat;
  Estimate a, b;
  Shift shift;            ///< B - A
  double p_adjusted = 1;  ///< its p by Holm over all rows
  CompareVerdict verdict = CompareVerdict::none_seen;
  std::string reason;  ///< why it is inconclusive, or empty
};

/// What was not the same in A and B.
struct DifferingRow {
  std::string key, a, b;
};

/// What `lab compare` reports, as plain values; made by compare_runs().
struct ComparisonReport {
  struct Side {
    std::string path, started, noise;
    std::optional<std::string> arm;  ///< where two arms are compared
  };
  std::string scenario;
  Side a, b;
  std::vector<ComparedRow> rows;
  std::vector<DifferingRow> differing;
  std::vector<std::string> only_a, only_b;  ///< arms that the other one lacks
  std::vector<std::string> warnings;
  double tolerance = 0;                       ///< relative; what is less counts as no difference
  bool slower = false, inconclusive = false;  ///< any row is
};

/// A recorded run with everything that is said of it.
struct ReportedRun {
  Run run;
  Scenario scenario;
  Report report;
  std::string settings;  ///< what options changed, but for the choice of arms and cases
};

struct CompareOptions {
  std::vector<Stat> stats;   ///< empty: makespan, and what the scenario shows and checks
  std::string arm_a, arm_b;  ///< by name, `async-loop` or `async-loop on fastapi`; empty: all that both have
  double tolerance = 0;      ///< a smaller shift, relative to A's median, counts as no difference
};

/// Errors (exit 2): different scenarios, no such arm, nothing that both have.
Result<ComparisonReport> compare_runs(const ReportedRun& a, const ReportedRun& b,
                                      const CompareOptions& options);

std::string comparison_text(const ComparisonReport& report, const TextStyle& style);
/// lab.compare/1, one document with a newline at its end.
std::string comparison_json(const ComparisonReport& report);

}  // namespace lab
