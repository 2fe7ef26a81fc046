#include "lab/verify.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "lab/core/paths.hpp"
#include "lab/verbs/verbs.hpp"
#include "lab/verify_spell.hpp"
#include "results/utf8.hpp"

using namespace lab;

namespace {

ClaimsFile shipped_claims() {
  ClaimsFile file = load_claims().value();
  settle_claims(file, known_modes()).value();
  return file;
}

std::vector<const Claim*> all_of(const ClaimsFile& file) {
  std::vector<const Claim*> claims;
  for (const Claim& claim : file.claims) claims.push_back(&claim);
  return claims;
}

/// A result in which every claim was found as on record, but the first, which differs, and the second, which
/// is undecided.
VerifyResult made_up(const ClaimsFile& file) {
  VerifyResult result;
  for (const Claim& claim : file.claims) {
    ClaimCheck check = check_claim(claim, Readings{});
    check.finding = static_cast<ClaimFinding>(claim.outcome);
    result.claims.push_back(std::move(check));
  }
  result.claims[0].finding = result.claims[0].claim->outcome == ClaimOutcome::verified
                                 ? ClaimFinding::refuted
                                 : ClaimFinding::verified;
  result.claims[1].finding = ClaimFinding::inconclusive;
  return result;
}

}  // namespace

TEST_CASE("the page of claims is what the data gives: lab verify --page > results/claims.md") {
  std::ifstream page(checkout_root().value() / "results" / "claims.md");
  const std::string committed{std::istreambuf_iterator<char>(page), {}};
  const bool current = committed == claims_page(shipped_claims());
  CHECK(current);
}

TEST_CASE("one run per scenario and engine serves all of its claims, with no pair of arm and case twice") {
  const ClaimsFile file = shipped_claims();
  const std::vector<VerifyBatch> batches = plan_batches(file, all_of(file), {});
  std::set<std::pair<std::string, std::string>> seen;
  std::size_t measures = 0;
  for (const VerifyBatch& batch : batches) {
    CHECK(seen.emplace(batch.scenario, batch.engine).second);
    CHECK(batch.pairs().size() <= batch.measures.size());
    measures += batch.measures.size();
  }
  std::size_t conditions = 0;
  for (const Claim& claim : file.claims) conditions += claim.conditions().size();
  CHECK(measures < conditions * 2);
}

TEST_CASE("a scenario is never scaled below what its claims bear") {
  const ClaimsFile file = shipped_claims();
  VerifyOptions options;
  for (const double scale : {0.1, 0.5, 2.0}) {
    options.scale = scale;
    for (const VerifyBatch& batch : plan_batches(file, all_of(file), options)) {
      INFO(batch.scenario);
      CHECK(batch.scale >= scale);
      const auto needs = file.runs.find(batch.scenario);
      if (needs != file.runs.end()) CHECK(batch.scale >= needs->second.least_scale);
    }
  }
}

TEST_CASE("the sum counts each claim once: as on record, differing, or inconclusive") {
  const ClaimsFile file = shipped_claims();
  const VerifyResult result = made_up(file);
  const std::size_t counted = result.count(ClaimFinding::verified) + result.count(ClaimFinding::refuted) +
                              result.count(ClaimFinding::qualified) + result.differing().size() +
                              result.undecided().size();
  CHECK(counted == file.claims.size());
  CHECK(result.differing().size() == 1);
  CHECK(result.undecided().size() == 1);
}

TEST_CASE("the text fits 80 columns, names every claim and what differs; with ascii it is ascii") {
  const ClaimsFile file = shipped_claims();
  const VerifyResult result = made_up(file);
  for (const bool ascii : {false, true}) {
    TextStyle style;
    style.ascii = ascii;
    const std::string text = verify_text(file, result, style, true) + list_text(file, all_of(file), style);
    std::size_t begin = 0;
    while (begin < text.size()) {
      const std::size_t end = text.find('\n', begin);
      const std::string line = text.substr(begin, end - begin);
      INFO(line);
      CHECK(columns(line) <= 80);
      if (ascii) CHECK(columns(line) == line.size());
      begin = end + 1;
    }
    for (const Claim& claim : file.claims) CHECK(text.find(claim.id) != std::string::npos);
    CHECK(text.find("differing: " + file.claims[0].id) != std::string::npos);
    CHECK(text.find("inconclusive: " + file.claims[1].id) != std::string::npos);
  }
}
