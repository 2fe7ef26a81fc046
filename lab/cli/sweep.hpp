#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lab/cli/sweep_grid.hpp"
#include "lab/experiment/sweep_folder.hpp"
#include "results/report/sweep_report.hpp"
#include "results/store/run.hpp"

namespace lab {

/// One point of the grid, ready to be run.
struct SweepTask {
  std::vector<std::string> values;
  RunOptions options;
  Scenario scenario;
};

struct Sweep {
  std::vector<SweepKey> keys;
  Stat stat;
  std::vector<SweepTask> tasks;
};

/// Builds every point's scenario. `stat` empty: the first that the scenario shows. Errors (exit 2): a key
/// that changes nothing or a value out of range, told of the point; an unknown stat or route.
Result<Sweep> plan_sweep(const RunOptions& options, const std::vector<std::string>& vary,
                         const std::string& stat);

/// What is still to be done, known before it is started.
struct SweepEstimate {
  std::size_t points = 0;
  std::int64_t trials = 0;  ///< fresh servers in all
  Nanos time = 0;
};

/// `done[i]`: this point need not be run. Errors: what preflight says of a point (exit 2 or 3).
Result<SweepEstimate> estimate_sweep(const Sweep& sweep, const std::vector<bool>& done);

struct PointEnd {
  Run run;  ///< empty where it was interrupted
  std::optional<Error> fault;
  bool interrupted = false;
};

/// Runs one point; its run is kept in `folder` where that is given, and only if it came to its end. Throws
/// Failure where nothing can be started.
PointEnd run_point(const SweepTask& task, const std::optional<std::filesystem::path>& folder,
                   const std::function<void()>& trial_done);

/// What a run of this point says of the stat.
std::vector<SweepCell> cells_of(const SweepTask& task, const Stat& stat, const Run& run);
/// The same from the model alone.
std::vector<SweepCell> predicted_cells(const SweepTask& task, const Stat& stat);

/// A report without its points.
SweepReport begin_report(const Sweep& sweep);

}  // namespace lab
