#include <catch2/catch.hpp>

#include "scenarios/loader/loader.hpp"
#include "scenarios/loader/testing/test_modes.hpp"

using namespace lab;

namespace {

// Line numbers of the cases below are those of this text.
const std::string kRich = R"toml(question = "?"
trace = "path"
show = ["value.max", "predict.turnaround.max", "server.memory"]
[routes.predict]
request = "POST /predict"
body_limit = "32MB"
deadline = "20s"
depends = [{ steps = [{ wait = "1ms" }] }, { steps = [{ yield = true }], async = true }]
steps = [{ enqueue = "jobs", steps = [{ infer = "100ms" }] }]
[routes.result]
request = "GET /result/{task_id}"
steps = [{ result = "jobs" }]
[routes.chat]
request = "WS /chat"
steps = [{ increment = true }, { wait = "1s", connection = true }]
[queues.jobs]
workers = 3
capacity = 8
[[load]]
route = "predict"
arrivals = "burst"
requests = 4
body = "20MB"
body_over = "2s"
keep = "task_id"
then = { route = "result", every = "20ms", until = "done", at_most = "5s" }
[[load]]
route = "chat"
arrivals = "burst"
requests = 1
hang_up = "30ms"
[[kill]]
worker = 1
at = "150ms"
[[arms]]
id = "loop"
mode = "async-loop"
workers = 2
accept = "one"
accept_limit = 0
connections = 5
counters = "shared"
cancel = true
backend = "io_uring"
queues.jobs.scope = "shared"
[[arms]]
id = "pool"
mode = { predict = "async-loop", result = "async-loop", chat = "offload" }
pool = "processes"
workers = 4
threads = 8
accept = "one"
accept_limit = "threads"
[[checks]]
stat = "server.memory"
at_most = "16kB"
)toml";

struct Slip {
  std::string what, instead;  ///< of the rich text
  std::string place;          ///< line:column of the message
  std::string phrase;         ///< that the message holds
};

std::string change(const std::string& what, const std::string& instead) {
  std::string text = kRich;
  const std::size_t at = text.find(what);
  INFO(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), instead);
}

void expect_slips(const std::vector<Slip>& all) {
  for (const Slip& bad : all) {
    INFO(bad.what << " -> " << bad.instead);
    const Result<Scenario> scenario = parse_scenario(change(bad.what, bad.instead), "bad.toml", kTestModes);
    REQUIRE_FALSE(scenario.has_value());
    const std::string& message = scenario.error().message;
    INFO(message);
    CHECK(scenario.error().kind == ErrorKind::usage);
    CHECK(message.substr(0, message.find(": ")) == "bad.toml:" + bad.place);
    CHECK(message.find(bad.phrase) != std::string::npos);
    CHECK(message.size() < 600);
  }
}

Scenario rich(const Overrides& overrides = {}) {
  const Result<Scenario> scenario = parse_scenario(kRich, "rich.toml", kTestModes, overrides);
  INFO((scenario ? "" : scenario.error().message));
  REQUIRE(scenario.has_value());
  return *scenario;
}

}  // namespace

TEST_CASE("routes, loads and kills are read with all that they can say") {
  const Scenario s = rich();
  CHECK(s.trace == "path");
  const Route& predict = s.routes[0];
  CHECK(predict.body_limit == 32'000'000);
  CHECK(predict.body_deadline == 20 * kSecond);
  REQUIRE(predict.depends.size() == 2);
  CHECK_FALSE(predict.depends[0].asynchronous);
  CHECK(predict.depends[1].asynchronous);
  CHECK(s.routes[2].method == "WS");
  const Load& load = s.cases[0].loads[0];
  CHECK(load.body_bytes == 20'000'000);
  CHECK(load.body_over == 2 * kSecond);
  CHECK(load.keep == "task_id");
  REQUIRE(load.then.has_value());
  CHECK(load.then->route == 1);
  CHECK(load.then->every == 20 * kMillisecond);
  CHECK(load.then->until == "done");
  CHECK(load.then->at_most == 5 * kSecond);
  CHECK(s.cases[0].loads[1].hang_up == 30 * kMillisecond);
  REQUIRE(s.cases[0].kills.size() == 1);
  CHECK(s.cases[0].kills[0].worker == 1);
  CHECK(s.cases[0].kills[0].at == 150 * kMillisecond);
  CHECK(s.checks[0].at_most == 16'000.0);
}

TEST_CASE("arms are read with their settings, and change the scenario's queues for themselves") {
  const Scenario s = rich();
  const Arm& loop = s.arms[0];
  CHECK(loop.accept == Accept::one);
  CHECK(loop.accept_limit == 0);
  CHECK(loop.connections == 5);
  CHECK(loop.shared_counters);
  CHECK(loop.cancel);
  CHECK(loop.backend == Backend::io_uring);
  CHECK(loop.queues.at("jobs").shared);
  CHECK(loop.queues.at("jobs").workers == 3);
  CHECK(loop.queues.at("jobs").capacity == 8);
  const Arm& pool = s.arms[1];
  CHECK_FALSE(pool.queues.at("jobs").shared);
  CHECK(pool.pool_processes);
  CHECK(pool.accept_limit == 8);
  CHECK(pool.connections == 0);
}

TEST_CASE("a scale multiplies what clients do, not how patient somebody is") {
  Overrides overrides;
  overrides.scale = 0.1;
  const Scenario s = rich(overrides);
  CHECK(s.cases[0].loads[0].body_over == 200 * kMillisecond);
  CHECK(s.cases[0].loads[0].body_bytes == 20'000'000);
  CHECK(s.cases[0].loads[0].then->every == 2 * kMillisecond);
  CHECK(s.cases[0].loads[0].then->at_most == 5 * kSecond);
  CHECK(s.cases[0].loads[1].hang_up == 3 * kMillisecond);
  CHECK(s.cases[0].kills[0].at == 15 * kMillisecond);
  CHECK(s.routes[0].body_deadline == 20 * kSecond);
}

TEST_CASE("options change what hangs on threads and workers, and are refused where that makes no sense") {
  Overrides overrides;
  overrides.threads = 3;
  CHECK(rich(overrides).arms[1].accept_limit == 3);
  CHECK(rich(overrides).arms[0].threads == 3);  // the dependency of `predict` goes to its pool
  overrides = {};
  overrides.workers = 1;
  const Result<Scenario> lone = parse_scenario(kRich, "rich.toml", kTestModes, overrides);
  REQUIRE_FALSE(lone.has_value());
  CHECK(lone.error().message ==
        "rich.toml:32:1: kill: there is no worker 1 in arm 'loop', which has one (the first is 0)");
  overrides = {};
  overrides.fresh_connections = true;
  const Result<Scenario> fresh = parse_scenario(kRich, "rich.toml", kTestModes, overrides);
  REQUIRE_FALSE(fresh.has_value());
  CHECK(fresh.error().message.find("--connections fresh: route 'chat' is a WebSocket") == 0);
}

TEST_CASE("a step that a mode cannot do names the arm, the route and the mode") {
  expect_slips({
      {"mode = \"async-loop\"",
       "mode = { predict = \"thread-pool\", result = \"async-loop\", chat = \"async-loop\" }", "8:55",
       "'yield' needs a handler on the loop, but arm 'loop' runs route 'predict' in thread-pool"},
      {"result = \"async-loop\", chat = \"offload\" }\npool = \"processes\"",
       "result = \"thread-pool\", chat = \"offload\" }", "12:10",
       "'result' needs a handler on the loop, but arm 'pool' runs route 'result' in thread-pool"},
  });
}

TEST_CASE("a setting that changes nothing says what it belongs to") {
  expect_slips({
      {"accept = \"one\"\naccept_limit = 0", "accept_limit = 0", "39:16",
       "accept_limit belongs to accept = \"one\""},
      {"accept_limit = 0", "accept_limit = \"thread\"", "40:16", "unknown accept_limit 'thread'"},
      {"accept_limit = 0", "accept_limit = -1", "40:16", "from 0 to 100,000"},
      {"pool = \"processes\"", "pool = \"process\"", "49:8", "unknown pool 'process' (did you mean"},
      {"cancel = true", "pool = \"processes\"", "43:8", "pool belongs to mode = \"offload\""},
      {", connection = true", "", "41:15", "connections changes nothing"},
      {"{ increment = true }, ", "", "42:12", "counters changes nothing: no step is increment"},
      {"counters = \"shared\"", "counters = \"sqlite\"", "42:12", "unknown counters 'sqlite'"},
      {"backend = \"io_uring\"", "backend = \"iouring\"", "44:11", "did you mean 'io_uring'?"},
      {"connections = 5", "connections = 0", "41:15", "from 1 to 10,000"},
      {"trace = \"path\"", "trace = \"paths\"", "2:9", "did you mean 'path'?"},
  });
}

TEST_CASE("queues that nobody fills or knows are mistakes") {
  expect_slips({
      {"[queues.jobs]", "[queues.job]", "16:9", "nothing is put into queue 'job' (did you mean 'jobs'?"},
      {"queues.jobs.scope", "queues.job.scope", "45:8", "nothing is put into queue 'job'"},
      {"result = \"jobs\"", "result = \"job\"", "12:10", "result: unknown queue 'job' (did you mean 'jobs'?"},
      {"workers = 3", "worker = 3", "17:1", "in queue 'jobs' (did you mean 'workers'?"},
      {"scope = \"shared\"", "scope = \"all\"", "45:21", "unknown scope 'all' (known: process, shared)"},
      {"capacity = 8", "capacity = 0", "18:12", "from 1 to 1,000,000"},
  });
}

TEST_CASE("loads that ask for what cannot be say why") {
  expect_slips({
      {"route = \"chat\"\n", "route = \"result\"\n", "28:9", "which only `then` of another load fills in"},
      {"keep = \"task_id\"\n", "", "25:8", "add keep = \"task_id\""},
      {"keep = \"task_id\"", "keep = \"task id\"", "25:8", "keep names a key of the reply"},
      {"then = { route = \"result\"", "then = { route = \"predict\"", "26:18", "no part in braces"},
      {"then = { route = \"result\"", "then = { route = \"chat\"", "26:18", "then sends HTTP requests"},
      {", until = \"done\"", "", "26:8", "then of load needs the key 'until'"},
      {"every = \"20ms\"", "every = \"0ms\"", "26:36", "every must be longer than 0ms"},
      {"keep = \"task_id\"", "keep = \"task_id\"\nhang_up = \"1ms\"", "27:8",
       "a client that hangs up sends nothing more"},
      {"body = \"20MB\"\n", "", "23:13", "add body = \"20MB\""},
      {"hang_up = \"30ms\"", "body = \"1kB\"", "31:8", "a WS request has no body"},
      {"hang_up = \"30ms\"", "connections = \"fresh\"", "31:15", "a WebSocket is opened before the load"},
      {"hang_up = \"30ms\"", "hang_up = \"0ms\"", "31:11", "longer than 0ms"},
      {"worker = 1", "worker = 2", "32:1", "there is no worker 2 in arm 'loop', which has 2"},
      {"at = \"150ms\"\n", "", "32:1", "kill needs the key 'at'"},
  });
}

TEST_CASE("routes that nobody could ask are mistakes") {
  expect_slips({
      {"/result/{task_id}", "/result/{task_id}/{other}", "11:11", "at most one part in braces"},
      {"/result/{task_id}", "/result-{task_id}", "11:11", "at most one part in braces"},
      {"/result/{task_id}", "/result", "26:18", "no part in braces"},
      {"{ steps = [{ wait = \"1ms\" }] }", "{ steps = [{ yield = true }] }", "8:33", "it needs the loop"},
      {"body_limit = \"32MB\"", "body_limit = 32", "6:14", "must be a string in quotes"},
      {"deadline = \"20s\"", "deadline = \"0s\"", "7:12", "longer than 0ms"},
      {"async = true", "async = 1", "8:82", "must be true or false"},
  });
}

TEST_CASE("what a reply says, and the JSON of a request, are lists of what there is") {
  const std::string steps = "steps = [{ increment = true }", deadline = "deadline = \"20s\"";
  expect_slips({
      {deadline, "reply = [\"mesage\"]", "7:10", "unknown reply 'mesage' (did you mean 'message'?"},
      {deadline, "reply = [\"message\", \"message\"]", "7:21", "reply names message twice"},
      {deadline, "reply = []", "7:9", "reply must be an array of its keys"},
      {deadline, "reply = [\"prediction\"]", "7:10", "prediction needs a step such as { infer = \"100ms\" }"},
      {"steps = [{ result = \"jobs\" }]", "steps = []\nreply = [\"end_time\"]", "13:10",
       "it has no end_time"},
      {deadline, "body = [1]", "7:8", "body must be a table such as { features = [0.2, 0.8] }"},
      {deadline, "body = { x = [] }", "7:14", "'x' must be a list of numbers"},
      {deadline, "body = { x = [1, \"2\"] }", "7:14", "'x' must be a list of numbers"},
      {deadline, "body = { 1st = [1] }", "7:16", "'1st' must be a name of letters, digits and _"},
      {deadline, "body = { x = [1] }", "23:8",
       "requests on route 'predict' bring the JSON that the route says"},
      {steps, "body = { x = [1] }\n" + steps, "15:8", "a WS brings none"},
      {"trace = \"path\"", "port = 0", "2:8", "port"},
  });
}

TEST_CASE("a result needs the id of its job in the path") {
  std::string text = change("/result/{task_id}", "/result");
  const std::size_t then = text.find("then = ");
  text.erase(then, text.find('\n', then) - then);
  text.replace(text.find(", \"predict.turnaround.max\""), 26, "");
  const Result<Scenario> scenario = parse_scenario(text, "result.toml", kTestModes);
  REQUIRE_FALSE(scenario.has_value());
  CHECK(scenario.error().message.find("result.toml:12:10: result: the job's id comes from the path") == 0);
}

TEST_CASE("WSGI has no WebSockets") {
  std::string text = kRich.substr(0, kRich.find("[[arms]]"));
  text = text.substr(0, text.find("[routes.predict]")) +
         "[routes.chat]\nrequest = \"WS /chat\"\nsteps = []\n" +
         "[[load]]\nroute = \"chat\"\narrivals = \"burst\"\nrequests = 1\n" +
         "[[arms]]\nid = \"flask\"\nmode = \"thread-per-request\"\n";
  text.replace(text.find("show"), text.find('\n', text.find("show")) - text.find("show"), "");
  const Result<Scenario> scenario = parse_scenario(text, "ws.toml", kTestModes);
  REQUIRE_FALSE(scenario.has_value());
  CHECK(scenario.error().message.find("route 'chat' is a WebSocket, which arm 'flask' cannot serve") !=
        std::string::npos);
}

TEST_CASE("stats that would never have a value say what they need") {
  expect_slips({
      {"\"predict.turnaround.max\"", "\"chat.turnaround.max\"", "3:22",
       "add then = { … } to the load of route 'chat'"},
      {"\"value.max\"", "\"chat.value.max\"", "3:9", "add keep = \"count\""},
      {"\"server.memory\"]", "\"switch.time\"]", "3:48", "no step is a switch"},
      {"at_most = \"16kB\"", "at_most = \"16\"", "56:11", "is not a size"},
  });
}

TEST_CASE("every arm that is run has the worker that is killed") {
  CHECK(parse_scenario(change("workers = 2\n", "workers = 1\npredict_only = true\n"), "kill.toml", kTestModes)
            .has_value());
}
