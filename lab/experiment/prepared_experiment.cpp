#include "lab/experiment/prepared_experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "lab/experiment/experiment.hpp"
#include "lab/experiment/recordings.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

std::optional<std::string> unsupported_reason(const PreparedExperiment& stage, const Scenario& scenario,
                                              const EngineArm& one, const Case& load_case) {
  if (auto reason = stage.surroundings.unsupported_reason(scenario, one.arm, load_case)) return reason;
  for (const Traits& traits : one.arm.modes) {
    const Mode* mode = find_mode(traits.name);
    if (one.engine == kNative && mode != nullptr && !mode->is_built())
      return fmt::format("this statically linked lab has no {}", traits.name);
  }
  if (one.arm.cores > available_cores())
    return fmt::format("it asks for {} cores, this machine has {}", one.arm.cores, available_cores());
  if (one.engine == kServer && !load_case.kills.empty())
    return "its workers are not known, so none can be killed";
  return stage.foreign.unsupported_reason(one);
}

/// The recorded arms that were asked for; those of which nothing was recorded are left out.
void add_recorded(const Scenario& scenario, bool as_written, PreparedExperiment& stage) {
  auto recorded = find_recording(scenario, as_written);
  for (const EngineArm& one : engine_arms(scenario, kRecorded)) {
    if (!one.refusal.empty()) continue;
    for (const Case& load_case : scenario.cases) {
      std::size_t found = 0;
      for (std::size_t i = 0; recorded && i < recorded->repetitions.size(); ++i) {
        const RunRepetition& repetition = recorded->repetitions[i];
        if (repetition.arm != one.arm.id || repetition.case_id != load_case.id) continue;
        stage.recorded.push_back(repetition);
        ++found;
      }
      if (found > 0) {
        stage.recording_made = recorded->made;
        continue;
      }
      const std::string reason = recorded ? "FastAPI was not recorded on it" : recorded.error().message;
      stage.left_out.push_back({one.arm.id, load_case.id, reason, kRecorded});
    }
  }
}

}  // namespace

Result<PreparedExperiment> PreparedExperiment::prepare(Scenario& scenario, const ExperimentOptions& options) {
  PreparedExperiment stage;
  auto surroundings = Fixtures::prepare(scenario, options.postgres);
  if (!surroundings) return surroundings.error();
  stage.surroundings = std::move(*surroundings);
  auto rates = calibrate_scenario(scenario, false);
  if (!rates) return rates.error();
  stage.rates = *rates;

  Scenario asked = scenario;
  stage.surroundings.clear_unasked(asked.routes);
  for (const std::string& engine : options.engines) {
    if (engine == kModel || engine == kRecorded) continue;
    std::vector<EngineArm> arms = engine_arms(asked, engine, options.foreign.servers.size());
    std::move(arms.begin(), arms.end(), std::back_inserter(stage.arms));
  }
  auto foreign = ForeignServers::prepare(scenario, stage.arms, options.foreign);
  if (!foreign) return foreign.error();
  stage.foreign = std::move(*foreign);
  for (const EngineArm& one : stage.arms) {
    if (one.arm.predict_only) continue;
    for (const Case& load_case : scenario.cases) {
      if (auto reason = unsupported_reason(stage, scenario, one, load_case))
        stage.left_out.push_back({one.arm.id, load_case.id, *reason, one.engine});
    }
  }
  if (options.uses(kRecorded)) add_recorded(scenario, options.as_written, stage);
  return stage;
}

bool PreparedExperiment::is_left_out(const EngineArm& arm, const Case& load_case) const {
  return std::any_of(left_out.begin(), left_out.end(), [&](const NotRun& one) {
    return one.engine == arm.engine && one.arm == arm.arm.id && one.case_id == load_case.id;
  });
}

}  // namespace lab
