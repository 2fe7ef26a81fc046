#include <catch2/catch.hpp>
#include <limits>

#include "scenarios/loader/loader.hpp"
#include "scenarios/loader/testing/test_modes.hpp"

using namespace lab;

namespace {

constexpr std::string_view kText = R"toml(question = "?"
params = { d = "100ms", pause = "2s" }
[routes.work]
request = "GET /work"
steps = [{ wait = "$d" }, { cpu = "10ms" }]
[routes.ping]
request = "GET /ping"
steps = []
[[cases]]
id = "one"
load = [{ route = "work", arrivals = "burst", requests = 10 },
        { route = "ping", arrivals = "constant", every = "50ms", from = "10ms", until = "$pause" }]
[[cases]]
id = "two"
load = [{ route = "work", arrivals = "staggered", at = ["0ms", "1ms"] },
        { route = "ping", arrivals = "closed", clients = 4, requests = 40 }]
[[arms]]
id = "loop"
label = "one"
mode = "blocking-loop"
documented = { makespan = "~1.1s" }
[[arms]]
id = "workers-4"
label = "four"
mode = "blocking-loop"
workers = 4
documented = { makespan = "~0.3s" }
[[arms]]
id = "pool"
label = "a pool"
mode = "thread-pool"
documented = { makespan = "~0.1s" }
[[checks]]
stat = "makespan"
arm = "pool"
at_most = "$d"
[[ask]]
text = "And?"
answer = "loop.makespan"
wrong = [{ value = "100ms", say = "No." }]
[explain]
log = "It fits."
note = "Mind this."
)toml";

Result<Scenario> with(const Overrides& overrides) {
  return parse_scenario(kText, "six.toml", kTestModes, overrides);
}

Scenario accepted(const Overrides& overrides) {
  const Result<Scenario> scenario = with(overrides);
  INFO((scenario ? "" : scenario.error().message));
  REQUIRE(scenario.has_value());
  return *scenario;
}

void refused(const Overrides& overrides, const std::string& message) {
  const Result<Scenario> scenario = with(overrides);
  REQUIRE_FALSE(scenario.has_value());
  CHECK(scenario.error().kind == ErrorKind::usage);
  CHECK(scenario.error().message == message);
}

template <class Change>
Overrides options(Change change) {
  Overrides overrides;
  change(overrides);
  return overrides;
}

bool any_documented(const Scenario& scenario) {
  for (const Arm& arm : scenario.arms) {
    if (!arm.documented.empty()) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("without options everything is as the file says") {
  const Scenario s = accepted({});
  CHECK(s.cases[0].loads[1].requests == 40);  // 10, 60, … 1960 ms
  CHECK(s.arms[0].documented[0].value == Approx(1.1));
  CHECK(s.explain.log == "It fits.");
}

TEST_CASE("a parameter reaches every place that names it, and the documents' figures go") {
  const Scenario s = accepted(options([](Overrides& o) {
    o.params = {{"d", kSecond}, {"pause", 500 * kMillisecond}};
  }));
  CHECK(unhindered_time(s.routes[0].plan) == kSecond + 10 * kMillisecond);
  CHECK(s.cases[0].loads[1].requests == 10);
  CHECK(s.checks[0].at_most == 1.0);
  CHECK(s.params.at("d") == kSecond);
  CHECK_FALSE(any_documented(s));
  CHECK(s.explain.log.empty());
  CHECK(s.explain.note.empty());
  CHECK(s.asks[0].wrong.empty());
  CHECK(s.arms[0].label == "one");
}

TEST_CASE("an option that says what the file says changes nothing") {
  const Scenario s = accepted(options([](Overrides& o) {
    o.params = {{"d", 100 * kMillisecond}};
    o.workers = 4;
    o.threads = 40;
    o.arrivals = std::nullopt;
    o.scale = 1;
  }));
  CHECK(s.arms[1].label == "four");
  CHECK(s.arms[1].documented.size() == 1);
  CHECK(s.explain.log == "It fits.");
  CHECK(s.asks[0].wrong.size() == 1);
}

TEST_CASE("an unknown parameter names its option and those that there are") {
  refused(options([](Overrides& o) {
            o.params = {{"pausse", kSecond}};
          }),
          "--set pausse: scenario 'six' has no parameter 'pausse' (did you mean 'pause'? known: d, pause)");
  const Result<Scenario> none =
      parse_scenario("question = \"?\"\nroutes.a = { request = \"GET /\", steps = [] }\n", "none.toml",
                     kTestModes, options([](Overrides& o) {
                       o.params = {{"d", kSecond}};
                     }));
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().message == "--delay (--set d): scenario 'none' has no parameter 'd' (it has none)");
  refused(options([](Overrides& o) {
            o.params = {{"d", -1}};
          }),
          "--delay (--set d): must be from 0ms to ten years");
}

TEST_CASE("--requests changes burst and closed loads only") {
  const Scenario s = accepted(options([](Overrides& o) { o.requests = 2; }));
  CHECK(s.cases[0].loads[0].requests == 2);
  CHECK(s.cases[0].loads[1].requests == 40);
  CHECK(s.cases[1].loads[0].requests == 2);
  CHECK(s.cases[1].loads[1].requests == 2);
  CHECK(s.cases[1].loads[1].clients == 2);
  CHECK_FALSE(any_documented(s));
  refused(options([](Overrides& o) { o.requests = 0; }),
          "--requests: 0 is out of range; from 1 to 10,000,000");
  refused(options([](Overrides& o) { o.requests = 10'000'001; }),
          "--requests: 10000001 is out of range; from 1 to 10,000,000");
  CHECK(accepted(options([](Overrides& o) { o.requests = 9'000'000; })).cases[0].requests() == 9'000'040);
}

TEST_CASE("--case leaves the cases that it names, and the checks and questions that speak of them") {
  const Scenario first = accepted(options([](Overrides& o) { o.cases = {"one"}; }));
  REQUIRE(first.cases.size() == 1);
  CHECK(first.cases[0].id == "one");
  CHECK(first.asks.size() == 1);  // of the first case, as it names none
  CHECK(first.checks.size() == 1);
  const Scenario second = accepted(options([](Overrides& o) { o.cases = {"two"}; }));
  REQUIRE(second.cases.size() == 1);
  CHECK(second.cases[0].loads[1].clients == 4);
  CHECK(second.asks.empty());
  CHECK(second.checks.size() == 1);
  CHECK(accepted(options([](Overrides& o) { o.cases = {"two", "one"}; })).cases[0].id == "one");
  refused(options([](Overrides& o) { o.cases = {"twoo"}; }),
          "--case: scenario 'six' has no case 'twoo' (did you mean 'two'? known: one, two)");
}

TEST_CASE("--workers and --threads change and rename the arms that have several, and no others") {
  const Scenario s = accepted(options([](Overrides& o) {
    o.workers = 2;
    o.threads = 8;
  }));
  CHECK(s.arms[0].workers == 1);
  CHECK(s.arms[0].label == "one");
  CHECK(s.arms[0].documented.size() == 1);
  CHECK(s.arms[1].workers == 2);
  CHECK(s.arms[1].label == "blocking-loop × 2");
  CHECK(s.arms[1].documented.empty());
  CHECK(s.arms[2].threads == 8);
  CHECK(s.arms[2].label == "def, 8 threads");
  CHECK(s.explain.log == "It fits.");
  refused(options([](Overrides& o) { o.workers = 0; }), "--workers: 0 is out of range; from 1 to 10,000");
  refused(options([](Overrides& o) { o.threads = 100'001; }),
          "--threads: 100001 is out of range; from 1 to 100,000");
}

TEST_CASE("an option that finds nothing to change is refused") {
  refused(options([](Overrides& o) {
            o.workers = 2;
            o.arms = {"loop", "pool"};
          }),
          "--workers changes no arm of scenario 'six': none has several workers");
  refused(options([](Overrides& o) {
            o.threads = 2;
            o.modes = {"blocking-loop"};
          }),
          "--threads changes no arm of scenario 'six': none has a pool or threads");
  const auto one_load = [](const std::string& load, const Overrides& overrides) {
    const Result<Scenario> scenario = parse_scenario(
        "question = \"?\"\nroutes.a = { request = \"GET /\", steps = [] }\nload = [{ route = \"a\", " + load +
            " }]\narms = [{ id = \"a\", mode = \"async-loop\" }]\n",
        "one.toml", kTestModes, overrides);
    REQUIRE_FALSE(scenario.has_value());
    return scenario.error().message;
  };
  const std::string burst = "arrivals = \"burst\", requests = 3";
  CHECK(one_load("arrivals = \"staggered\", at = [\"1ms\"]", options([](Overrides& o) { o.requests = 2; })) ==
        "--requests changes no load of scenario 'one': none is burst or closed");
  CHECK(one_load(burst, options([](Overrides& o) { o.rate = 2; })) ==
        "--rate changes no load of scenario 'one': none is constant or poisson (add --arrivals constant)");
  CHECK(
      one_load(burst, options([](Overrides& o) { o.duration = kSecond; })) ==
      "--duration changes no load of scenario 'one': none is constant or poisson (add --arrivals constant)");
}

TEST_CASE("--arms and --modes choose, and take with them the checks and questions of the others") {
  const Scenario s = accepted(options([](Overrides& o) { o.arms = {"workers-4", "loop"}; }));
  REQUIRE(s.arms.size() == 2);
  CHECK(s.arms[0].id == "loop");
  CHECK(s.checks.empty());
  CHECK(s.asks.size() == 1);
  const Scenario pools = accepted(options([](Overrides& o) { o.modes = {"thread-pool"}; }));
  REQUIRE(pools.arms.size() == 1);
  CHECK(pools.arms[0].id == "pool");
  CHECK(pools.arms[0].documented.size() == 1);
  CHECK(pools.checks.size() == 1);
  CHECK(pools.asks.empty());
  refused(options([](Overrides& o) { o.arms = {"lop"}; }),
          "--arms: scenario 'six' has no arm 'lop' (did you mean 'loop'? known: loop, workers-4, pool)");
  refused(options([](Overrides& o) { o.modes = {"thread-pol"}; }),
          "--modes: unknown mode 'thread-pol' (did you mean 'thread-pool'? known: blocking-loop, async-loop, "
          "offload, "
          "thread-pool, thread-per-request, task-queue)");
  refused(options([](Overrides& o) { o.modes = {"offload"}; }),
          "--modes: scenario 'six' has no arm in mode 'offload' (known: blocking-loop, thread-pool)");
  refused(options([](Overrides& o) {
            o.arms = {"loop"};
            o.modes = {"thread-pool"};
          }),
          "--arms loop and --modes thread-pool leave no arm of scenario 'six'");
}

TEST_CASE("--arrivals changes the first load of each case and keeps its number of requests") {
  const auto first = [](const Overrides& overrides, std::size_t number) {
    return accepted(overrides).cases[number].loads[0];
  };
  const Overrides constant = options([](Overrides& o) {
    o.arrivals = Arrivals::constant;
    o.rate = 20;
  });
  CHECK(first(constant, 0).requests == 10);
  CHECK(first(constant, 0).every == 50 * kMillisecond);
  CHECK(first(constant, 1).requests == 2);
  CHECK(first(constant, 1).at.empty());
  CHECK(accepted(constant).cases[1].loads[1].arrivals == Arrivals::closed);
  CHECK_FALSE(any_documented(accepted(constant)));
  const Overrides closed = options([](Overrides& o) { o.arrivals = Arrivals::closed; });
  CHECK(first(closed, 0).clients == 1);
  CHECK(first(closed, 0).requests == 10);
  const Overrides staggered = options([](Overrides& o) {
    o.arrivals = Arrivals::staggered;
    o.rate = 1000;
    o.requests = 3;
  });
  CHECK(first(staggered, 0).at == std::vector<Nanos>{0, kMillisecond, 2 * kMillisecond});
  CHECK(first(staggered, 0).requests == 3);
  const Overrides burst = options([](Overrides& o) {
    o.arrivals = Arrivals::burst;
    o.requests = 7;
  });
  CHECK(first(burst, 1).requests == 7);
  CHECK(first(burst, 1).arrivals == Arrivals::burst);
  refused(options([](Overrides& o) { o.arrivals = Arrivals::poisson; }),
          "--arrivals poisson needs to know how often: add --rate, as in --arrivals poisson --rate 50");
  refused(options([](Overrides& o) {
            o.arrivals = Arrivals::staggered;
            o.rate = 1000;
            o.requests = 2'000'000;
          }),
          "--arrivals staggered lists at most 1,000,000 arrivals, not 2,000,000; use constant");
}

TEST_CASE("--rate and --duration pace constant and poisson loads") {
  const Scenario faster = accepted(options([](Overrides& o) { o.rate = 100; }));
  CHECK(faster.cases[0].loads[1].every == 10 * kMillisecond);
  CHECK(faster.cases[0].loads[1].requests == 199);  // 10, 20, … 1990 ms
  const Scenario longer = accepted(options([](Overrides& o) { o.duration = 10 * kSecond; }));
  CHECK(longer.cases[0].loads[1].requests == 200);
  const Scenario both = accepted(options([](Overrides& o) {
    o.arrivals = Arrivals::poisson;
    o.rate = 10;
    o.duration = 3 * kSecond;
  }));
  CHECK(both.cases[0].loads[0].arrivals == Arrivals::poisson);
  CHECK(both.cases[0].loads[0].requests == 30);
  for (const double rate : {0.0, -1.0, 2e6, std::numeric_limits<double>::quiet_NaN()}) {
    const Result<Scenario> scenario = with(options([&](Overrides& o) { o.rate = rate; }));
    REQUIRE_FALSE(scenario.has_value());
    CHECK(scenario.error().message.find("--rate: ") == 0);
  }
  refused(options([](Overrides& o) { o.duration = 0; }),
          "--duration: must be longer than 0ms and at most ten years");
  const Result<Scenario> many = with(options([](Overrides& o) { o.duration = kSecond * 86'400 * 365; }));
  REQUIRE_FALSE(many.has_value());
  CHECK(many.error().message.find("at most 10,000,000") != std::string::npos);
}

TEST_CASE("--connections changes every load") {
  for (const Case& load_case : accepted(options([](Overrides& o) { o.fresh_connections = true; })).cases) {
    for (const Load& load : load_case.loads) CHECK(load.fresh_connections);
  }
}

TEST_CASE("--scale multiplies waits, work, periods and parameters once, and no offsets") {
  const Scenario s = accepted(options([](Overrides& o) { o.scale = 0.1; }));
  CHECK(s.params.at("d") == 10 * kMillisecond);
  CHECK(unhindered_time(s.routes[0].plan) == 11 * kMillisecond);
  const Load& ping = s.cases[0].loads[1];
  CHECK(ping.every == 5 * kMillisecond);
  CHECK(ping.from == kMillisecond);
  CHECK(ping.requests == 40);
  CHECK(s.cases[1].loads[0].at == std::vector<Nanos>{0, kMillisecond});
  CHECK(s.checks[0].at_most == Approx(0.01));
  CHECK_FALSE(any_documented(s));
  REQUIRE(s.asks[0].wrong.size() == 1);
  CHECK(s.asks[0].wrong[0].value == Approx(0.01));
  const Scenario set = accepted(options([](Overrides& o) {
    o.scale = 10;
    o.params = {{"d", kSecond}};
  }));
  CHECK(set.params.at("d") == 10 * kSecond);
  for (const double scale :
       {0.0, -1.0, 1e9, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    const Result<Scenario> scenario = with(options([&](Overrides& o) { o.scale = scale; }));
    REQUIRE_FALSE(scenario.has_value());
    CHECK(scenario.error().message.find("--scale: ") == 0);
  }
  const Result<Scenario> huge =
      parse_scenario("question = \"?\"\nroutes.a = { request = \"GET /\", steps = [{ wait = \"1h\" }] }\n",
                     "huge.toml", kTestModes, options([](Overrides& o) { o.scale = 1e6; }));
  REQUIRE_FALSE(huge.has_value());
  CHECK(huge.error().message.find("huge.toml:2:51: ") == 0);
}
