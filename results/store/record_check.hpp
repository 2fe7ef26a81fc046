#pragma once

#include <cstddef>
#include <string>

#include "results/store/run.hpp"

namespace lab {

// A checksum says that a record is as somebody wrote it. These say what no writer of ours writes: a student
// hands in a file, and all that reads it further on may rely on its indices, counts and times.

/// What of it cannot be, as `planned_repetitions 4294967295`; empty where all can.
std::string impossible(const RunHeader& header);
std::string impossible(const RepetitionFacts& facts);

/// What was left out of a repetition.
struct ImpossibleEntries {
  std::size_t requests = 0, events = 0;
  std::string first;  ///< which one, and why; empty where none was
};

/// Leaves out requests and events that cannot be: ids and times out of order or far from the run, and, where
/// the scenario is known, indices that it does not have.
ImpossibleEntries drop_impossible(RunRepetition& repetition, const Scenario* scenario);

}  // namespace lab
