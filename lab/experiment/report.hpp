#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lab/core/scenario.hpp"
#include "lab/experiment/options.hpp"
#include "results/report/report.hpp"
#include "results/store/run.hpp"

namespace lab {

/// What of a run is shown; all of it where nothing is named.
struct ArmChoice {
  std::vector<std::string> arms;  ///< as the table names them: `async-loop`, `async-loop@uvloop`
  std::string case_id;

  bool any() const { return !arms.empty() || !case_id.empty(); }
  bool has(const std::string& arm, const std::string& of_case) const;
  /// Throws Failure, which names the nearest word, where the run has nothing of that name.
  void check(const Scenario& scenario, const Run& run) const;
};

/// Derives everything that is reported about a run from its records, the model and the scenario: medians,
/// bounds, verdicts, lanes, WHY, checks. `run.header.environment` is copied. Of what is not chosen only the
/// figures of the sentence that answers the question are reported.
Report make_report(const Scenario& scenario, const Run& run, const std::vector<Guess>& guesses = {},
                   const ArmChoice& chosen = {});

/// Where a run's folder keeps all that a server of its wrote that failed.
inline constexpr const char* kServerOutput = "server.txt";

/// Says where all that a server wrote can be read.
void add_server_output(Report& report, const std::string& path);

/// The same from the model alone: nothing is run (`lab predict`). `cores`: of the machine; 0: of this one.
/// `drawn`: gets the repetitions of which the report has lanes.
Report make_prediction(const Scenario& scenario, std::uint64_t seed, const std::vector<Guess>& guesses = {},
                       int cores = 0, Run* drawn = nullptr);

}  // namespace lab
