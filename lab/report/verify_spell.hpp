#pragma once

#include <string>
#include <vector>

#include "lab/report/verify.hpp"
#include "results/report/export.hpp"

namespace lab {

/// `async-loop: makespan about 30 ms (±20 %)`: what a condition demands.
std::string describe(const Condition& condition);

/// The claims grouped by document, each with what was measured, then the sum and what is left open.
/// `details` adds why and the command that shows it.
std::string verify_text(const ClaimsFile& file, const VerifyResult& result, const TextStyle& style,
                        bool details);

/// One document: {"schema": "lab.verify/1", …}.
std::string verify_json(const VerifyResult& result);

/// What would be run and what is on record, without running it.
std::string list_text(const ClaimsFile& file, const std::vector<const Claim*>& claims,
                      const TextStyle& style);
std::string list_json(const std::vector<const Claim*>& claims);

/// results/claims.md.
std::string claims_page(const ClaimsFile& file);

}  // namespace lab
