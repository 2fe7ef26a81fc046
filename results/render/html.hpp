#pragma once

#include <string>
#include <vector>

#include "results/report/report.hpp"

namespace lab {

/// One page for all of them that needs no network: table, lanes as a picture, why, checks, what it ran on.
/// Dark or light as the reader's system is.
std::string to_html(const std::vector<Report>& reports);

}  // namespace lab
