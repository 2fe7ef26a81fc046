#include "lab/recordings.hpp"

#include <system_error>
#include <utility>

#include "lab/core/paths.hpp"
#include "lab/engines.hpp"
#include "lab/experiment.hpp"
#include "results/store.hpp"

namespace lab {

std::filesystem::path recordings_folder() {
  if (const auto root = checkout_root()) return *root / "results" / "reference";
  return installed_share() / "reference";
}

Result<std::vector<RunRepetition>> recorded_repetitions(const Scenario& scenario, bool as_written) {
  const std::filesystem::path path = recordings_folder() / (scenario.name + ".jsonl");
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return environment_error("FastAPI was not recorded on it");
  auto run = read_run(path);
  if (!run) return run.error();
  if (run->header.scenario_source != scenario.source)
    return environment_error("the scenario has changed since it was recorded");
  for (const auto& [key, value] : run->header.environment) {
    if (key == "cores" && value != std::to_string(available_cores()))
      return environment_error("it was recorded on {} cores, here are {}", value, available_cores());
  }
  if (!as_written) return environment_error("it was recorded without options that change the scenario");
  std::vector<RunRepetition> repetitions;
  for (RunRepetition& repetition : run->repetitions) {
    if (repetition.engine != kFastapi) continue;
    repetition.engine = kRecorded;
    repetitions.push_back(std::move(repetition));
  }
  return repetitions;
}

}  // namespace lab
