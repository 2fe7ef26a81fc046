#include "lab/cli/verify.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <set>

#include "lab/core/process.hpp"
#include "lab/core/text.hpp"
#include "lab/servers/mode.hpp"
#include "results/report/verify_report.hpp"
#include "scenarios/loader/loader.hpp"

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

std::string words(const Measure& measure) {
  return measure.scenario + "/" + measure.engine + "/" + measure.arm + "/" + measure.case_id + "/" +
         to_string(measure.stat);
}

/// A result in which every claim was found as expected, but the first, which differs, and the second, which
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

TEST_CASE("no limit is looser than the words of its claim") {
  const struct {
    const char* words;
    double least, most;
  } said[] = {
      {"twice as fast", 0.42, 0.58}, {"hardly longer", 1, 1.25}, {"three take as long as one.", 1, 1.25},
      {"little more", 1, 1.5},       {"gain nothing", 0.9, 1},   {"do not speed up", 0.9, 1}};
  const ClaimsFile file = shipped_claims();
  for (const auto& one : said) {
    int claims = 0;
    for (const Claim& claim : file.claims) {
      if (claim.text.find(one.words) == std::string::npos) continue;
      const Condition& test = claim.tests.front();
      INFO(claim.id << ": " << one.words << ", " << describe(test));
      CHECK(test.times * (1 - test.within) >= one.least);
      CHECK(test.times * (1 + test.within) <= one.most);
      ++claims;
    }
    INFO(one.words);
    CHECK(claims > 0);
  }
}

TEST_CASE("the figures that claims and scenarios quote are rows of the documents' log") {
  const ClaimsFile file = shipped_claims();
  const auto has_row = [&](auto is) { return std::any_of(file.log.begin(), file.log.end(), is); };
  int quoted = 0;
  for (const Claim& claim : file.claims) {
    const Condition& test = claim.tests.front();
    if (!test.value || test.relation != Relation::about || !test.left.stat.is_time()) continue;
    INFO(claim.id);
    CHECK(has_row(
        [&](const LogRow& row) { return row.document == claim.document && row.value == *test.value; }));
    ++quoted;
  }
  CHECK(quoted >= 8);
  for (const std::string& name : scenario_names()) {
    const Scenario scenario = load_scenario(name, known_modes()).value();
    for (const Arm& arm : scenario.arms) {
      for (const Documented& figure : arm.documented) {
        INFO(name << ", " << arm.id << ": " << figure.text);
        CHECK(has_row([&](const LogRow& row) {
          const Measure& measure = row.measure;
          return measure.scenario == name && measure.arm == arm.id && measure.stat == figure.stat &&
                 (figure.case_id.empty() || figure.case_id == measure.case_id) && row.value == figure.value;
        }));
        ++quoted;
      }
    }
  }
  CHECK(quoted >= 16);
}

TEST_CASE("every claim names the engines that decide it, in each form of the report") {
  const ClaimsFile file = shipped_claims();
  const VerifyResult result = made_up(file);
  TextStyle wide;
  wide.width = 400;
  const std::string text = verify_text(file, result, wide, false);
  const std::string csv = verify_csv(result);
  const std::string markdown = verify_markdown(result);
  for (const Claim& claim : file.claims) {
    const bool mixed = claim.id == "D0-threads-for-cpu";
    const std::string engines = mixed ? "C++ and FastAPI" : claim.about_fastapi ? "FastAPI" : "C++";
    INFO(claim.id);
    CHECK(text.find(claim.id + ", " + claim.section + "; decided on " + engines + "\n") != std::string::npos);
  }
  CHECK(csv.starts_with("claim,document,section,statement,decided on,found,on record,figures\n"));
  CHECK(csv.find("\nD2.9-async-0.03,D2,part 9,") != std::string::npos);
  CHECK(markdown.starts_with("| claim | document | section | statement | decided on | found |"));
}

TEST_CASE("one run per scenario and engine serves all of its claims, with no pair of arm and case twice") {
  const ClaimsFile file = shipped_claims();
  std::vector<std::string> asked;
  for (const Claim& claim : file.claims) {
    for (const Condition* condition : claim.conditions()) {
      asked.push_back(words(condition->left));
      if (condition->right) asked.push_back(words(*condition->right));
    }
  }
  std::set<std::pair<std::string, std::string>> batches;
  std::vector<std::string> planned;
  for (const VerifyBatch& batch : plan_batches(file, all_of(file), {})) {
    CHECK(batches.emplace(batch.scenario, batch.engine).second);
    for (const Measure& measure : batch.measures) {
      CHECK((measure.scenario == batch.scenario && measure.engine == batch.engine));
      planned.push_back(words(measure));
    }
  }
  std::sort(planned.begin(), planned.end());
  std::sort(asked.begin(), asked.end());
  CHECK(asked.size() > planned.size());  // several claims share a measure
  asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
  CHECK(planned == asked);
}

TEST_CASE("a scenario is scaled as asked, but never below what its claims bear") {
  const ClaimsFile file = shipped_claims();
  VerifyOptions options;
  for (const double scale : {0.1, 0.5, 2.0}) {
    options.scale = scale;
    for (const VerifyBatch& batch : plan_batches(file, all_of(file), options)) {
      INFO(batch.scenario);
      const auto needs = file.runs.find(batch.scenario);
      const RunNeeds need = needs == file.runs.end() ? RunNeeds{} : needs->second;
      CHECK(batch.scale == (need.least_scale > scale ? need.least_scale : scale));
      CHECK(batch.cores == need.cores);
    }
  }
}

TEST_CASE("the sum counts each claim once: as expected, differing, or inconclusive") {
  const ClaimsFile file = shipped_claims();
  const VerifyResult result = made_up(file);
  const std::size_t counted = result.count(ClaimFinding::verified) + result.count(ClaimFinding::refuted) +
                              result.count(ClaimFinding::qualified) + result.differing().size() +
                              result.undecided().size();
  CHECK(counted == file.claims.size());
  CHECK(result.differing().size() == 1);
  CHECK(result.undecided().size() == 1);
}

TEST_CASE("what a recording decided counts as recorded, not as verified, refuted or qualified") {
  const ClaimsFile file = shipped_claims();
  VerifyResult result = made_up(file);
  const auto measured = [&] {
    return result.count(ClaimFinding::verified) + result.count(ClaimFinding::refuted) +
           result.count(ClaimFinding::qualified);
  };
  const std::size_t before = measured();
  CHECK(result.recorded() == 0);
  for (const std::size_t claim : {0, 1, 2, 3}) result.claims[claim].checks.front().recorded = true;
  CHECK(result.recorded() == 2);  // the first differs, the second is undecided
  CHECK(measured() == before - 2);
  TextStyle wide;
  wide.width = 400;
  const std::string text = verify_text(file, result, wide, false);
  CHECK(text.find("2 decided by recordings, not here") != std::string::npos);
  CHECK(text.find("\nrecorded     " + file.claims[2].id) != std::string::npos);
  CHECK(verify_json(result).find("\"recorded\":2,") != std::string::npos);
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
