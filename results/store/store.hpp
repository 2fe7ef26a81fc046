// results/store keeps what a run recorded: it writes, reads, lists and repairs records, and puts aside what
// memory does not hold. For results/report and lab; of reports it knows nothing.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "results/store/run.hpp"

namespace lab {

class Disk;

/// What tests change about how a run is kept.
struct StoreOptions {
  std::size_t lines_at_most = 100'000;  ///< a repetition with more requests goes to requests.bin
  Disk* disk = nullptr;                 ///< null: the real one
};

/// Writes run.jsonl under a temporary name while the run goes on; finish() makes it whole: fsync of file and
/// folder, rename to `<UTC time>-<scenario>/run.jsonl`. Past 100,000 requests a repetition's requests go to
/// requests.bin beside it. When the disk is full or the folder cannot be written, recording stops, the run
/// goes on, and finish() returns the error; older results stay as they are. What was recorded whole until
/// then stays under the temporary name as a run that is not complete; a folder without any is removed.
class RunWriter {
 public:
  /// `folder`: the parent (results/runs) or, with `exact`, the run's own folder (--save DIR).
  /// Errors: the folder cannot be made or written (exit 3, with the fix); with `exact`, it already holds a
  /// run (exit 2).
  static Result<RunWriter> create(const std::filesystem::path& folder, bool exact, const RunHeader& header,
                                  const StoreOptions& options = {});
  RunWriter(RunWriter&&) noexcept;
  RunWriter& operator=(RunWriter&&) noexcept;
  ~RunWriter();  ///< without finish(): as where that fails

  /// Hands the repetition to the kernel, so that it survives even if this process is killed.
  void add(const RunRepetition& repetition);
  /// The path of the run's folder. Call it once.
  Result<std::filesystem::path> finish(const RunSummary& summary);

 private:
  struct State;
  explicit RunWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct ReadOptions {
  /// Is given each repetition once all of it is read, and may put its requests and events elsewhere.
  std::function<void(RunRepetition&)> whole{};
  /// What the header's scenario is; then requests on routes, loads and cases that it lacks are damage.
  std::function<Scenario(const RunHeader&)> scenario{};
  bool leave_large = false;  ///< what requests.bin has stays there until whole() of set_aside.hpp asks for it
};

/// Reads a run's folder or its run.jsonl. Damaged lines are reported in Run::damage, all others are read;
/// what is damaged is not complete. What no writer can have written is damage too, whatever its checksum
/// says. Errors: no such run, not a run, a version this program does not know.
Result<Run> read_run(const std::filesystem::path& path, const ReadOptions& options = {});

/// One line of `lab history`.
struct RunListing {
  std::filesystem::path path;
  std::string name;  ///< the folder's
  RunHeader header;  ///< without source and environment
  RunSummary summary;
  std::size_t repetitions = 0;
  bool readable = true;
  std::string problem;  ///< why not
};

/// Newest first. A missing folder is an empty list; damaged runs and those whose writer was killed are listed
/// with the problem. Reads the first and last line of each.
Result<std::vector<RunListing>> list_runs(const std::filesystem::path& folder);

/// Which of these runs, newest first, `name` means: a folder's name, or the newest of a scenario, or of all
/// with `last`; complete ones first. Null: none.
const RunListing* named_run(const std::vector<RunListing>& runs, std::string_view name);

/// The folder of a recorded run: a path, a folder's name under the runs folder, a scenario's name (its newest
/// run), or `last`. Of a scenario's and the last runs complete ones are preferred; a warning says what was
/// passed over, or that none is complete. Throws Failure naming the nearest run.
std::filesystem::path find_run(const std::string& name);

/// `results/runs` of the checkout that holds the program or the current folder, else user_runs_folder().
std::filesystem::path default_runs_folder();

/// $XDG_DATA_HOME/lab/runs, else ~/.local/share/lab/runs.
std::filesystem::path user_runs_folder();

/// Where the committed recordings of real FastAPI are: `results/reference` of the checkout, or installed.
std::filesystem::path recordings_folder();

}  // namespace lab
