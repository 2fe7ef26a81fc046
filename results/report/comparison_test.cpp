#include "results/report/comparison.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

namespace lab {
namespace {

ArmReport arm(const std::string& id, std::vector<double> makespans) {
  ArmReport report;
  report.arm = id;
  report.case_id = "main";
  report.engine.kind = kNative;
  report.repetitions = static_cast<int>(makespans.size());
  MeasureRow row;
  std::vector<double> sorted = makespans;
  std::sort(sorted.begin(), sorted.end());
  row.measured = Estimate{sorted[sorted.size() / 2], {}, {}, std::move(makespans)};
  report.measures = {row};
  report.books.planned = report.books.sent = report.books.ok = 10;
  return report;
}

ReportedRun reported(std::vector<ArmReport> arms) {
  ReportedRun run;
  run.scenario.name = run.run.header.scenario = "blocking-async";
  run.scenario.cases.push_back({"main", {}, {}});
  run.report.arms = std::move(arms);
  run.report.headline = {Stat{}};
  run.run.summary.noise = "quiet";
  return run;
}

const std::vector<double> kBefore{1.001, 1.002, 1.003, 1.004, 1.005, 1.006};
const std::vector<double> kAfter{1.101, 1.102, 1.103, 1.104, 1.105, 1.106};
const std::vector<double> kJustAfter{1.007, 1.008, 1.009, 1.010, 1.011, 1.012};
const std::vector<double> kMixed{1.0015, 1.0025, 1.0035, 1.0005, 1.0055, 1.0045};

TEST_CASE("six repetitions that do not overlap are slower, with the interval of the shift") {
  const auto report = compare_runs(reported({arm("a", kBefore)}), reported({arm("a", kAfter)}), {}).value();
  REQUIRE(report.rows.size() == 1);
  CHECK(report.rows[0].verdict == CompareVerdict::slower);
  CHECK(report.rows[0].shift.estimate == Approx(0.1));
  CHECK(report.rows[0].shift.low.value() < 0.1);
  CHECK(report.rows[0].shift.high.value() > 0.1);
  CHECK(report.slower);
  const auto back = compare_runs(reported({arm("a", kAfter)}), reported({arm("a", kBefore)}), {}).value();
  CHECK(back.rows[0].verdict == CompareVerdict::faster);
  CHECK_FALSE(back.slower);
}

TEST_CASE("on a narrow terminal p goes first, the interval below its row, and the verdict stays") {
  const auto report = compare_runs(reported({arm("thread-per-request", kBefore)}),
                                   reported({arm("thread-per-request", kAfter)}), {})
                          .value();
  const auto page = [&](int width) {
    TextStyle style;
    style.width = width;
    return comparison_text(report, style);
  };
  const auto lost_at = [&](const char* what) {
    int width = 120;
    while (width > 40 && page(width).find(what) != std::string::npos) --width;
    return width;
  };
  CHECK(lost_at("   p  ") > 40);
  CHECK(lost_at("95 %") == 40);
  CHECK(page(80).find("95 %: ") == std::string::npos);
  CHECK(page(46).find("\n  95 %: +") != std::string::npos);
  CHECK(lost_at("slower") < 46);
}

TEST_CASE("how it was judged speaks of p where the table has it, and of the verdict where it has not") {
  const auto report = compare_runs(reported({arm("thread-per-request", kBefore)}),
                                   reported({arm("thread-per-request", kAfter)}), {})
                          .value();
  for (const int width : {64, 110}) {
    TextStyle style;
    style.width = width;
    const std::string page = comparison_text(report, style);
    CHECK((page.find("p is Mann") != std::string::npos) == (width == 110));
    CHECK((page.find("   p  ") != std::string::npos) == (width == 110));
  }
}

TEST_CASE("values that mix show no difference") {
  const auto report = compare_runs(reported({arm("a", kBefore)}), reported({arm("a", kMixed)}), {}).value();
  CHECK(report.rows[0].verdict == CompareVerdict::none_seen);
  CHECK(report.rows[0].reason.empty());
}

TEST_CASE("too few repetitions are inconclusive, and say how many would do") {
  const auto report =
      compare_runs(reported({arm("a", {1, 1.1, 1.2})}), reported({arm("a", {2, 2.1, 2.2})}), {}).value();
  CHECK(report.rows[0].verdict == CompareVerdict::inconclusive);
  CHECK(report.rows[0].reason ==
        "3 against 3 repetitions are too few to show a difference; 4 against 4 are enough");
  CHECK_FALSE(report.rows[0].shift.low.has_value());
  CHECK_FALSE(report.slower);
}

TEST_CASE("several comparisons are judged together") {
  std::vector<ArmReport> before;
  std::vector<ArmReport> after;
  for (int i = 0; i < 30; ++i) {
    before.push_back(arm("a" + std::to_string(i), kBefore));
    after.push_back(arm("a" + std::to_string(i), kJustAfter));
  }
  const auto report = compare_runs(reported(before), reported(after), {}).value();
  CHECK(report.rows[0].p_adjusted == Approx(30 * 2.0 / 924));
  CHECK(report.rows[0].verdict == CompareVerdict::inconclusive);
  CHECK_THAT(report.rows[0].reason, Catch::Contains("among 30 comparisons; 7 against 7 are enough"));
  CompareOptions one;
  one.arm_a = "a3";
  CHECK(compare_runs(reported(before), reported(after), one).value().rows[0].verdict ==
        CompareVerdict::slower);
}

TEST_CASE("one arm's noise does not hide that another became tenfold") {
  const ReportedRun before =
      reported({arm("a", {0.1010, 0.1011, 0.1012, 0.1013}), arm("b", {0.301, 0.302, 0.303, 0.304})});
  const ReportedRun after =
      reported({arm("a", {1.0030, 1.0031, 1.0032, 1.0033}), arm("b", {0.3015, 0.3005, 0.305, 0.3025})});
  const auto report = compare_runs(before, after, {}).value();
  CHECK(report.rows[0].p_adjusted > 0.05);
  CHECK(report.rows[0].verdict == CompareVerdict::slower);
  CHECK(report.slower);
  CHECK(report.rows[1].verdict == CompareVerdict::inconclusive);
  CHECK(report.inconclusive);
}

TEST_CASE("a shift below the tolerance counts as no difference") {
  CompareOptions options;
  options.tolerance = 0.2;
  const auto report =
      compare_runs(reported({arm("a", kBefore)}), reported({arm("a", kAfter)}), options).value();
  CHECK(report.rows[0].verdict == CompareVerdict::none_seen);
}

TEST_CASE("on a noisy machine nothing seen is no answer, and a difference is still one") {
  ReportedRun noisy = reported({arm("a", kMixed)});
  noisy.run.summary.noise = "noisy: 9 % of the time stolen by the hypervisor";
  auto report = compare_runs(reported({arm("a", kBefore)}), noisy, {}).value();
  CHECK(report.rows[0].verdict == CompareVerdict::inconclusive);
  CHECK_THAT(report.rows[0].reason, Catch::Contains("stolen"));
  noisy.report.arms = {arm("a", kAfter)};
  report = compare_runs(reported({arm("a", kBefore)}), noisy, {}).value();
  CHECK(report.rows[0].verdict == CompareVerdict::slower);
}

TEST_CASE("an interval within the tolerance is an answer, on a noisy machine too") {
  ReportedRun noisy = reported({arm("a", kMixed)});
  noisy.run.summary.noise = "noisy: 9 % of the time stolen by the hypervisor";
  CompareOptions options;
  options.tolerance = 0.05;
  const auto report = compare_runs(reported({arm("a", kBefore)}), noisy, options).value();
  CHECK(report.rows[0].verdict == CompareVerdict::none_seen);
  CHECK_FALSE(report.inconclusive);
}

TEST_CASE("what an instrument fault measured is compared with nothing") {
  ReportedRun faulty = reported({arm("a", kAfter)});
  faulty.report.arms[0].verdict = Verdict::instrument_fault;
  const auto report = compare_runs(reported({arm("a", kBefore)}), faulty, {}).value();
  CHECK(report.rows[0].verdict == CompareVerdict::inconclusive);
  CHECK_THAT(report.rows[0].reason, Catch::Contains("in B") && Catch::Contains("instrument fault"));
}

TEST_CASE("two arms of one run stand beside each other") {
  const ReportedRun run = reported({arm("a", kBefore), arm("b", kAfter)});
  CompareOptions options;
  options.arm_a = "a";
  options.arm_b = "b";
  const auto report = compare_runs(run, run, options).value();
  REQUIRE(report.rows.size() == 1);
  CHECK(report.rows[0].name == "a → b");
  CHECK(report.rows[0].verdict == CompareVerdict::slower);
  options.arm_b = "bb";
  CHECK_THAT(compare_runs(run, run, options).error().message,
             Catch::Contains("--with") && Catch::Contains("'b'"));
}

TEST_CASE("arms that only one run has are named; the model is nobody's measurement") {
  ArmReport model = arm("c", kBefore);
  model.engine.kind = kModel;
  const auto report = compare_runs(reported({arm("a", kBefore), arm("b", kBefore), model}),
                                   reported({arm("a", kBefore), model}), {})
                          .value();
  CHECK(report.rows.size() == 1);
  CHECK(report.only_a == std::vector<std::string>{"b"});
  CHECK(report.only_b.empty());
}

TEST_CASE("different scenarios are refused, different settings reported") {
  ReportedRun other = reported({arm("a", kBefore)});
  other.scenario.name = "gil";
  const auto refused = compare_runs(reported({arm("a", kBefore)}), other, {});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().kind == ErrorKind::usage);
  other.scenario.name = "blocking-async";
  other.settings = "d = 1 s";
  other.run.header.environment = {{"commit", "abc"}, {"rate of cpu", "1000 units/s"}};
  ReportedRun first = reported({arm("a", kBefore)});
  first.run.header.environment = {{"commit", "def"}, {"rate of cpu", "1010 units/s"}};
  const auto report = compare_runs(first, other, {}).value();
  REQUIRE(report.warnings.size() == 1);
  CHECK(report.warnings[0] == "the settings differ: A as it is written; B d = 1 s");
  REQUIRE(report.differing.size() == 1);
  CHECK(report.differing[0].key == "commit");
}

TEST_CASE("an outlier is reported and stays in the figures") {
  ReportedRun odd = reported({arm("a", {1.001, 1.002, 1.003, 1.004, 1.005, 1.9})});
  const auto report = compare_runs(reported({arm("a", kBefore)}), odd, {}).value();
  REQUIRE(report.warnings.size() == 1);
  CHECK_THAT(report.warnings[0], Catch::Contains("B a makespan 1.900 s in repetition 6"));
  CHECK(report.rows[0].b.samples.size() == 6);
}

}  // namespace
}  // namespace lab
