#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/core/scenario.hpp"
#include "lab/report/arm_report.hpp"

namespace lab {

/// The sentence that answers the scenario's question, with the medians of this run in it, of our own servers
/// where they ran; in a prediction the model's. Nothing where a figure is missing, as with fewer arms,
/// or cannot be.
std::optional<std::string> answer_sentence(const Conclusion& answer, const std::vector<ArmAnalysis>& arms);

/// Whether the answer speaks of this arm on this case.
bool speaks_of(const Conclusion& answer, const ArmReport& arm);

}  // namespace lab
