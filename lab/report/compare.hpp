#pragma once

#include <string>
#include <vector>

#include "lab/core/scenario.hpp"
#include "results/report/comparison_report.hpp"
#include "results/report/report.hpp"
#include "results/store/run.hpp"

namespace lab {

/// A recorded run with everything that is told about it.
struct ToldRun {
  Run run;
  Scenario scenario;
  Report report;
};

struct CompareOptions {
  std::vector<Stat> stats;   ///< empty: makespan, and what the scenario shows and checks
  std::string arm_a, arm_b;  ///< by name, `async-loop` or `async-loop on fastapi`; empty: all that both have
  double tolerance = 0;      ///< a smaller shift, relative to A's median, counts as no difference
};

/// Reads a run (a path or a name, as `lab report` takes them) and derives its report, with `stats` besides
/// the scenario's own. Throws Failure.
ToldRun tell_run(const std::string& name, const std::vector<Stat>& stats);

/// Errors (exit 2): different scenarios, no such arm, nothing that both have.
Result<ComparisonReport> compare_runs(const ToldRun& a, const ToldRun& b, const CompareOptions& options);

}  // namespace lab
