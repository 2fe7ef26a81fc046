#pragma once

#include <optional>

#include "harness/statistics/statistics.hpp"

namespace lab {

/// Evaluates a stat of the server as a whole (Stat::of_server). None where its evidence is missing.
///
/// Work is `lost` by request: its job was reported lost (event `lost`); or its handler had begun when its
/// worker died; or a step of it, after the reply or in a queue, had begun by then and never ended. A worker
/// died when RepetitionData::kills says so. Without them only a handler that began and never ended, and whose
/// client saw the connection reset or closed, is known to be cut off.
std::optional<double> server_stat(const Stat& stat, const RepetitionData& evidence);

}  // namespace lab
