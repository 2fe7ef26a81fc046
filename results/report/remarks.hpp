#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/core/scenario.hpp"
#include "results/report/report.hpp"
#include "results/store/run.hpp"

namespace lab {

/// What the scenario's file has besides what options left of it.
struct WholeFile {
  std::vector<Arm> arms;       ///< all of them, as written
  bool next_is_known = false;  ///< there is a scenario of the name that comes next
};

/// The sentences under the table: WHY, LOG, NOTE, GUESS, WARN, NEXT.
std::vector<Note> make_remarks(const Scenario& scenario, const WholeFile& file,
                               const std::vector<ArmReport>& arms, const Run& run,
                               const std::vector<Guess>& guesses);

/// Whether a text of the scenario's file is about an arm that options or engines left out of the table: it
/// names it (`workers-4`; a plain word such as `one` is no name), or its documented figure (`0.03`). `ours`:
/// only rows of our own servers and of the model count, of which the file's notes speak.
bool speaks_of_absent(const std::string& text, const std::vector<Arm>& written,
                      const std::vector<ArmReport>& arms, bool ours);

/// The sentence that answers the scenario's question, with the medians of this run in it, of our own servers
/// where they ran; in a prediction the model's. Nothing where a figure is missing, as with fewer arms,
/// or cannot be.
std::optional<std::string> answer_sentence(const Conclusion& answer, const std::vector<ArmReport>& arms);

/// What a scenario's `trace` asks for besides its table, from the first repetition of each arm and case: the
/// loop step by step in words (`cycle`), or a span for each hop of a request (`path`, medians over the
/// repetitions). Nothing for scenarios without a trace.
std::vector<Note> notes_of_trace(const Scenario& scenario, const Run& run);

/// What stands under the table, in its order: the report's own notes, findings that none of them speaks of
/// yet, and checks, of which those that hold are printed only where they were asked for.
std::vector<Note> all_notes(const Report& report);

/// Those that are read first: the answer, what comes next, guesses, what changes a conclusion, and checks
/// that were asked for; where they were not, one warning sums up those that do not hold.
std::vector<Note> first_notes(const Report& report);

}  // namespace lab
