#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/experiment/options.hpp"
#include "results/report/sweep_report.hpp"
#include "results/store/run.hpp"

// `lab sweep`: its grid of settings, and the runs of its points.

namespace lab {

inline constexpr std::size_t kMaxPoints = 1000;  ///< of one sweep

/// What is varied, with its values as one would write them.
struct SweepKey {
  std::string name;
  Texts values;
};

/// The grid of several `--vary KEY=LIST`. A list has values and ranges: `1,2,8`, `1..8` (every whole number),
/// `1..64*2` (each twice the one before), `100ms..1s+100ms`. Errors (exit 2): not of that form, a key or a
/// value that comes twice, more than kMaxPoints points.
Result<std::vector<SweepKey>> parse_grid(const Texts& texts);

/// Every combination, one value for each key; the last key changes fastest.
std::vector<Texts> points_of(const std::vector<SweepKey>& keys);

/// The options of one point: `workers`, `threads`, `requests`, `delay`, `rate`, `duration`, `scale`,
/// `arrivals`, `connections` and `seed` are the options of that name, everything else is a parameter of the
/// scenario (--set). Throws Failure (exit 2) where the option was given as well.
RunOptions at_point(const RunOptions& options, const std::vector<SweepKey>& keys, const Texts& values);

/// One point of the grid, ready to be run.
struct SweepTask {
  Texts values;
  RunOptions options;
  Scenario scenario;
};

struct Sweep {
  std::vector<SweepKey> keys;
  Stat stat;
  std::vector<SweepTask> tasks;
};

/// Builds every point's scenario. `stat` empty: the first that the scenario shows. Throws Failure (exit 2): a
/// key that changes nothing or a value out of range, reported with the point; an unknown stat or route.
Sweep plan_sweep(const RunOptions& options, const Texts& vary, const std::string& stat);

/// What is still to be done, known before it is started.
struct SweepEstimate {
  std::size_t points = 0;
  std::int64_t trials = 0;  ///< fresh servers in all
  Nanos time = 0;
};

/// `done[i]`: this point need not be run. Throws Failure as preflight does of a point.
SweepEstimate estimate_sweep(const Sweep& sweep, const std::vector<bool>& done);

/// Runs one point; its run is kept in `folder` where that is given, and only if it came to its end: of one
/// that did not, nothing is left but the fault. Throws Failure where nothing can be started.
ExperimentResult run_point(const SweepTask& task, const std::optional<std::filesystem::path>& folder,
                           const std::function<void()>& trial_done);

/// What a run of this point says of the stat.
std::vector<SweepCell> cells_of(const SweepTask& task, const Stat& stat, const Run& run);
/// The same from the model alone.
std::vector<SweepCell> predicted_cells(const SweepTask& task, const Stat& stat);

/// A report without its points.
SweepReport begin_report(const Sweep& sweep);

}  // namespace lab
