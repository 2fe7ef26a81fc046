#pragma once

#include <filesystem>
#include <string>

#include "lab/core/scenario.hpp"
#include "results/store/run.hpp"

namespace lab {

/// The folder of a recorded run: a path, a folder's name under the runs folder, a scenario's name (its newest
/// run), or `last`. Of a scenario's and the last runs complete ones are preferred; a warning says what was
/// passed over, or that none is complete. Throws Failure naming the nearest run.
std::filesystem::path find_run(const std::string& name);

/// The scenario as a run was made of it, with the options that it was given. Throws Failure.
Scenario recorded_scenario(const Run& run);

}  // namespace lab
