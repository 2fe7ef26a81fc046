#pragma once

#include <optional>
#include <span>
#include <vector>

#include "lab/core/histogram.hpp"
#include "lab/core/record.hpp"
#include "results/report/report.hpp"

namespace lab {

/// Fills the arm's latencies in: median and quantiles by nearest rank over all requests, those that so many
/// requests do not carry left out (measurement.md).
void tell_latencies(std::span<const RequestRecord> records, ArmReport& arm);
/// The same from counts, with their error.
void tell_latencies(const Histogram& latencies, ArmReport& arm);

/// A row of latencies for each arm; nothing where no arm has any.
std::optional<Note> tell_tails(const std::vector<ArmReport>& arms);

}  // namespace lab
