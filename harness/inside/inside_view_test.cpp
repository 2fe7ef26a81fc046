#include "harness/inside/inside_view.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace lab;

namespace {

constexpr Nanos kMs = kMillisecond;

const std::string kHello =
    R"({"kind":"hello","language":"python","version":"3.11.2","pid":7,"loop":"uvloop","thread":7,"cwd":"/srv","libraries":["/usr"]})"
    "\n";
const std::string kLibrary =
    R"(["/usr/lib/python3/dist-packages/fastapi/routing.py",163,"run_endpoint_function"])";

std::string late(Nanos at, Nanos span, const std::string& frames) {
  return R"({"kind":"late","at_ns":)" + std::to_string(at) + R"(,"late_ns":)" + std::to_string(span) +
         R"(,"thread":7,"stack":[)" + frames + "]}\n";
}

/// A second of bursts, sixteen requests, that a probe wrote of.
InsideSeen probed(const std::string& lines) {
  InsideSeen seen;
  seen.bursts = {{0, kSecond, 16, 16}};
  seen.probed = true;
  seen.pid = 7;
  seen.runtime = "python";
  add_probe_lines(kHello + lines, 7, seen.probes);
  return seen;
}

Diagnosis serial(double service_s, BoundBy bound_by = BoundBy::waiting) {
  Diagnosis verdict;
  verdict.execution = Execution::serial;
  verdict.bound_by = bound_by;
  verdict.parallelism = 1;
  verdict.service_s = service_s;
  return verdict;
}

}  // namespace

TEST_CASE("the innermost line of the server's own code is named, and who called it") {
  const std::string frames = R"(["/srv/db.py",11,"load"],["/srv/main.py",22,"report"],)" + kLibrary;
  const InsideSeen seen = probed(late(100 * kMs, 700 * kMs, frames) + late(900 * kMs, 100 * kMs, kLibrary));
  const InsideView view = look_inside(seen, serial(0.05));
  REQUIRE(view.lines.size() == 1);
  const NamedLine& line = view.lines[0];
  CHECK(line.cause == LineCause::blocked_loop);
  CHECK(line.place == CodePlace{"/srv/db.py", 11, "load"});
  CHECK(line.called_from == std::vector<CodePlace>{{"/srv/main.py", 22, "report"}});
  CHECK(line.share == Approx(0.875));
  CHECK(line.per_request_s == Approx(0.7 / 16));
}

TEST_CASE("what was late outside of the bursts accuses nobody") {
  const InsideSeen seen = probed(late(2 * kSecond, 700 * kMs, R"(["/srv/main.py",22,"report"])"));
  CHECK(look_inside(seen, serial(0.05)).lines.empty());
}

TEST_CASE("a loop that is late for less than a framework's own work accuses nobody") {
  const InsideSeen seen = probed(late(100 * kMs, 20 * kMs, R"(["/srv/main.py",22,"report"])"));
  CHECK(look_inside(seen, serial(0.05)).lines.empty());
}

TEST_CASE("work of the framework on a handler's result is the handler's") {
  std::string line = late(100 * kMs, 700 * kMs, kLibrary);
  line.insert(line.size() - 2, R"(,"handler":["/srv/main.py",30,"everything"])");
  const InsideView view = look_inside(probed(line), serial(0.05));
  REQUIRE(view.lines.size() == 1);
  CHECK(view.lines[0].place.function == "everything");
  CHECK(view.lines[0].returns_it);
  CHECK(view.lines[0].inside->function == "run_endpoint_function");
}

TEST_CASE("a pool that is full is named by what its threads are in") {
  const std::string pool =
      R"({"kind":"pool","at_ns":100000000,"what":"threads","limit":40,"taken":40,"waiting":24,"name":"anyio's thread limiter","holders":[]})"
      "\n";
  const std::string threads =
      R"({"kind":"threads","at_ns":100000000,"stacks":[{"thread":9,"name":"AnyIO","count":40,"all":[9],"stack":[["/srv/main.py",12,"get_user"]]}]})"
      "\n";
  Diagnosis verdict = serial(0.1);
  verdict.execution = Execution::pool;
  verdict.parallelism = 40;
  const InsideView view = look_inside(probed(pool + threads), verdict);
  REQUIRE(view.lines.size() == 1);
  CHECK(view.lines[0].cause == LineCause::full_pool);
  CHECK(view.lines[0].place.function == "get_user");
  CHECK(view.lines[0].limit == 40);
  verdict.bound_by = BoundBy::cpu;
  CHECK(look_inside(probed(pool + threads), verdict).lines.empty());  // it lacks cores, not threads
  verdict.bound_by = BoundBy::waiting;
  verdict.execution = Execution::concurrent;
  CHECK(look_inside(probed(pool + threads), verdict).lines.empty());  // nobody waited for long
}

TEST_CASE("threads that wait for a queue name those that have what they wait for") {
  const std::string threads =
      R"({"kind":"threads","at_ns":100000000,"stacks":[)"
      R"({"thread":9,"count":35,"all":[9],"stack":[["/usr/lib/python3.11/threading.py",320,"wait"],["/usr/lib/python3.11/queue.py",171,"get"],["/srv/main.py",20,"report"]]},)"
      R"({"thread":10,"count":5,"all":[10],"stack":[["/srv/main.py",23,"report"]]}]})"
      "\n";
  Diagnosis verdict = serial(0.05);
  verdict.execution = Execution::pool;
  verdict.parallelism = 5;
  const InsideView view = look_inside(probed(threads), verdict);
  REQUIRE(view.lines.size() == 1);
  CHECK(view.lines[0].cause == LineCause::few_connections);
  CHECK(view.lines[0].place.line == 23);
  CHECK(view.lines[0].waits_at->line == 20);
  CHECK(view.lines[0].limit == 5);
  CHECK(view.lines[0].waiting == 35);
}

TEST_CASE("a lock of tasks names who holds it") {
  std::string lines;
  for (int i = 1; i < 5; ++i) {
    lines +=
        R"({"kind":"lock","at_ns":)" + std::to_string(i * 100 * kMs) +
        R"(,"name":"asyncio.Lock","waiting":9,"held_by":[["/usr/lib/python3.11/asyncio/tasks.py",639,"sleep"],["/srv/main.py",41,"report"]],)"
        R"("waiters":[[["/usr/lib/python3.11/asyncio/locks.py",113,"acquire"],["/srv/main.py",40,"report"]]]})"
        "\n";
  }
  const InsideView view = look_inside(probed(lines), serial(0.05));
  REQUIRE(view.lines.size() == 1);
  CHECK(view.lines[0].cause == LineCause::held_lock);
  CHECK(view.lines[0].place.line == 41);
  CHECK(view.lines[0].waits_at->line == 40);
}

TEST_CASE("what a probe writes is checked, and the end of a process may cut a line") {
  ProbeLines lines;
  add_probe_lines("{\"kind\":\"late\",\"at_ns\":\"x\",\"stack\":[1,[2],[\"a\",\"b\",3]]}\n[]\n{\"kind\":\"la",
                  7, lines);
  CHECK(lines.damaged == 2);
  REQUIRE(lines.late.size() == 1);
  CHECK(lines.late[0].at == 0);
  CHECK(lines.late[0].stack == CodeStack{{"a", 0, ""}});
}

TEST_CASE("a server without a probe's answer is said to have none") {
  InsideSeen seen;
  seen.probed = true;
  const InsideView view = look_inside(seen, serial(0.05));
  REQUIRE(view.obstacles.size() == 1);
  CHECK(view.obstacles[0].find("no probe answered from inside it: there is one for Python") == 0);
  seen.runtime = "python";
  CHECK(look_inside(seen, serial(0.05)).obstacles.front().find("it runs with -I, -E or -S") !=
        std::string::npos);
  seen.probes.errors = {"it knows Python 3.9 and later, and this is 3.6"};
  CHECK(look_inside(seen, serial(0.05)).obstacles ==
        std::vector<std::string>{"the probe: it knows Python 3.9 and later, and this is 3.6"});
}

TEST_CASE("files of the language, of packages and of the probe are not the server's own") {
  CHECK(is_own_code("/srv/main.py", {"/usr"}));
  CHECK(is_own_code("/usr/local/app/main.py", {"/usr"}));
  CHECK_FALSE(is_own_code("/usr/lib/python3.11/json/__init__.py", {"/usr"}));
  CHECK_FALSE(is_own_code("/srv/venv/lib/python3.11/site-packages/fastapi/routing.py", {"/srv/venv"}));
  CHECK_FALSE(is_own_code("/tmp/lab-inside-AbCdEf/sitecustomize.py", {}));
  CHECK_FALSE(is_own_code("<frozen runpy>", {}));
  CHECK_FALSE(is_own_code("node:fs", {}));
}
