#include "lab/experiment/report.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "lab/experiment/experiment.hpp"
#include "lab/servers/mode.hpp"
#include "scenarios/loader/loader.hpp"

using namespace lab;

namespace {

constexpr const char* kTwoArms = R"(
question = "Ten at once?"
params = { d = "100ms" }
routes.delay = { request = "POST /delay", steps = [{ wait = "$d" }] }
load = [{ route = "delay", arrivals = "burst", requests = 10 }]
[[arms]]
id = "blocking"
mode = "blocking-loop"
documented = { makespan = "~1.1s" }
[[arms]]
id = "async"
mode = "async-loop"
documented = { makespan = "~0.03s" }
[[checks]]
stat = "makespan"
within = "3%"
[[ask]]
text = "When is the last one answered?"
answer = "async.makespan"
wrong = [{ value = "1s", say = "You added the waits." }]
)";

Scenario scenario() {
  return parse_scenario(kTwoArms, "ten.toml", known_modes()).value();
}

/// Four requests that compute on one loop.
Scenario computing(const std::string& each) {
  return parse_scenario("question = \"Four?\"\nroutes.work = { request = \"GET /work\", steps = [{ cpu = \"" +
                            each +
                            "\" }] }\nload = [{ route = \"work\", arrivals = \"burst\", requests = 4 }]\n"
                            "arms = [{ id = \"loop\", mode = \"async-loop\" }]\n",
                        "four.toml", known_modes())
      .value();
}

/// A run whose repetitions are the model's own, each request received `late` later.
Run run_of(const Scenario& scenario, int repetitions, Nanos late) {
  Run run;
  run.header.scenario = scenario.name;
  run.header.seed = 42;
  for (const Arm& arm : scenario.arms) {
    for (int number = 1; number <= repetitions; ++number) {
      RunRepetition repetition = simulate_repetition(scenario, arm, scenario.cases.front(), 2, number,
                                                     repetition_seed(42, number), true);
      repetition.engine = kNative;
      for (RequestRecord& record : repetition.records) record.received += late;
      run.repetitions.push_back(std::move(repetition));
    }
  }
  return run;
}

const ArmReport& arm_of(const Report& report, std::string_view id) {
  return *std::find_if(report.arms.begin(), report.arms.end(),
                       [&](const ArmReport& arm) { return arm.arm == id; });
}

std::string all_remarks(const Report& report, const std::string& tag) {
  std::string text;
  for (const Note& remark : report.remarks) {
    if (to_string(remark.kind) == tag) text += remark.text + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("a run that equals its prediction reproduces 1.1 s, and calls 0.03 s impossible") {
  const Report report = make_report(scenario(), run_of(scenario(), 6, kMillisecond));
  REQUIRE(report.arms.size() == 2);
  const ArmReport& blocking = arm_of(report, "blocking");
  CHECK(blocking.bound_s == Approx(1.0));
  CHECK(blocking.predicted_s == Approx(1.0));
  CHECK(blocking.makespan_s->median == Approx(1.001));
  CHECK(blocking.makespan_s->low.has_value());
  CHECK(blocking.verdict == Verdict::reproduced);
  CHECK(blocking.books.ok == 60);
  CHECK(blocking.splits == std::vector<std::vector<std::int64_t>>(6, {10}));
  CHECK(arm_of(report, "async").verdict == Verdict::impossible);
  CHECK(all_remarks(report, "LOG").find("~0.03s") != std::string::npos);
}

TEST_CASE("below six repetitions there is no interval, and the report says so") {
  const Report report = make_report(scenario(), run_of(scenario(), 5, kMillisecond));
  CHECK_FALSE(arm_of(report, "blocking").makespan_s->low.has_value());
  CHECK(all_remarks(report, "WARN").find("five repetitions") != std::string::npos);
}

TEST_CASE("lanes are of the repetition whose makespan is the median, and its number is given") {
  Run run = run_of(scenario(), 3, kMillisecond);
  const auto delay = [&](std::size_t repetition, Nanos late) {
    for (RequestRecord& record : run.repetitions[repetition].records) record.received += late;
  };
  delay(0, 80 * kMillisecond);  // of blocking
  delay(1, 40 * kMillisecond);
  const Report report = make_report(scenario(), run);
  const ArmReport& blocking = arm_of(report, "blocking");
  CHECK(blocking.lanes_of == 2);
  CHECK(blocking.lanes.back().end_s == Approx(1.041));
  CHECK(all_remarks(report, "NOTE").find("blocking 2, async") != std::string::npos);
}

TEST_CASE("a makespan below its bound is the instrument's fault, whatever the documents say") {
  const Report report = make_report(scenario(), run_of(scenario(), 6, -kMillisecond));
  CHECK(arm_of(report, "blocking").verdict == Verdict::instrument_fault);
  CHECK(arm_of(report, "async").verdict == Verdict::instrument_fault);
}

TEST_CASE("of an instrument's fault nothing is claimed: no finding, no excess, no answer to a guess") {
  const Report report = make_report(scenario(), run_of(scenario(), 6, -kMillisecond), {{"blocking", 1.0}});
  const ArmReport& blocking = arm_of(report, "blocking");
  CHECK(blocking.findings.empty());
  CHECK(blocking.above_bound.empty());
  CHECK(all_remarks(report, "WHY").empty());
  CHECK(all_remarks(report, "GUESS").empty());
  CHECK(all_remarks(report, "WARN").find("no conclusion") != std::string::npos);
}

TEST_CASE(
    "the table's bound is the one that repetitions are held against: of the fastest computing among them") {
  const Scenario calm = computing("100ms");
  const auto with_one_at = [&](double pace, const char* took) {
    Run run = run_of(calm, 6, kMillisecond);
    run.repetitions[3] = run_of(computing(took), 6, kMillisecond).repetitions[3];
    run.repetitions[3].pace = pace;
    return make_report(calm, run);
  };
  const Report honest = with_one_at(0.95, "95ms");
  CHECK(arm_of(honest, "loop").verdict != Verdict::instrument_fault);
  CHECK(arm_of(honest, "loop").bound_s == Approx(0.38));
  CHECK_THAT(all_remarks(honest, "NOTE"), Catch::Contains("computing took up to 5 % less"));
  const Report faulty = with_one_at(1.0, "95ms");
  CHECK(arm_of(faulty, "loop").verdict == Verdict::instrument_fault);
  CHECK(arm_of(faulty, "loop").bound_s == Approx(0.4));
  CHECK_THAT(all_remarks(faulty, "NOTE"), !Catch::Contains("computing took"));
}

TEST_CASE("what computes nothing says nothing of the speed of computing") {
  Run run = run_of(scenario(), 6, kMillisecond);
  for (RunRepetition& repetition : run.repetitions) repetition.pace = 0.9;
  const Report report = make_report(scenario(), run);
  CHECK(arm_of(report, "blocking").bound_s == Approx(1.0));
  CHECK_THAT(all_remarks(report, "NOTE"), !Catch::Contains("computing took"));
}

TEST_CASE("a check fails where the measurement leaves its tolerance") {
  const auto passed = [](Nanos late) {
    const Report report = make_report(scenario(), run_of(scenario(), 6, late));
    return std::vector<bool>{report.checks.at(0).passed, report.checks.at(1).passed};
  };
  CHECK(passed(4 * kMillisecond) == std::vector<bool>{true, true});    // 3 % or 5 ms, whichever is more
  CHECK(passed(20 * kMillisecond) == std::vector<bool>{true, false});  // 2 % of 1 s, 20 % of 0.1 s
  CHECK(passed(40 * kMillisecond) == std::vector<bool>{false, false});
}

TEST_CASE("the queue behind a sleeping loop is LAB101, and a loop that waits has no finding") {
  const Report report = make_report(scenario(), run_of(scenario(), 6, 0));
  REQUIRE(arm_of(report, "blocking").findings.size() == 1);
  CHECK(arm_of(report, "blocking").findings[0].id == "LAB101");
  CHECK(arm_of(report, "blocking").findings[0].text.find("sleeping") != std::string::npos);
  CHECK(arm_of(report, "async").findings.empty());
}

TEST_CASE("what is above the bound is reported by cause, and the causes add up") {
  const Report report = make_report(scenario(), run_of(scenario(), 6, 3 * kMillisecond));
  for (const ArmReport& arm : report.arms) {
    double sum = 0;
    for (const Cause& cause : arm.above_bound) sum += cause.seconds;
    CHECK(arm.above_bound_s == Approx(0.003));
    CHECK(sum == Approx(arm.above_bound_s));
    REQUIRE(arm.above_bound.size() == 1);
    CHECK(arm.above_bound[0].name == "reply");
  }
}

TEST_CASE("what only switches is above its bound by switching, and waits in no queue") {
  Scenario switching = scenario();
  switching.routes.front().plan = {{Compute{50 * kMillisecond, Work::thread_switch}}};
  for (Case& one : switching.cases) one.loads.front().requests = 1;
  const Report report = make_report(switching, run_of(switching, 6, 0));
  for (const ArmReport& arm : report.arms) {
    CHECK(arm.bound_s == 0.0);
    REQUIRE(arm.above_bound.size() == 1);
    CHECK(arm.above_bound[0].name == "switching");
    CHECK(arm.above_bound[0].seconds == Approx(0.05));
  }
}

TEST_CASE("switching that went faster than its calibration is reported as what it took, and no more") {
  Scenario switching = scenario();
  switching.routes.front().plan = {{Compute{50 * kMillisecond, Work::thread_switch}}};
  for (Case& one : switching.cases) one.loads.front().requests = 1;
  const Run run = run_of(switching, 6, -10 * kMillisecond);
  for (const ArmReport& arm : make_report(switching, run).arms) {
    double sum = 0;
    for (const Cause& cause : arm.above_bound) sum += cause.seconds;
    CHECK(arm.above_bound_s == Approx(0.04));
    CHECK(sum == Approx(0.04));
    CHECK(arm.above_bound[0].seconds <= arm.above_bound_s);
  }
}

TEST_CASE("a wrong guess is answered with the misconception that fits its value") {
  const Report report = make_report(scenario(), run_of(scenario(), 6, 0), {{"async", 1.0}});
  CHECK(all_remarks(report, "GUESS").find("You added the waits.") != std::string::npos);
}

TEST_CASE("a right guess is called right") {
  const Report report = make_report(scenario(), run_of(scenario(), 6, 0), {{"async", 0.1}});
  CHECK(all_remarks(report, "GUESS").find("right") != std::string::npos);
}

TEST_CASE("a prediction has the table's shape with engine model, and no verdict about a measurement") {
  const Report report = make_prediction(scenario(), 42);
  CHECK(report.predicted_only);
  for (const ArmReport& arm : report.arms) CHECK(arm.engine.is(kModel));
  CHECK(arm_of(report, "blocking").formula == "N·d");
  CHECK(arm_of(report, "blocking").lanes.size() == 10);
}

TEST_CASE("lost requests stand in the books and in a warning") {
  Run run = run_of(scenario(), 6, 0);
  run.repetitions.front().records.back().outcome = Outcome::reset;
  run.repetitions.front().records.back().received = 0;
  const Report report = make_report(scenario(), run);
  CHECK(arm_of(report, "blocking").books.errors.at("reset") == 1);
  CHECK(arm_of(report, "blocking").books.adds_up());
  CHECK(all_remarks(report, "WARN").find("reset 1") != std::string::npos);
}

TEST_CASE("a load that was not wholly answered is no makespan to be judged") {
  Run run = run_of(scenario(), 6, 0);
  for (RequestRecord& record : run.repetitions.front().records) {
    if (record.id > 4) record.outcome = Outcome::reset;
  }
  const Report report = make_report(scenario(), run);
  CHECK(arm_of(report, "blocking").verdict ==
        Verdict::none);  // 0.4 s for four of ten: nobody's fault but the books'
  CHECK(arm_of(report, "async").verdict == Verdict::impossible);
}

TEST_CASE("an old run is judged with the cores of the machine that ran it") {
  Scenario computing = scenario();
  computing.routes.front().plan = {{Compute{100 * kMillisecond}}};
  for (Arm& arm : computing.arms) arm.workers = 4;
  Run run = run_of(computing, 1, 0);
  run.header.environment = {{"cores", "4"}};
  const double on_four = arm_of(make_report(computing, run), "blocking").bound_s.value();
  run.header.environment = {{"cores", "1"}};
  const double on_one = arm_of(make_report(computing, run), "blocking").bound_s.value();
  CHECK(on_one == Approx(1.0));
  CHECK(on_four < 0.5);
}

TEST_CASE("a file that does not say what to show shows what it checks") {
  Scenario changed = scenario();
  CHECK(make_prediction(changed, 42).headline == std::vector<Stat>{Stat{}});
  changed.checks.front().stat = parse_stat("delay.latency.max").value();
  CHECK(make_prediction(changed, 42).headline == std::vector<Stat>{parse_stat("delay.latency.max").value()});
}

TEST_CASE("every stat of workers that accept as they like has a range, from the best dealing to the worst") {
  const Scenario greedy = parse_scenario(R"(
question = "Who gets them?"
routes.delay = { request = "POST /delay", steps = [{ wait = "100ms" }] }
load = [{ route = "delay", arrivals = "burst", requests = 10, connections = "fresh" }]
show = ["makespan", "latency.mean", "latency.max"]
[[arms]]
id = "greedy"
mode = "blocking-loop"
workers = 4
accept = "greedy"
[[arms]]
id = "lottery"
mode = "blocking-loop"
workers = 4
accept = "reuseport"
[[arms]]
id = "dealt"
mode = "blocking-loop"
workers = 4
[[checks]]
stat = "latency.mean"
within = "1%"
)",
                                         "greedy.toml", known_modes())
                              .value();
  Run run = run_of(greedy, 6, 0);
  for (RunRepetition& repetition : run.repetitions) {
    if (repetition.arm != "greedy") continue;
    // All on one worker: ten times 100 ms, 550 ms in the mean.
    for (std::size_t i = 0; i < repetition.records.size(); ++i)
      repetition.records[i].received =
          repetition.records[i].sent + static_cast<Nanos>(i + 1) * 100 * kMillisecond;
  }
  const Report report = make_report(greedy, run);
  const auto mean_of = [&](const char* arm) {
    const auto& measures = arm_of(report, arm).measures;
    return *std::find_if(measures.begin(), measures.end(),
                         [](const MeasureRow& row) { return to_string(row.stat) == "latency.mean"; });
  };
  CHECK(mean_of("greedy").predicted_low.value() == Approx(0.18));
  CHECK(mean_of("greedy").predicted_high.value() == Approx(0.55));
  CHECK(mean_of("lottery").predicted_high.value() > mean_of("lottery").predicted_low.value());
  CHECK_FALSE(mean_of("dealt").predicted_low.has_value());
  for (const CheckRow& check : report.checks) CHECK(check.passed);
}
