#pragma once

#include <string>
#include <vector>

#include "lab/core/scenario.hpp"
#include "lab/report/arm_report.hpp"

namespace lab {

/// Whether a text of the scenario's file is about an arm that options or engines left out of the table: it
/// names it (`workers-4`; a plain word such as `one` is no name), or its documented figure (`0.03`). `ours`:
/// only rows of our own servers and of the model count, of which the file's notes speak.
bool speaks_of_absent(const std::string& text, const Scenario& scenario, const std::vector<ArmAnalysis>& arms,
                      bool ours);

}  // namespace lab
