#pragma once

#include <vector>

#include "results/report/report.hpp"

namespace lab {

/// What is told under the table, in the order in which it stands: the report's own remarks, findings that
/// none of them speaks of yet, and checks, of which those that hold are told only where they were asked for.
std::vector<Note> all_remarks(const Report& report);

}  // namespace lab
