#pragma once

#include <vector>

#include "lab/report/arm_report.hpp"
#include "lab/report/report.hpp"
#include "results/report/report.hpp"

namespace lab {

/// The sentences under the table: WHY, LOG, NOTE, GUESS, WARN, NEXT.
std::vector<Note> make_remarks(const Scenario& scenario, const std::vector<ArmAnalysis>& arms, const Run& run,
                               const std::vector<Guess>& guesses);

}  // namespace lab
