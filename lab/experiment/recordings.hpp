#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"
#include "results/store/store.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

/// Where the committed recordings of real FastAPI are: `results/reference` of the checkout, or installed.
std::filesystem::path recordings_folder();

/// What was recorded of a scenario on real FastAPI.
struct Recording {
  std::vector<RunRepetition> repetitions;  ///< their engine renamed to `recorded`
  std::string made;  ///< `2026-11-21 on AMD EPYC, 2 cores, kernel 6.1, Python 3.11.2, …`
};

/// The committed recording of this scenario. `as_written`: no option has changed the scenario. The error is a
/// reason to print: there is none, or it speaks of other settings.
Result<Recording> find_recording(const Scenario& scenario, bool as_written);

/// The folder of a recorded run: a path, a folder's name under the runs folder, a scenario's name (its newest
/// run), or `last`. Of a scenario's and the last runs complete ones are preferred; a warning says what was
/// passed over, or that none is complete. Throws Failure naming the nearest run.
std::filesystem::path find_run(const std::string& name);

/// A run and the scenario that it was made of, with the options that it was given.
struct RecordedRun {
  Run run;
  Overrides options;
  Scenario scenario;
};

/// Reads all of it, as read_run does with these; the scenario is the run's own. Throws Failure.
RecordedRun read_recorded(const std::filesystem::path& path, ReadOptions options = {});

/// When and where, from what the run recorded of the machine; unknown parts are left out.
std::string describe_making(const RunHeader& header);

}  // namespace lab
