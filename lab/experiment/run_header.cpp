#include "lab/experiment/run_header.hpp"

#include <fmt/chrono.h>

#include <ctime>

#include "lab/experiment/environment.hpp"
#include "lab/experiment/prepared_experiment.hpp"
#include "lab/experiment/recordings.hpp"

namespace lab {

std::string utc_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

RunHeader begin_header(const Scenario& scenario, std::vector<std::string> options, std::uint64_t seed,
                       int planned_repetitions, const PreparedExperiment& stage) {
  RunHeader header;
  header.scenario = scenario.name;
  header.scenario_source = scenario.source;
  header.scenario_file = scenario.file;
  header.options = std::move(options);
  header.seed = seed;
  header.started_utc = utc_now();
  header.version = version();
  header.planned_repetitions = planned_repetitions;
  header.not_run = stage.left_out;
  const Environment machine = describe_environment();
  header.environment = {{"cores", std::to_string(machine.cores)}, {"kernel", machine.kernel}};
  header.environment.insert(header.environment.end(), machine.details.begin(), machine.details.end());
  record_rates(stage.rates, header);
  const auto& versions = stage.foreign.environment();
  header.environment.insert(header.environment.end(), versions.begin(), versions.end());
  if (!stage.recording_made.empty()) header.environment.emplace_back(kRecordingMade, stage.recording_made);
  return header;
}

}  // namespace lab
