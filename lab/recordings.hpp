#pragma once

#include <filesystem>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"
#include "results/run.hpp"

namespace lab {

/// Where the committed recordings of real FastAPI are: `results/reference` of the checkout, or installed.
std::filesystem::path recordings_folder();

/// What was recorded of this scenario on real FastAPI, its engine renamed to `recorded`. `as_written`: no
/// option has changed the scenario. The error is a reason to print: there is none, or it speaks of other
/// settings.
Result<std::vector<RunRepetition>> recorded_repetitions(const Scenario& scenario, bool as_written);

}  // namespace lab
