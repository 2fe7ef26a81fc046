#pragma once

#include <boost/describe.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/error.hpp"
#include "results/render/page.hpp"

namespace lab {

/// What a finding means and what to do about it: an entry of results/findings.toml.
struct FindingEntry {
  /// Where to see it.
  struct Shown {
    std::string scenario, sick, sick_case;
    std::string healthy, healthy_case;  ///< the arm beside it that is well; empty: there is none
    std::string command;                ///< that shows it
    static constexpr std::string_view kMayLack = "sick_case healthy healthy_case command";
  };
  std::string id, title;
  std::string what;                       ///< the queue, or the promise that was broken
  std::string seen;                       ///< from which events, stats or records
  std::vector<std::string> cpp, fastapi;  ///< what to do, lines of code
  Shown shown;
};
BOOST_DESCRIBE_STRUCT(FindingEntry::Shown, (), (scenario, sick, sick_case, healthy, healthy_case, command))
BOOST_DESCRIBE_STRUCT(FindingEntry, (), (id, title, what, seen, cpp, fastapi, shown))

/// An arm that must show these findings, and no other one but those that it shows perhaps. Every arm that is
/// not listed must show none.
struct SickArm {
  std::string scenario, arm, case_id;                  ///< no case: every case
  std::vector<std::string> findings;                   ///< at full length
  std::optional<std::vector<std::string>> at_a_tenth;  ///< with --scale 0.1; none: the same
  std::vector<std::string> perhaps;  ///< left to chance, or near the limit from which it is reported
  static constexpr std::string_view kMayLack = "case at_a_tenth perhaps";

  const std::vector<std::string>& tenth() const { return at_a_tenth ? *at_a_tenth : findings; }
};
BOOST_DESCRIBE_STRUCT(SickArm, (), (scenario, arm, case_id, findings, at_a_tenth, perhaps))

/// results/findings.toml as it was when the program was built.
extern const std::string_view kFindingsText;
/// What is known of the findings.
struct FindingBook {
  struct Arms {
    std::vector<SickArm> sick;
  };
  std::vector<FindingEntry> finding;
  Arms arms;

  /// LAB101, lab101 or 101. Throws Failure naming the nearest one.
  const FindingEntry& find(const std::string& id) const;
};
BOOST_DESCRIBE_STRUCT(FindingBook::Arms, (), (sick))
BOOST_DESCRIBE_STRUCT(FindingBook, (), (finding, arms))

const FindingBook& finding_book();

/// The book from its TOML text. Throws Failure where something is missing.
FindingBook read_finding_book(std::string_view toml);

std::string explain_as_text(const FindingBook& book, const FindingEntry& entry, const TextStyle& style);
std::string list_findings(const FindingBook& book, const TextStyle& style);
/// One JSON document with these entries, schema lab.explain/1.
std::string explain_as_json(const FindingBook& book, const std::vector<const FindingEntry*>& entries);

}  // namespace lab
