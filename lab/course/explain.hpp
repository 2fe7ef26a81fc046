#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/core/error.hpp"

namespace lab {

/// What a finding means and what to do about it: an entry of results/findings.toml.
struct FindingEntry {
  std::string id, title;
  std::string what;                       ///< the queue, or the promise that was broken
  std::string seen;                       ///< from which events, stats or records
  std::vector<std::string> cpp, fastapi;  ///< what to do, lines of code
  std::string scenario, sick, sick_case;  ///< where to see it
  std::string healthy, healthy_case;      ///< the arm beside it that is well; empty: there is none
  std::string command;                    ///< that shows it
};

/// An arm that must show these findings, and no other one but those that it shows perhaps. Every arm that is
/// not listed must show none.
struct SickArm {
  std::string scenario, arm, case_id;          ///< no case: every case
  std::vector<std::string> findings;           ///< at full length
  std::vector<std::string> findings_at_tenth;  ///< with --scale 0.1
  std::vector<std::string> perhaps;            ///< left to chance, or near the limit from which it is told
};

/// What is known of the findings, as it was when the program was built.
struct FindingBook {
  std::vector<FindingEntry> entries;
  std::vector<SickArm> sick_arms;

  /// LAB101, lab101 or 101; the error names the nearest one.
  Result<const FindingEntry*> find(const std::string& id) const;
};

const FindingBook& finding_book();

/// The book from its TOML text. Throws Failure where something is missing.
FindingBook read_finding_book(std::string_view toml);

/// For a terminal, 80 columns wide.
std::string explain_as_text(const FindingBook& book, const FindingEntry& entry, bool ascii);
std::string list_findings(const FindingBook& book, bool ascii);
/// One JSON document with these entries, schema lab.explain/1.
std::string explain_as_json(const FindingBook& book, const std::vector<const FindingEntry*>& entries);

}  // namespace lab
