#pragma once

#include <string>
#include <vector>

#include "harness/analysis/claim_check.hpp"
#include "results/render/page.hpp"

namespace lab {

/// How long one batch took, in seconds of wall time.
struct BatchTime {
  std::string scenario, engine;
  bool again = false;
  double seconds = 0;
};

struct VerifyResult {
  std::vector<ClaimCheck> claims;  ///< in the order of the file; interrupted: those that were decided
  std::size_t not_decided = 0;     ///< of those that were asked for, when it was interrupted
  double scale = 0.1;
  int repetitions = 3;
  std::vector<std::string> noise;  ///< of the runs that were not quiet: `gil: noisy: …`
  std::vector<BatchTime> times;    ///< of every run
  double seconds = 0;
  bool interrupted = false;

  std::vector<std::string> differing() const;  ///< ids of claims
  std::vector<std::string> undecided() const;
  /// Claims whose finding is this and is the one on record, measured here.
  std::size_t count(ClaimFinding finding) const;
  /// Claims as on record that recordings of FastAPI decided.
  std::size_t recorded() const;
};

/// `async-loop: makespan about 30 ms (±20 %)`: what a condition demands.
std::string describe(const Condition& condition);

/// The claims grouped by document, each with what was measured, then the sum and what is left open.
/// `details` adds why and the command that shows it.
std::string verify_text(const ClaimsFile& file, const VerifyResult& result, const TextStyle& style,
                        bool details);

/// One document: {"schema": "lab.verify/1", …}.
std::string verify_json(const VerifyResult& result);
/// A row for each claim, with the engine that decided it and its figures.
std::string verify_csv(const VerifyResult& result);
std::string verify_markdown(const VerifyResult& result);

/// What would be run and what is on record, without running it.
std::string list_text(const ClaimsFile& file, const std::vector<const Claim*>& claims,
                      const TextStyle& style);
std::string list_json(const std::vector<const Claim*>& claims);

/// results/claims.md.
std::string claims_page(const ClaimsFile& file);

/// The documents: title, what each contributes, how much of it is tested and by which experiments.
Table documents_table(const ClaimsFile& file);
std::string documents_text(const ClaimsFile& file, const TextStyle& style);
std::string documents_json(const ClaimsFile& file);  ///< lab.documents/1

}  // namespace lab
