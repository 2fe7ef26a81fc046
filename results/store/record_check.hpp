#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "results/store/run.hpp"

namespace lab {

// A checksum says that a record is as somebody wrote it. These say what no writer of ours writes: a student
// hands in a file, and all that reads it further on may rely on its indices, counts and times.

/// What of it cannot be, as `planned_repetitions 4294967295`; empty where all can.
std::string impossible(const RunHeader& header);
std::string impossible(const RepetitionFacts& facts);

/// Looks at the requests and events of one repetition, each in their order in the file: ids and times out of
/// order or far from the run cannot be nor, where the scenario is known, indices that it does not have.
class EntryCheck {
 public:
  EntryCheck(const RepetitionFacts& repetition, const Scenario* scenario);
  /// What is wrong with it, or empty.
  std::string check(const RequestRecord& record);
  std::string check(const Event& event);

 private:
  bool is_near(Nanos time) const;

  Nanos began_;
  std::size_t routes_ = SIZE_MAX, loads_ = SIZE_MAX;
  std::uint32_t last_id_ = 0;
  Nanos last_event_ = 0;
};

/// What was left out of a repetition.
struct ImpossibleEntries {
  std::size_t requests = 0, events = 0;
  std::string first;  ///< which one, and why; empty where none was
};

/// Leaves out requests and events that cannot be.
ImpossibleEntries drop_impossible(RunRepetition& repetition, const Scenario* scenario);

}  // namespace lab
