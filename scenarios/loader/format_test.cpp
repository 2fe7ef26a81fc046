#include <catch2/catch.hpp>

#include "scenarios/loader/loader.hpp"
#include "scenarios/loader/testing/test_modes.hpp"

using namespace lab;

namespace {

Scenario parse(std::string_view text) {
  Result<Scenario> scenario = parse_scenario(text, "folder/frozen-report.toml", kTestModes);
  INFO((scenario ? "" : scenario.error().message));
  REQUIRE(scenario.has_value());
  return *scenario;
}

constexpr std::string_view kFrozenReport =
    R"toml(question = "One report sleeps 5 s. What do other users notice?"
sources  = ["D3 section 3", "D2 part 5"]
budget   = "40s"                 # chooses the repetitions
params   = { d = "5s" }          # --set d=1s

[routes.slow]
request = "GET /slow"
steps   = [{ wait = "$d" }]
[routes.ping]
request = "GET /ping"
steps   = []

[[load]]
route = "slow"
arrivals = "burst"
requests = 1
[[load]]
route = "ping"
arrivals = "constant"
every = "100ms"
from  = "50ms"
until = "$d"

[[arms]]
id = "blocking"
mode = "blocking-loop"
documented = { "ping.latency.max" = "~5s" }
[[arms]]
id = "def-beside-async"
mode = { slow = "thread-pool", ping = "async-loop" }

[[checks]]                       # a stat of the records, measured against the model
stat = "ping.latency.max"
within = "3%"

[[ask]]
text   = "Slowest ping, blocking?"
answer = "blocking.ping.latency.max"
wrong  = [{ value = "0s", say = "async def alone never yields." },
          { value = "2.5s", say = "That is the mean wait." }]
[explain]
text = "The only thread sleeps, so pings wait unread in the socket."
)toml";

/// A scenario with one load that is written like this.
Load load_of(const std::string& load) {
  return parse(
             "question = \"?\"\nparams = { d = \"20ms\" }\nroutes.work = { request = \"GET /work\", steps = "
             "[] }\n"
             "load = [{ route = \"work\", " +
             load + " }]\narms = [{ id = \"a\", mode = \"async-loop\" }]\n")
      .cases.front()
      .loads.front();
}

}  // namespace

TEST_CASE("the frozen report reads as it is written") {
  const Scenario s = parse(kFrozenReport);
  CHECK(s.name == "frozen-report");
  CHECK(s.question == "One report sleeps 5 s. What do other users notice?");
  CHECK(s.sources == std::vector<std::string>{"D3 section 3", "D2 part 5"});
  CHECK(s.budget == 40 * kSecond);
  CHECK(s.params.at("d") == 5 * kSecond);
  REQUIRE(s.routes.size() == 2);
  CHECK(s.routes[0].name == "slow");
  CHECK(s.routes[0].method == "GET");
  CHECK(s.routes[0].path == "/slow");
  CHECK(unhindered_time(s.routes[0].plan) == 5 * kSecond);
  CHECK(s.routes[1].name == "ping");
  CHECK(s.routes[1].plan.empty());
  REQUIRE(s.cases.size() == 1);
  CHECK(s.cases[0].id == "main");
  REQUIRE(s.cases[0].loads.size() == 2);
  const Load& ping = s.cases[0].loads[1];
  CHECK(ping.route == 1);
  CHECK(ping.arrivals == Arrivals::constant);
  CHECK(ping.every == 100 * kMillisecond);
  CHECK(ping.from == 50 * kMillisecond);
  CHECK(ping.requests == 50);  // 50, 150, … 4950 ms
  REQUIRE(s.arms.size() == 2);
  CHECK(s.arms[0].mode_name() == "blocking-loop");
  CHECK(s.arms[0].modes.size() == 2);
  REQUIRE(s.arms[0].documented.size() == 1);
  CHECK(s.arms[0].documented[0].value == 5);
  CHECK(s.arms[0].documented[0].text == "~5s");
  CHECK(to_string(s.arms[0].documented[0].stat) == "ping.latency.max");
  CHECK(s.arms[1].modes[0].name == "thread-pool");
  CHECK(s.arms[1].modes[1].name == "async-loop");
  CHECK(s.arms[1].label == "thread-pool + async-loop");
  REQUIRE(s.checks.size() == 1);
  CHECK(s.checks[0].within_relative == Approx(0.03));
  CHECK(s.checks[0].text == "ping.latency.max within 3%");
  REQUIRE(s.asks.size() == 1);
  CHECK(s.asks[0].answer_arm == "blocking");
  CHECK(to_string(s.asks[0].answer) == "ping.latency.max");
  REQUIRE(s.asks[0].wrong.size() == 2);
  CHECK(s.asks[0].wrong[1].value == 2.5);
  CHECK(s.asks[0].wrong[1].say == "That is the mean wait.");
  CHECK(s.explain.text == "The only thread sleeps, so pings wait unread in the socket.");
  CHECK(s.source == kFrozenReport);
  CHECK(s.show.empty());  // what the checks speak of
}

TEST_CASE("routes keep the order of the file, cases hold their own loads") {
  const Scenario s = parse(R"toml(question = "Whole or in pieces?"
show = ["ping.latency.max", "makespan"]
routes.whole = { request = "GET /whole", steps = [{ cpu = "500ms" }] }
routes.ping = { request = "POST /ping", steps = [] }
routes.both = { request = "GET /both", steps = [{ cpu = "5ms", blocking = true }, { wait = "1s" }] }
[[cases]]
id = "one"
load = [{ route = "whole", arrivals = "burst", requests = 1 },
        { route = "ping", arrivals = "constant", every = "5ms", until = "600ms" }]
[[cases]]
id = "two"
[[cases.load]]
route = "both"
arrivals = "burst"
requests = 3
connections = "fresh"
[[arms]]
id = "a"
mode = "async-loop"
workers = 4
gil = true
cores = 1
accept = "handoff"
predict_only = true
[arms.documented]
makespan = "1.5 s"
"both.share(status=404)" = "49%"
throughput = 18500
one = { makespan = "~0.03s" }
[[checks]]
stat = "ping.latency.max"
arm = "a"
case = "one"
at_least = "400ms"
at_most = "500ms"
[[checks]]
stat = "count(error)"
equals = 0
[[checks]]
stat = "makespan"
within = "5ms"
[[ask]]
text = "And the second?"
case = "two"
answer = "a.makespan"
[explain]
next = "pool-limit"
next_reason = "and then?"
)toml");
  REQUIRE(s.routes.size() == 3);
  CHECK(s.routes[0].name == "whole");
  CHECK(s.routes[1].name == "ping");
  CHECK(s.routes[2].name == "both");
  CHECK(s.routes[2].plan[0].blocking);
  CHECK_FALSE(s.routes[2].plan[1].blocking);
  REQUIRE(s.cases.size() == 2);
  CHECK(s.cases[0].loads[1].requests == 120);
  CHECK(s.cases[1].loads[0].route == 2);
  CHECK(s.cases[1].loads[0].fresh_connections);
  REQUIRE(s.show.size() == 2);
  const Arm& arm = s.arms[0];
  CHECK(arm.label == "async-loop × 4");
  CHECK((arm.gil && arm.predict_only));
  CHECK(arm.cores == 1);
  REQUIRE(arm.documented.size() == 4);
  CHECK(arm.documented[0].value == 1.5);
  CHECK(arm.documented[1].value == Approx(0.49));
  CHECK(arm.documented[2].value == 18500);
  CHECK(arm.documented[2].text == "18500");
  CHECK(arm.documented[3].case_id == "one");
  CHECK(arm.documented[3].value == Approx(0.03));
  CHECK(s.checks[0].text == "ping.latency.max at least 400 ms and at most 500 ms");
  CHECK(s.checks[1].equals == 0.0);
  CHECK(s.checks[2].within_absolute == 5 * kMillisecond);
  CHECK(s.asks[0].answer_case == "two");
  CHECK(s.explain.next == "pool-limit");
}

TEST_CASE("each kind of arrivals is read with its own keys") {
  const Load closed = load_of("arrivals = \"closed\", clients = 3, requests = 30, from = \"$d\"");
  CHECK(closed.clients == 3);
  CHECK(closed.requests == 30);
  CHECK(closed.from == 20 * kMillisecond);
  CHECK(load_of("arrivals = \"constant\", rate = 50, requests = 7").every == 20 * kMillisecond);
  CHECK(load_of("arrivals = \"constant\", rate = 0.5, until = \"10s\"").requests == 5);
  const Load poisson = load_of("arrivals = \"poisson\", every = \"$d\", until = \"1s\"");
  CHECK(poisson.arrivals == Arrivals::poisson);
  CHECK(poisson.requests == 50);
  const Load staggered = load_of("arrivals = \"staggered\", at = [\"0ms\", \"1ms\", \"$d\"]");
  CHECK(staggered.at == std::vector<Nanos>{0, kMillisecond, 20 * kMillisecond});
  CHECK(staggered.requests == 3);
}

TEST_CASE("connections are opened before the load, fresh, or a client process's own") {
  const Load opened = load_of("arrivals = \"burst\", requests = 1, connections = \"opened\"");
  CHECK_FALSE((opened.fresh_connections || opened.client_process));
  const Load fresh = load_of("arrivals = \"burst\", requests = 1, connections = \"fresh\"");
  CHECK((fresh.fresh_connections && !fresh.client_process));
  const Load process = load_of("arrivals = \"burst\", requests = 1, connections = \"process\"");
  CHECK((process.fresh_connections && process.client_process));
}

TEST_CASE("until counts the requests that are sent strictly before it") {
  CHECK(load_of("arrivals = \"constant\", every = \"10ms\", until = \"30ms\"").requests == 3);
  CHECK(load_of("arrivals = \"constant\", every = \"10ms\", until = \"30001us\"").requests == 4);
  CHECK(load_of("arrivals = \"constant\", every = \"10ms\", from = \"25ms\", until = \"30ms\"").requests ==
        1);
}

TEST_CASE("an arm without a label is called after its mode, its threads and its workers") {
  const auto label = [](const std::string& arm) {
    return parse(
               "question = \"?\"\nroutes.work = { request = \"GET /work\", steps = [] }\n"
               "load = [{ route = \"work\", arrivals = \"burst\", requests = 1 }]\narms = [{ id = \"a\", " +
               arm + " }]\n")
        .arms.front()
        .label;
  };
  CHECK(label("mode = \"thread-pool\"") == "def");
  CHECK(label("mode = \"thread-pool\", threads = 40") == "def");
  CHECK(label("mode = \"thread-per-request\", threads = 8") == "Flask, 8 threads");
  CHECK(label("mode = \"blocking-loop\", workers = 4") == "blocking-loop × 4");
  CHECK(label("mode = \"blocking-loop\", label = \"mine\"") == "mine");
}

TEST_CASE("every line ending and a byte order mark are read") {
  std::string text(kFrozenReport);
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.insert(at, "\r");
  CHECK(parse("\xEF\xBB\xBF" + text).arms.size() == 2);
}
