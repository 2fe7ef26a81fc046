#include "harness/analysis/claim_check.hpp"

#include <catch2/catch.hpp>

using namespace lab;

namespace {

Measure measure(const std::string& arm) {
  return {"ten", "native", arm, "main", Stat{}};
}

Condition against_value(Relation relation, double value, double within = 0) {
  Condition condition;
  condition.left = measure("async");
  condition.relation = relation;
  condition.value = value;
  condition.within = within;
  return condition;
}

Condition against_arm(Relation relation, double times) {
  Condition condition;
  condition.left = measure("async");
  condition.relation = relation;
  condition.times = times;
  condition.right = measure("blocking");
  return condition;
}

/// What a run at that scale left of the two arms.
Readings readings(std::vector<double> async, std::vector<double> blocking = {1.0, 1.0, 1.01},
                  double scale = 1) {
  Readings all;
  all.set(measure("async"), {std::move(async), "", "", false});
  all.set(measure("blocking"), {std::move(blocking), "", "", false});
  all.set("ten", "native", {scale, {{"d", 100 * kMillisecond}}});
  return all;
}

Truth truth(const Condition& condition, const Readings& all) {
  return check_condition(condition, all).truth;
}

Claim claim(std::vector<Condition> tests, std::vector<Condition> exceptions, ClaimOutcome outcome) {
  Claim claim;
  claim.id = "D2-a";
  claim.tests = std::move(tests);
  claim.exceptions = std::move(exceptions);
  claim.outcome = outcome;
  return claim;
}

const Condition kBelow = against_value(Relation::below, 0.2);
const Condition kAbove = against_value(Relation::above, 0.2);

}  // namespace

TEST_CASE(
    "on a busy machine what agrees with the record is as inconclusive as what differs, and both are run "
    "again") {
  for (const std::vector<double>& times : {std::vector{0.3, 0.31, 0.32}, std::vector{0.1, 0.11, 0.12}}) {
    for (const ClaimOutcome on_record : {ClaimOutcome::verified, ClaimOutcome::refuted}) {
      Readings all = readings(times);
      const Claim claim = ::claim({kBelow}, {}, on_record);
      const ClaimCheck quiet = check_claim(claim, all);
      CHECK(quiet.finding == (times[0] < 0.2 ? ClaimFinding::verified : ClaimFinding::refuted));
      CHECK(quiet.worth_repeating() == !quiet.as_recorded());
      all.set(measure("async"), {.values = times, .disturbed = "others took half of the cores"});
      const ClaimCheck busy = check_claim(claim, all);
      CHECK(busy.finding == ClaimFinding::inconclusive);
      CHECK(busy.checks.front().reason == "others took half of the cores");
      CHECK(busy.worth_repeating());
    }
  }
}

TEST_CASE("a claim that hangs on a recording is decided by it, but not measured here") {
  Readings all = readings({0.1, 0.11, 0.12});
  CHECK_FALSE(check_claim(claim({kBelow}, {}, ClaimOutcome::verified), all).by_recording());
  Reading recorded = all.get(measure("blocking"));
  recorded.recorded = true;
  all.set(measure("blocking"), recorded);
  const ClaimCheck check =
      check_claim(claim({kBelow, against_arm(Relation::below, 0.2)}, {}, ClaimOutcome::verified), all);
  CHECK(check.finding == ClaimFinding::verified);
  CHECK(check.by_recording());
  CHECK_FALSE(check.checks[0].recorded);
  CHECK(check.checks[1].recorded);
  recorded.absent = "gone";
  all.set(measure("blocking"), recorded);
  CHECK_FALSE(check_claim(claim({against_arm(Relation::below, 0.2)}, {}, ClaimOutcome::verified), all)
                  .by_recording());
}

TEST_CASE("another run adds its repetitions, or stands in for one that was of no use") {
  Readings all = readings({0.1, 0.11, 0.3});
  CHECK(truth(kBelow, all) == Truth::undecided);
  all.add(measure("async"), {.values = {0.1, 0.1, 0.11, 0.12, 0.12, 0.12}});
  CHECK(all.get(measure("async")).values.size() == 9);
  CHECK(truth(kBelow, all) == Truth::holds);  // one outlier of nine
  all.set(measure("async"), {.values = {0.3, 0.3, 0.3}, .disturbed = "others"});
  all.add(measure("async"), {.values = {0.1, 0.11, 0.12}});
  CHECK(all.get(measure("async")).values.size() == 3);
  CHECK(truth(kBelow, all) == Truth::holds);
  all.add(measure("async"), {.values = {0.5}, .disturbed = "others"});
  CHECK(truth(kBelow, all) == Truth::holds);
}

TEST_CASE("a condition holds or fails only where all repetitions agree") {
  CHECK(truth(kBelow, readings({0.10, 0.11, 0.12})) == Truth::holds);
  CHECK(truth(kBelow, readings({0.30, 0.31, 0.32})) == Truth::fails);
  CHECK(truth(kBelow, readings({0.10, 0.11, 0.32})) == Truth::undecided);
  CHECK(truth(kAbove, readings({0.30, 0.31, 0.32})) == Truth::holds);
  CHECK(truth(kAbove, readings({0.10, 0.11, 0.12})) == Truth::fails);
  CHECK(truth(kAbove, readings({0.10, 0.31, 0.32})) == Truth::undecided);
}

TEST_CASE("about is a band around the figure, whose edge must not be crossed") {
  const Condition about = against_value(Relation::about, 0.12, 0.2);
  CHECK(truth(about, readings({0.103, 0.104, 0.105})) == Truth::holds);
  CHECK(truth(about, readings({0.09, 0.093, 0.094})) == Truth::fails);
  CHECK(truth(about, readings({0.15, 0.16, 0.17})) == Truth::fails);
  CHECK(truth(about, readings({0.09, 0.10, 0.11})) == Truth::undecided);
}

TEST_CASE("the edge of a band belongs to it, and nought equals nought") {
  const Condition about = against_value(Relation::about, 100, 0.5);
  CHECK(truth(about, readings({50, 60, 150})) == Truth::holds);
  CHECK(truth(about, readings({40, 45, 50})) == Truth::undecided);
  CHECK(truth(about, readings({150, 155, 160})) == Truth::undecided);
  CHECK(truth(against_value(Relation::equals, 0), readings({0, 0, 0})) == Truth::holds);
}

TEST_CASE("a figure of the documents shrinks with the scale of the run, a count does not") {
  const Condition about = against_value(Relation::about, 1.1, 0.2);
  CHECK(truth(about, readings({0.11, 0.11, 0.12}, {}, 0.1)) == Truth::holds);
  Condition threads = against_value(Relation::equals, 10);
  threads.left.stat = parse_stat("server.threads").value();
  Readings all = readings({}, {}, 0.1);
  all.set(threads.left, {{10, 10, 10}, "", "", false});
  CHECK(truth(threads, all) == Truth::holds);
  all.set(threads.left, {{10, 10, 11}, "", "", false});
  CHECK(truth(threads, all) == Truth::undecided);
  all.set(threads.left, {{11, 12, 11}, "", "", false});
  CHECK(truth(threads, all) == Truth::fails);
}

TEST_CASE("a parameter is the run's own, already scaled") {
  Condition of_d = against_value(Relation::below, 0);
  of_d.value.reset();
  of_d.param = "d";
  of_d.times = 1.5;
  CHECK(truth(of_d, readings({0.10, 0.11, 0.12}, {}, 0.1)) == Truth::holds);
  CHECK(truth(of_d, readings({0.16, 0.17, 0.18}, {}, 0.1)) == Truth::fails);
  of_d.param = "e";
  CHECK(truth(of_d, readings({0.10, 0.11, 0.12})) == Truth::undecided);
}

TEST_CASE("two arms are compared at the ends of both spreads that favour the claim least") {
  const Condition ratio = against_arm(Relation::below, 0.2);
  CHECK(truth(ratio, readings({0.10, 0.11, 0.12})) == Truth::holds);
  CHECK(truth(ratio, readings({0.10, 0.11, 0.12}, {0.3, 1.0, 1.0})) == Truth::undecided);
  CHECK(truth(ratio, readings({0.10, 0.11, 0.12}, {0.3, 0.3, 0.4})) == Truth::fails);
}

TEST_CASE(
    "a phase in which the machine was slow is seen in both arms, and the ratio of each repetition decides") {
  const Condition ratio = against_arm(Relation::below, 0.2);
  CHECK(truth(ratio, readings({0.10, 0.20, 0.10}, {0.7, 1.4, 0.7})) == Truth::holds);
  CHECK(truth(ratio, readings({0.10, 0.20, 0.10}, {1.4, 0.7, 0.7})) == Truth::undecided);
  CHECK(truth(ratio, readings({0.10, 0.20, 0.10}, {0.4, 0.9, 0.4})) == Truth::fails);
  CHECK(truth(ratio, readings({0.10, 0.20, 0.10}, {0.7, 1.4})) == Truth::undecided);
  Condition about = against_arm(Relation::about, 0.25);
  about.within = 0.1;
  CHECK(truth(about, readings({0.10, 0.20, 0.10}, {0.4, 0.8, 0.4})) == Truth::holds);
}

TEST_CASE(
    "from six repetitions on the interval of the median decides, so that one outlier of nine does not") {
  CHECK(truth(kBelow, readings({0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.9})) == Truth::holds);
  CHECK(truth(kBelow, readings({0.1, 0.1, 0.1, 0.1, 0.1, 0.9})) == Truth::undecided);
}

TEST_CASE("fewer than three repetitions decide nothing") {
  const ConditionCheck check = check_condition(kBelow, readings({0.1, 0.1}));
  CHECK(check.truth == Truth::undecided);
  CHECK(check.reason.find("at least 3") != std::string::npos);
}

TEST_CASE("what was not run is undecided with its reason and never counts as agreeing") {
  Readings none;
  none.set(measure("async"), {{}, "python3-fastapi is missing", "", false});
  const Claim one = claim({kBelow}, {}, ClaimOutcome::verified);
  const ClaimCheck check = check_claim(one, none);
  CHECK(check.finding == ClaimFinding::inconclusive);
  CHECK_FALSE(check.as_recorded());
  CHECK_FALSE(check.worth_repeating());
  CHECK(check.checks.at(0).reason == "python3-fastapi is missing");
}

TEST_CASE(
    "readings that others disturbed decide nothing, however clear they look, and are worth another run") {
  Readings all = readings({0.30, 0.31, 0.32});
  all.set(measure("async"), {{0.30, 0.31, 0.32}, "", "others took 60 % of the cores meanwhile", false});
  const ClaimCheck check = check_claim(claim({kBelow}, {}, ClaimOutcome::verified), all);
  CHECK(check.finding == ClaimFinding::inconclusive);
  CHECK(check.worth_repeating());
  CHECK(truth(against_arm(Relation::below, 0.2), all) == Truth::undecided);
}

TEST_CASE("verified, refuted and qualified follow from tests and exceptions") {
  const Readings fast = readings({0.10, 0.11, 0.12});
  const auto finding = [&](std::vector<Condition> tests, std::vector<Condition> exceptions) {
    return check_claim(claim(std::move(tests), std::move(exceptions), ClaimOutcome::verified), fast).finding;
  };
  CHECK(finding({kBelow}, {}) == ClaimFinding::verified);
  CHECK(finding({kAbove}, {}) == ClaimFinding::refuted);
  CHECK(finding({kBelow, kAbove}, {}) == ClaimFinding::refuted);
  CHECK(finding({kBelow}, {kAbove}) == ClaimFinding::qualified);
  CHECK(finding({kBelow}, {kBelow}) == ClaimFinding::verified);
  CHECK(finding({kAbove}, {kAbove}) == ClaimFinding::refuted);
}

TEST_CASE("a spread across the limit is worth another run") {
  const ClaimCheck check =
      check_claim(claim({kBelow}, {}, ClaimOutcome::verified), readings({0.1, 0.1, 0.3}));
  CHECK(check.finding == ClaimFinding::inconclusive);
  CHECK(check.worth_repeating());
}

TEST_CASE("an outcome that is not the one on record differs") {
  const Claim recorded = claim({kBelow}, {}, ClaimOutcome::refuted);
  const ClaimCheck check = check_claim(recorded, readings({0.10, 0.11, 0.12}));
  CHECK(check.finding == ClaimFinding::verified);
  CHECK_FALSE(check.as_recorded());
}

TEST_CASE("a recording read twice is no more repetitions than it holds") {
  Readings all = readings({0.1, 0.2, 0.3});
  Reading recorded = all.get(measure("async"));
  recorded.recorded = true;
  all.set(measure("async"), recorded);
  all.add(measure("async"), recorded);
  CHECK(all.get(measure("async")).values.size() == 3);
}
