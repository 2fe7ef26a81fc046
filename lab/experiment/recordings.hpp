#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"
#include "results/store/store.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

/// What was recorded of a scenario on real FastAPI.
struct Recording {
  std::vector<RunRepetition> repetitions;  ///< their engine renamed to `recorded`
  std::string made;  ///< `2026-11-21 on AMD EPYC, 2 cores, kernel 6.1, Python 3.11.2, …`
};

/// The committed recording of this scenario. `as_written`: no option has changed the scenario. The error is a
/// reason to print: there is none, or it speaks of other settings.
Result<Recording> find_recording(const Scenario& scenario, bool as_written);

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
