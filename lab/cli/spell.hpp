#pragma once

#include <string>
#include <vector>

#include "lab/cli/options.hpp"

namespace lab {

/// Reports in the asked format. JSON is always one document: several runs stand in `{"runs": […]}`.
std::string spell(const std::vector<Report>& reports, const OutputOptions& output);

}  // namespace lab
