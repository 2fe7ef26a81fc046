#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "scenarios/loader/loader.hpp"
#include "scenarios/loader/testing/test_modes.hpp"

using namespace lab;

namespace {

// Line numbers of the cases below are those of this text.
const std::string kGood = R"toml(question = "What do others notice?"
sources = ["D3"]
budget = "40s"
params = { d = "5s" }
order = 3
show = ["ping.latency.max"]

[routes.slow]
request = "GET /slow"
steps = [{ wait = "$d" }, { cpu = "5ms", blocking = true }]
[routes.ping]
request = "GET /ping"
steps = []

[[load]]
route = "slow"
arrivals = "burst"
requests = 1
[[load]]
route = "ping"
arrivals = "constant"
every = "100ms"
from = "50ms"
until = "$d"

[[arms]]
id = "blocking"
mode = "blocking-loop"
workers = 2
documented = { "ping.latency.max" = "~5s" }
[[arms]]
id = "beside"
mode = { slow = "thread-pool", ping = "async-loop" }
threads = 8

[[checks]]
stat = "ping.latency.max"
arm = "blocking"
within = "3%"

[[ask]]
text = "Slowest ping?"
answer = "blocking.ping.latency.max"
wrong = [{ value = "0s", say = "No." }]
[explain]
text = "It sleeps."
next = "pool-limit"
)toml";

struct Bad {
  std::string what, instead;  ///< of the good text
  std::string place;          ///< line:column of the message
  std::string phrase;         ///< that the message holds
};

std::string change(const Bad& bad) {
  std::string text = kGood;
  const std::size_t at = text.find(bad.what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, bad.what.size(), bad.instead);
}

std::string repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

void expect(const std::string& text, const std::string& place, const std::string& phrase) {
  const Result<Scenario> scenario = parse_scenario(text, "dir/bad.toml", kTestModes);
  REQUIRE_FALSE(scenario.has_value());
  const std::string& message = scenario.error().message;
  INFO(message);
  CHECK(scenario.error().kind == ErrorKind::usage);
  CHECK(message.substr(0, message.find(": ")) == "dir/bad.toml:" + place);
  CHECK(message.find(phrase) != std::string::npos);
  CHECK(message.find('\n') == std::string::npos);
  CHECK(message.size() < 600);
}

void expect_all(const std::vector<Bad>& all) {
  for (const Bad& bad : all) {
    INFO(bad.what << " -> " << bad.instead);
    expect(change(bad), bad.place, bad.phrase);
  }
}

}  // namespace

TEST_CASE("the text that the bad inputs are made from is good") {
  CHECK(parse_scenario(kGood, "good.toml", kTestModes).has_value());
}

TEST_CASE("an unknown key is named with the nearest known one") {
  expect_all({
      {"question", "qestion", "1:1", "unknown key 'qestion' in the scenario (did you mean 'question'?"},
      {"order = 3", "ordr = 3", "5:1", "did you mean 'order'?"},
      {"[[arms]]", "[[arm]]", "26:3", "unknown key 'arm' in the scenario (did you mean 'arms'?"},
      {"request = \"GET /slow\"", "requst = \"GET /slow\"", "9:1",
       "in route 'slow' (did you mean 'request'?"},
      {"blocking = true", "blockng = true", "10:42", "unknown key 'blockng' in step 2 of route 'slow'"},
      {"every =", "evry =", "22:1", "in load (did you mean 'every'?"},
      {"workers =", "worker =", "29:1", "in arm 'blocking' (did you mean 'workers'?"},
      {"within =", "witin =", "39:1", "in check (did you mean 'within'?"},
      {"text = \"Slowest", "txt = \"Slowest", "42:1", "in ask (did you mean 'text'?"},
      {"say = \"No.\"", "says = \"No.\"", "44:26", "in wrong answer (did you mean 'say'?"},
      {"next =", "nxt =", "47:1", "in explain (did you mean 'next'?"},
      {"order = 3", "\"a\\u0007\\nb\" = 3", "5:1", "unknown key 'a??b'"},
  });
}

TEST_CASE("an unknown word is named with the nearest known one") {
  expect_all({
      {"wait = \"$d\"", "wiat = \"$d\"", "10:12",
       "unknown step 'wiat' in step 1 of route 'slow' (did you mean 'wait'?"},
      {"{ wait = \"$d\" }", "{ blocking = true }", "10:10", "does nothing; write one of wait, cpu"},
      {"{ wait = \"$d\" }", "{ wait = \"1s\", cpu = \"1s\" }", "10:10", "both 'wait' and 'cpu'"},
      {"{ wait = \"$d\" }", "\"1s\"", "10:10", "each step of route 'slow' must be a table"},
      {"route = \"ping\"", "route = \"pong\"", "20:9",
       "unknown route 'pong' (did you mean 'ping'? known: slow, ping)"},
      {"\"burst\"", "\"brust\"", "17:12", "unknown arrivals 'brust' (did you mean 'burst'?"},
      {"\"blocking-loop\"", "\"blocking\"", "28:8", "unknown mode 'blocking' (did you mean 'blocking-loop'?"},
      {"\"async-loop\" }", "\"asink-loop\" }", "33:39", "did you mean 'async-loop'?"},
      {"ping = \"async-loop\"", "pong = \"async-loop\"", "33:32",
       "unknown key 'pong' in mode of arm 'beside'"},
      {", ping = \"async-loop\"", "", "33:8", "mode of arm 'beside' needs the key 'ping'"},
      {"arm = \"blocking\"", "arm = \"blockin\"", "38:7", "unknown arm 'blockin' (did you mean 'blocking'?"},
      {"arm = \"blocking\"", "case = \"mian\"", "38:8", "unknown case 'mian' (did you mean 'main'?"},
      {"stat = \"ping.latency.max\"", "stat = \"ping.latncy.max\"", "37:8", "did you mean 'latency'?"},
      {"stat = \"ping.latency.max\"", "stat = \"pong.latency.max\"", "37:8",
       "unknown route 'pong' (did you mean 'ping'?"},
      {"show = [\"ping.latency.max\"]", "show = [\"ping.latency\"]", "6:9", "needs an aggregate"},
      {"show = [\"ping.latency.max\"]", "show = [\"makespan\", \"makespan\"]", "6:21", "twice"},
      {"{ \"ping.latency.max\"", "{ \"ping.latency.maxx\"", "30:16", "unknown quantity 'maxx'"},
      {"\"blocking.ping.", "\"blockin.ping.", "43:10", "unknown arm 'blockin' (did you mean 'blocking'?"},
      {"\"blocking.ping.latency.max\"", "\"makespan\"", "43:10",
       "must be an arm and a stat, such as \"blocking.makespan\""},
      {"wait = \"$d\"", "wait = \"$dd\"", "10:19", "unknown parameter '$dd' (did you mean 'd'? known: d)"},
      {"params = { d = \"5s\" }", "", "10:19", "there are none: add params = { d = \"100ms\" }"},
      {"\"GET /slow\"", "\"FETCH /slow\"", "9:11",
       "unknown method 'FETCH' (did you mean 'PATCH'? known: GET, POST, PUT, PATCH, DELETE, WS)"},
      {"threads = 8", "accept = \"gready\"", "34:10",
       "unknown accept 'gready' (did you mean 'greedy'? known: handoff, one, greedy, reuseport)"},
      {"requests = 1\n", "requests = 1\nconnections = \"open\"\n", "19:15", "did you mean 'opened'?"},
      {"requests = 1\n", "requests = 1\nconnections = \"process\"\nhang_up = \"1s\"\n", "20:11",
       "hang_up cannot be used with connections = \"process\""},
  });
}

TEST_CASE("a value of the wrong type says which one belongs there") {
  expect_all({
      {"\"What do others notice?\"", "5", "1:12",
       "question of the scenario must be a string in quotes, not a whole number"},
      {"[\"D3\"]", "\"D3\"", "2:11", "sources of the scenario must be an array of strings, not a string"},
      {"[\"D3\"]", "[\"D3\", 4]", "2:18", "must be a string in quotes, not a whole number"},
      {"\"40s\"", "40", "3:10",
       "budget must be a duration in quotes, such as \"100ms\" (a bare number has no unit)"},
      {"\"40s\"", "\"40\"", "3:10", "has no unit; write 40ms or 40s"},
      {"\"40s\"", "\"$d\"", "3:10", "budget is the time for the whole run"},
      {"{ d = \"5s\" }", "\"5s\"", "4:10", "params must be a table"},
      {"{ d = \"5s\" }", "{ d = \"5s\", e = \"$d\" }", "4:26", "cannot name another parameter"},
      {"order = 3", "order = 3.5", "5:9", "must be a whole number from 0 to 1,000,000, not a fraction"},
      {"steps = []", "steps = \"none\"", "13:9", "steps of route 'ping' must be an array"},
      {"blocking = true", "blocking = \"yes\"", "10:53", "must be true or false, not a string"},
      {"requests = 1\n", "requests = \"1\"\n", "18:12",
       "requests of load must be a whole number from 1 to 10,000,000, not a string"},
      {"mode = \"blocking-loop\"", "mode = 3", "28:8",
       "mode of arm 'blocking' must be a word such as \"async-loop\""},
      {"documented = { \"ping.latency.max\" = \"~5s\" }", "documented = \"~5s\"", "30:14", "must be a table"},
      {"\"~5s\"", "5", "30:37", "'5' is not a figure with a unit"},
      {"\"~5s\"", "\"fast\"", "30:37", "'fast' is not a figure with a unit"},
      {"\"ping.latency.max\" = \"~5s\"", "ping.latency.max = \"~5s\"", "30:16",
       "a stat with dots needs quotes"},
      {"value = \"0s\"", "value = 0", "44:20", "must be a duration in quotes"},
      {"[explain]\ntext = \"It sleeps.\"\nnext = \"pool-limit\"", "[[explain]]\ntext = \"It sleeps.\"",
       "45:1", "explain must be one table"},
      {"[[checks]]", "[checks]", "36:1", "checks must be an array of tables, not a table"},
      {"\"GET /slow\"", "\"/slow\"", "9:11", "write a method and a path"},
      {"\"GET /slow\"", "\"GET slow\"", "9:11", "path 'slow' must begin with '/'"},
      {"\"GET /slow\"", "\"GET /slöw\"", "9:11", "hold only letters"},
      {"\"It sleeps.\"", "\"It \\u001b[31msleeps.\"", "46:8", "control character"},
      {"\"What do others notice?\"", "\"What\\nnow?\"", "1:12", "line break or control character"},
  });
}

TEST_CASE("numbers out of range name the range") {
  expect_all({
      {"requests = 1\n", "requests = 0\n", "18:12", "requests of load is 0; it must be from 1 to 10,000,000"},
      {"requests = 1\n", "requests = -4\n", "18:12", "is -4; it must be from 1 to 10,000,000"},
      {"requests = 1\n", "requests = 10000001\n", "18:12", "is 10000001"},
      {"requests = 1\n", "requests = 99999999999999999999\n", "18:32", "not representable in 64 bits"},
      {"workers = 2", "workers = 10001", "29:11", "from 1 to 10,000"},
      {"workers = 2", "workers = 0", "29:11", "from 1 to 10,000"},
      {"threads = 8", "threads = 100001", "34:11", "from 1 to 100,000"},
      {"threads = 8", "cores = 0", "34:9", "cores of arm 'beside' is 0"},
      {"cpu = \"5ms\"", "cpu = \"-5ms\"", "10:35", "is negative"},
      {"cpu = \"5ms\"", "cpu = \"11y\"", "10:35", "unknown unit; use ns, us, ms, s, min or h"},
      {"cpu = \"5ms\"", "cpu = \"99999999h\"", "10:35", "more than ten years"},
      {"{ wait = \"$d\" }", "{ wait = \"50000h\" }, { wait = \"50000h\" }", "10:9",
       "take more than ten years"},
      {"d = \"5s\"", "d = \"nan\"", "4:16", "is not a duration"},
      {"every = \"100ms\"", "every = \"0ms\"", "22:9", "every must be longer than 0ms"},
      {"every = \"100ms\"", "every = \"1ns\"", "19:1", "make 4,950,000,000 requests; at most 10,000,000"},
      {"every = \"100ms\"", "rate = 0", "22:8", "rate must be a number of requests per second"},
      {"every = \"100ms\"", "rate = 1e9", "22:8", "from 0.001 to 1,000,000"},
      {"until = \"$d\"", "until = \"50ms\"", "19:1",
       "until (50 ms) is not after from (50 ms), so this load sends nothing"},
      {"until = \"$d\"", "requests = 10000000\n", "15:1", "at most 10,000,000 together"},
      {"within = \"3%\"", "within = \"0%\"", "39:10", "must be above 0%"},
      {"within = \"3%\"", "within = \"three%\"", "39:10", "must be above 0%"},
      {"within = \"3%\"", "at_most = \"1s\"\nat_least = \"2s\"", "39:11", "nothing can pass"},
      {"budget = \"40s\"", "budget = \"0ms\"", "3:10", "longer than 0ms"},
  });
}

TEST_CASE("what is missing is asked for with an example") {
  expect_all({
      {"question = \"What do others notice?\"\n", "", "1:1", "needs the key 'question', for example"},
      {"question = \"What do others notice?\"", "question = \"\"", "1:12", "question is empty"},
      {"request = \"GET /slow\"\n", "", "8:1", "route 'slow' needs the key 'request'"},
      {"steps = []\n", "", "11:1", "route 'ping' needs the key 'steps'"},
      {"route = \"slow\"\n", "", "15:1", "load needs the key 'route'"},
      {"arrivals = \"burst\"\n", "", "15:1", "load needs the key 'arrivals'"},
      {"requests = 1\n", "", "15:1", "load needs the key 'requests'"},
      {"every = \"100ms\"\n", "", "19:1",
       "needs the key 'every', for example every = \"100ms\" (or rate = 10)"},
      {"until = \"$d\"\n", "", "19:1", "needs either requests or until"},
      {"id = \"blocking\"\n", "", "26:1", "arm 1 needs the key 'id'"},
      {"mode = \"blocking-loop\"\n", "", "26:1", "arm 'blocking' needs the key 'mode'"},
      {"stat = \"ping.latency.max\"\n", "", "36:1", "check needs the key 'stat'"},
      {"within = \"3%\"\n", "", "37:8", "this check demands nothing"},
      {"answer = \"blocking.ping.latency.max\"\n", "", "41:1", "ask needs the key 'answer'"},
      {", say = \"No.\"", "", "44:10", "wrong answer needs the key 'say'"},
      {"next = \"pool-limit\"", "next_reason = \"why?\"", "47:15", "without next"},
      {"arrivals = \"burst\"\nrequests = 1", "arrivals = \"closed\"\nrequests = 1", "15:1",
       "needs the key 'clients'"},
      {"arrivals = \"burst\"\nrequests = 1", "arrivals = \"staggered\"", "15:1", "needs the key 'at'"},
      {"arrivals = \"burst\"\nrequests = 1", "arrivals = \"staggered\"\nat = []", "18:6",
       "array of 1 to 10,000 durations"},
  });
}

TEST_CASE("what does not go together says why") {
  expect_all({
      {"id = \"beside\"", "id = \"blocking\"", "32:6", "there is already an arm 'blocking'"},
      {"\"GET /ping\"", "\"GET /slow\"", "12:11", "'GET /slow' is already route 'slow'"},
      {"id = \"beside\"", "id = \"Beside Me\"", "32:6", "arm 'Beside Me' is no id: use a-z, 0-9 and '-'"},
      {"[routes.slow]", "[routes.Slow]", "8:9", "route 'Slow' is no id"},
      {"{ d = \"5s\" }", "{ D = \"5s\" }", "4:12", "parameter 'D' is no id"},
      {"slow = \"thread-pool\"", "slow = \"thread-per-request\"", "33:8",
       "thread-per-request cannot be mixed"},
      {"workers = 2", "threads = 2", "29:11",
       "threads changes nothing: blocking-loop has neither a pool nor threads"},
      {"requests = 1\n", "requests = 1\nevery = \"1s\"\n", "19:9",
       "every means nothing to arrivals = \"burst\"; it belongs to constant, poisson"},
      {"until = \"$d\"", "until = \"$d\"\nrequests = 5", "24:9", "needs either requests or until"},
      {"every = \"100ms\"", "every = \"100ms\"\nrate = 5", "23:8", "both every and rate"},
      {"arrivals = \"burst\"\nrequests = 1", "arrivals = \"closed\"\nclients = 4\nrequests = 3", "18:11",
       "4 clients cannot share 3 requests"},
      {"within = \"3%\"", "within = \"3%\"\nequals = \"5s\"", "40:10", "one check demands one thing"},
      {"[[arms]]\nid = \"blocking\"", "[[cases]]\nid = \"a\"\nload = []\n[[arms]]\nid = \"blocking\"", "26:1",
       "both [[load]] and [[cases]]"},
      {"stat = \"ping.latency.max\"\narm = \"blocking\"\nwithin = \"3%\"",
       "stat = \"share(error)\"\nwithin = \"5ms\"", "38:10", "share(error) is no time"},
      {"stat = \"ping.latency.max\"\narm = \"blocking\"\nwithin = \"3%\"",
       "stat = \"share(error)\"\nequals = \"5s\"", "38:10",
       "must be a number of 0 or more, as share(error) has no unit"},
  });
  expect(
      "question = \"?\"\nroutes.a = { request = \"GET /\", steps = [] }\n[[cases]]\nid = \"x\"\nload = [{ "
      "route = "
      "\"a\", arrivals = \"burst\", requests = 1 }]\n[[cases]]\nid = \"x\"\nload = []\n",
      "7:6", "there is already a case 'x'");
  expect(
      "question = \"?\"\nroutes.a = { request = \"GET /\", steps = [] }\ncases = [{ id = \"x\", load = [] "
      "}]\n",
      "3:29", "load of case 'x' is empty");
  expect("question = \"?\"\nroutes = { }\n", "2:10", "routes is empty");
}

TEST_CASE("broken TOML has the parser's place and a hint for people") {
  expect_all({
      {"budget = \"40s\"", "budget = 40s", "3:12", "words and durations need quotes"},
      {"wait = \"$d\"", "wait = $d", "10:19", "words and durations need quotes"},
      {"\"burst\"", "burst", "17:12", "words and durations need quotes"},
      {"\"burst\"", "\"burst", "17:18", "is the closing quote missing?"},
      {"order = 3", "order = 3\norder = 4", "6:9", "cannot redefine existing integer 'order'"},
      {"order = 3", "order 3", "5:7", "broken TOML"},
      {"[[arms]]", "[[arms]", "26:8", "broken TOML"},
      {"{ d = \"5s\" }", "{\n d = \"5s\" }", "4:11", "a table in braces must be on one line"},
      {"order = 3", "order = \"\xff\xfe\"", "5:9", "invalid utf-8"},
      {"order = 3", std::string("order = \0", 9), "5:9", "broken TOML"},
  });
}

TEST_CASE("files that would exhaust a parser are refused") {
  expect("a" + repeat(".b", 300'000) + " = 1\n", "1:82", "nested more than 40 levels deep");
  expect("x = 1\na = " + repeat("[", 300'000), "2:45", "nested more than 40 levels deep");
  expect("a = " + repeat("{a=", 300'000), "1:125", "nested more than 40 levels deep");
  expect("[" + repeat("a.", 300'000) + "a]", "1:83", "nested more than 40 levels deep");
  expect("a" + repeat(".\"b\"", 200'000) + " = 1\n", "1:162", "nested more than 40 levels deep");
  expect(std::string(1'048'577, ' '), "1:1", "larger than 1 MB");
  // Dots and brackets in strings and comments are no nesting.
  expect("a = \"" + repeat(".[{", 100) + "\" # " + repeat("[.", 100) + "\nb = '''" + repeat("[.\n", 100) +
             "'''\n",
         "1:1", "unknown key 'a'");
}

TEST_CASE("too many of anything is refused") {
  const auto many = [](int n, const std::string& entry) {
    std::string text;
    for (int i = 0; i < n; ++i) text += fmt::format(fmt::runtime(entry), i);
    return text;
  };
  expect("question = \"?\"\n" + many(65, "routes.r{0} = {{ request = \"GET /{0}\", steps = [] }}\n"), "2:1",
         "there are 65 routes; at most 64");
  const std::string head = "question = \"?\"\nroutes.a = { request = \"GET /\", steps = [";
  expect(head + many(1001, "{{ wait = \"{}ms\" }}, ") + "] }\n", "2:41",
         "route 'a' has 1,001 steps; at most 1,000");
  const std::string load = "{ route = \"a\", arrivals = \"burst\", requests = 1 }";
  expect(head + "] }\nload = [" + repeat(load + ", ", 65) + "]\n", "3:8", "load has 65 entries; at most 64");
  expect(head + "] }\ncases = [" + many(65, "{{ id = \"c{}\", load = [] }}, ") + "]\n", "3:9",
         "cases has 65 entries; at most 64");
  expect(head + "] }\nload = [" + load + "]\narms = [" +
             many(65, "{{ id = \"a{}\", mode = \"async-loop\" }}, ") + "]\n",
         "4:8", "arms has 65 entries; at most 64");
  expect(
      head + "{ wait = \"80000h\" }] }\nload = [{ route = \"a\", arrivals = \"burst\", requests = 100 }]\n",
      "3:8", "more than 250 years one after another");
}
