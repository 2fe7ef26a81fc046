#pragma once

#include <string>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/plan.hpp"
#include "lab/core/scenario.hpp"
#include "lab/experiment/engines.hpp"
#include "lab/experiment/fixtures.hpp"
#include "lab/experiment/foreign_servers.hpp"
#include "results/store/run.hpp"

namespace lab {

struct ExperimentOptions;

/// Everything that an experiment needs besides its scenario, made before its first server.
struct PreparedExperiment {
  Fixtures surroundings;
  WorkRates rates{};
  std::vector<EngineArm> arms;  ///< all that are really run, engine by engine
  ForeignServers foreign;
  std::vector<RunRepetition> recorded;  ///< of the committed recording, where it was asked for
  std::string recording_made;           ///< when and where; empty: nothing of it is used
  std::vector<NotRun> left_out;         ///< arms that cannot be run here, each with its reason

  /// Completes the scenario (files, durations of its work) and finds out what can be run. Errors: what
  /// Fixtures::prepare and ForeignServers::prepare say; none of the engines can run anything (exit 3).
  static Result<PreparedExperiment> prepare(Scenario& scenario, const ExperimentOptions& options);

  bool is_left_out(const EngineArm& arm, const Case& load_case) const;
};

}  // namespace lab
