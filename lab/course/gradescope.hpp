#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lab/core/error.hpp"

namespace lab {

/// What Gradescope runs: this program, the scenario, and who is asked what.
struct AutograderPackage {
  std::string scenario;                            ///< a name or a path
  std::vector<std::string> only{};                 ///< question ids; empty: all
  std::string secret{};                            ///< empty: everybody has the same problem
  std::optional<std::filesystem::path> program{};  ///< a statically linked lab; none: this program
  bool show_answers = false;
};

/// Writes the zip: setup.sh, run_autograder, bin/lab and what it needs. An existing file is replaced whole.
/// Throws Failure: the program is not statically linked (exit 2), the file cannot be written (exit 3).
void write_autograder(const std::filesystem::path& out, const AutograderPackage& package);

/// What a student handed in, as Gradescope lays it out below /autograder.
struct Submission {
  std::filesystem::path answers, run;  ///< `run` may be empty
  std::vector<std::string> students;   ///< e-mail, sid, id and name of each who hands in

  /// Nobody hands in another student's variant. Throws Failure (exit 2).
  void check_student(const std::string& id) const;
};

/// Finds the one lab.answers/1 file and the run.jsonl in DIR/submission; reads DIR/submission_metadata.json.
/// Throws Failure (exit 2).
Submission find_submission(const std::filesystem::path& folder);

/// Writes DIR/results/results.json. Throws Failure (exit 3).
void write_results(const std::filesystem::path& folder, const std::string& json);

}  // namespace lab
