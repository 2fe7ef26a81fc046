#pragma once

#include <string>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/plan.hpp"
#include "lab/core/scenario.hpp"
#include "lab/experiment/engines.hpp"
#include "lab/experiment/foreign_servers.hpp"
#include "lab/experiment/surroundings.hpp"
#include "results/store/run.hpp"

namespace lab {

struct ExperimentOptions;

/// Everything that an experiment needs besides its scenario, made before its first server.
struct Stage {
  Surroundings surroundings;
  WorkRates rates{};
  std::vector<EngineArm> arms;  ///< all that are really run, engine by engine
  ForeignServers foreign;
  std::vector<RunRepetition> recorded;  ///< of the committed recording, where it was asked for
  std::string recording_made;           ///< when and where; empty: nothing of it is used
  std::vector<NotRun> left_out;         ///< arms that cannot be run here, each with its reason

  /// Completes the scenario (files, durations of its work) and finds out what can be run. Errors: what
  /// Surroundings::prepare and ForeignServers::prepare say; none of the engines can run anything (exit 3).
  static Result<Stage> prepare(Scenario& scenario, const ExperimentOptions& options);

  bool is_left_out(const EngineArm& arm, const Case& load_set) const;
};

}  // namespace lab
