#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "scenarios/loader/loader.hpp"
#include "scenarios/loader/testing/test_modes.hpp"

using namespace lab;
namespace fs = std::filesystem;

namespace {

/// A scenario whose one route has these steps, in an asynchronous handler.
Result<Scenario> with_steps(const std::string& steps, double scale = 1) {
  Overrides overrides;
  overrides.scale = scale;
  return parse_scenario(
      "question = \"?\"\nparams = { d = \"100ms\" }\n[routes.work]\nsteps = [" + steps +
          "]\nrequest = \"GET /work/{id}\"\n[routes.start]\nrequest = \"GET /\"\nsteps = []\n"
          "[[load]]\nroute = \"start\"\narrivals = \"burst\"\nrequests = 1\n"
          "[[arms]]\nid = \"a\"\nmode = \"async-loop\"\n",
      "steps.toml", kTestModes, overrides);
}

Plan plan(const std::string& steps, double scale = 1) {
  const Result<Scenario> scenario = with_steps(steps, scale);
  INFO((scenario ? steps : scenario.error().message));
  REQUIRE(scenario.has_value());
  return scenario->routes.front().plan;
}

template <class Kind>
Kind only(const std::string& step, double scale = 1) {
  const Plan steps = plan("{ " + step + " }", scale);
  REQUIRE(steps.size() == 1);
  REQUIRE(std::holds_alternative<Kind>(steps.front().action));
  return std::get<Kind>(steps.front().action);
}

void refused(const std::string& steps, const std::string& column, const std::string& phrase) {
  const Result<Scenario> scenario = with_steps(steps);
  INFO(steps);
  REQUIRE_FALSE(scenario.has_value());
  const std::string& message = scenario.error().message;
  INFO(message);
  CHECK(message.rfind("steps.toml:4:" + column + ": ", 0) == 0);
  CHECK(message.find(phrase) != std::string::npos);
  CHECK(message.size() < 600);
}

std::string nested(int levels, const std::string& inside) {
  std::string text = inside;
  for (int i = 0; i < levels; ++i) text.insert(0, "{ repeat = 2, steps = [").append("] }");
  return text;
}

}  // namespace

TEST_CASE("each kind of computing has a word of its own") {
  CHECK(only<Compute>("cpu = \"5ms\"").work == Work::spin);
  const Compute qr = only<Compute>("qrcode = \"200ms\"");
  CHECK(qr.work == Work::qr_code);
  CHECK(qr.duration == 200 * kMillisecond);
  CHECK(only<Compute>("infer = \"$d\"").work == Work::inference);
  CHECK(only<Compute>("infer = \"$d\"").duration == 100 * kMillisecond);
  const Compute sums = only<Compute>("sqrt_sum = 10_000_000");
  CHECK(sums.work == Work::sqrt_sum);
  CHECK(sums.units == 10'000'000);
  CHECK(sums.duration == 0);
}

TEST_CASE("a file to read is named or made, and its size is the work") {
  CHECK(only<Compute>("read = \"64MB\"").units == 64'000'000);
  CHECK(only<Compute>("read = { bytes = \"1.5kB\" }").units == 1'500);
  const std::string path = (fs::temp_directory_path() / "lab-steps-test-file").string();
  std::ofstream(path) << "12345";
  const Compute whole = only<Compute>("read = \"" + path + "\"");
  CHECK(whole.work == Work::file_read);
  CHECK(whole.file == path);
  CHECK(whole.units == 5);
  CHECK(only<Compute>("read = { file = \"" + path + "\", bytes = \"3B\" }").units == 3);
  refused("{ read = { file = \"" + path + "\", bytes = \"6B\" } }", "28", "the file has only 5 bytes");
  fs::remove(path);
}

TEST_CASE("switches are counted, and between what is said") {
  const Compute threads = only<Compute>("switch = { n = 100000, between = \"threads\" }");
  CHECK(threads.work == Work::thread_switch);
  CHECK(threads.units == 100'000);
  CHECK(only<Compute>("switch = { n = 1, between = \"coroutines\" }").work == Work::coroutine_switch);
  CHECK(only<Compute>("switch = { n = 1, between = \"processes\" }").work == Work::process_switch);
}

TEST_CASE("waits, calls and queries say what they hold meanwhile") {
  CHECK_FALSE(only<Wait>("wait = \"$d\"").on_connection);
  CHECK(only<Wait>("wait = \"$d\", connection = true").on_connection);
  CHECK(only<CallUpstream>("call = \"$d\"").keep_connection);
  CHECK_FALSE(only<CallUpstream>("call = \"$d\", connection = \"new\"").keep_connection);
  CHECK(only<Query>("query = \"$d\"").duration == 100 * kMillisecond);
  CHECK(only<Query>("query = \"$d\"").sql.empty());
  const Query sql = only<Query>("query = \"select 1\", takes = \"2ms\"");
  CHECK(sql.sql == "select 1");
  CHECK(sql.duration == 2 * kMillisecond);
}

TEST_CASE("steps hold other steps") {
  const Repeat repeat = only<Repeat>("repeat = 100, steps = [{ cpu = \"5ms\" }, { yield = true }]");
  CHECK(repeat.times == 100);
  REQUIRE(repeat.steps.size() == 2);
  CHECK(std::holds_alternative<Yield>(repeat.steps[1].action));
  const Gather gather = only<Gather>("gather = [[{ wait = \"1s\" }], [{ wait = \"2s\" }, { ready = true }]]");
  REQUIRE(gather.branches.size() == 2);
  CHECK(gather.branches[1].size() == 2);
  CHECK(only<Gather>("gather = 3, steps = [{ wait = \"1s\" }]").branches.size() == 3);
  CHECK(only<Pooled>("pooled = [{ wait = \"1s\" }]").steps.size() == 1);
  CHECK(only<Forget>("forget = [{ wait = \"1s\" }]").steps.size() == 1);
  CHECK(only<Background>("background = [{ pooled = [{ wait = \"1s\" }] }]").steps.size() == 1);
  const Enqueue job = only<Enqueue>("enqueue = \"jobs\", steps = [{ infer = \"100ms\" }]");
  CHECK(job.queue == "jobs");
  CHECK(job.steps.size() == 1);
  CHECK(plan("{ enqueue = \"jobs\", steps = [{ cpu = \"1ms\" }] }, { result = \"jobs\" }").size() == 2);
  CHECK(plan("{ increment = true }").size() == 1);
}

TEST_CASE("a scale multiplies time and sums, not how often, how many bytes or how many switches") {
  CHECK(only<Compute>("qrcode = \"200ms\"", 0.1).duration == 20 * kMillisecond);
  CHECK(only<Compute>("sqrt_sum = 1000", 0.1).units == 100);
  CHECK(only<Compute>("sqrt_sum = 1", 0.1).units == 1);
  CHECK(only<Compute>("read = \"1MB\"", 0.1).units == 1'000'000);
  CHECK(only<Compute>("switch = { n = 1000, between = \"threads\" }", 0.1).units == 1'000);
  CHECK(only<Repeat>("repeat = 100, steps = [{ cpu = \"5ms\" }]", 0.1).times == 100);
  CHECK(only<CallUpstream>("call = \"1s\"", 0.1).duration == 100 * kMillisecond);
  CHECK(only<Query>("query = \"select 1\", takes = \"1s\"", 0.1).duration == 100 * kMillisecond);
}

TEST_CASE("a value that a step cannot take says what it takes") {
  refused("{ read = \"64\" }", "19", "'64' is not a size; write a number and B, kB, MB or GB");
  refused("{ read = \"64KB\" }", "19", "'64KB' is not a size");
  refused("{ read = \"0B\" }", "19", "must be from 1B to 100GB");
  refused("{ read = { bites = \"1MB\" } }", "21", "unknown key 'bites' in read of step 1");
  refused("{ read = { } }", "19", "needs the key 'bytes'");
  refused("{ read = { file = \"data.csv\" } }", "28", "write the whole path of a file");
  refused("{ read = \"/no/such/file\" }", "19", "No such file or directory; name a file, or a size");
  refused("{ read = \"/tmp\" }", "19", "read '/tmp': ");
  refused("{ switch = 5 }", "21", "switch of step 1 of route 'work' must be a table");
  refused("{ switch = { n = 5, between = \"fibres\" } }", "40",
          "unknown between 'fibres' (known: coroutines, threads, processes)");
  refused("{ switch = { between = \"threads\" } }", "21", "needs the key 'n'");
  refused("{ sqrt_sum = \"many\" }", "23", "must be a whole number");
  refused("{ call = \"1s\", connection = \"keep\" }", "38",
          "unknown connection 'keep' (did you mean 'kept'?");
  refused("{ wait = \"1s\", connection = \"kept\" }", "38", "must be true or false");
  refused("{ query = \"select 1\" }", "10", "needs the key 'takes'");
  refused("{ query = \"$d\", takes = \"1s\" }", "34", "takes belongs to a query in SQL");
  refused("{ query = \"soon\" }", "20", "'soon' is not a duration");
  refused("{ yield = false }", "20", "yield = false does nothing");
  refused("{ increment = 1 }", "24", "must be true or false");
  refused("{ repeat = 0, steps = [{ wait = \"1s\" }] }", "21", "from 1 to 200,000");
  refused("{ repeat = 5, steps = [] }", "32", "is empty; it needs at least one step");
  refused("{ repeat = 5 }", "10", "needs the key 'steps'");
  refused("{ gather = [] }", "21", "must be an array of step lists");
  refused("{ gather = [{ wait = \"1s\" }] }", "22", "must be an array such as");
  refused("{ gather = [[{ wait = \"1s\" }]], steps = [] }", "50", "the lists in gather are the steps");
  refused("{ gather = 2, steps = [{ wiat = \"1s\" }] }", "35",
          "unknown step 'wiat' in step 1.1 of route 'work' (did you mean 'wait'?");
  refused("{ enqueue = \"My Jobs\", steps = [{ wait = \"1s\" }] }", "22", "queue 'My Jobs' is no id");
}

TEST_CASE("a step in a place where nobody could do it says where it belongs") {
  refused("{ pooled = [{ yield = true }] }", "32", "it needs the loop");
  refused("{ pooled = [{ gather = [[], []] }] }", "33", "'gather' cannot stand here");
  refused("{ enqueue = \"jobs\", steps = [{ pooled = [{ wait = \"1s\" }] }] }", "50", "put it outside");
  refused("{ repeat = 2, steps = [{ background = [{ wait = \"1s\" }] }] }", "48",
          "write it directly into the route's steps");
  refused("{ gather = [[{ result = \"jobs\" }]] }", "34", "belongs to the handler itself");
  refused("{ pooled = [{ wait = \"1s\", blocking = true }] }", "48", "a step that runs in a thread blocks");
  refused("{ gather = 2, blocking = true, steps = [{ wait = \"1s\" }] }", "35",
          "write it into the steps that wait or compute");
}

TEST_CASE("plans stay small enough to be read, and requests small enough to be served") {
  CHECK(with_steps(nested(15, "{ wait = \"1us\" }")).has_value());
  const Result<Scenario> deep = with_steps(nested(16, "{ wait = \"1us\" }"));
  REQUIRE_FALSE(deep.has_value());
  CHECK(deep.error().message.find("is nested more than 16 levels deep") != std::string::npos);
  refused("{ gather = 1000, steps = [{ wait = \"1s\" }] }", "10",
          "more than 1,000 steps, nested ones counted");
  refused("{ repeat = 200000, steps = [{ ready = true }] }", "9", "executes more than 200,000 steps");
  CHECK(with_steps("{ repeat = 100000, steps = [{ ready = true }] }").has_value());
  refused("{ repeat = 1000, steps = [{ wait = \"1000h\" }] }", "9", "take more than ten years");
  refused("{ background = [{ repeat = 1000, steps = [{ wait = \"1000h\" }] }] }", "25",
          "take more than ten years");
}
