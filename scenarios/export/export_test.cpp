#include "scenarios/export/export.hpp"
#include "lab/core/text.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "scenarios/export/testing/export_testing.hpp"

namespace lab {

using test::exported;
using test::has;
using test::reason;
using test::scenario_of;
using test::source_of;

namespace {

const Plan kWait{{Wait{100 * kMillisecond}}};
const Plan kCompute{{Compute{100 * kMillisecond}}};

}  // namespace

TEST_CASE("what a student types runs main.py, what the lab runs puts stamps around it") {
  Scenario scenario = scenario_of("blocking-loop", kWait);
  scenario.arms.front().workers = 4;
  const ExportedServer server = exported(scenario).value();
  CHECK(server.by_hand == "uvicorn main:app --loop asyncio --workers 4");
  CHECK(contains(server.arguments, "lab_stamps:app"));
  CHECK(contains(server.arguments, "{port}"));
  CHECK(contains(server.arguments, "--no-access-log"));
  CHECK(server.files.back().name == "lab_stamps.py");
}

TEST_CASE("the loop and who looks after the workers can be chosen") {
  const Scenario scenario = scenario_of("async-loop", kWait);
  const auto by_hand = [&](PythonLoop loop, Workers workers) {
    return exported(scenario, ExportTarget::fastapi, {loop, workers}).value().by_hand;
  };
  CHECK(by_hand(PythonLoop::uvloop, Workers::uvicorn) == "uvicorn main:app --loop uvloop");
  CHECK(by_hand(PythonLoop::uvloop, Workers::gunicorn) ==
        "gunicorn main:app -k uvicorn.workers.UvicornWorker -w 1");
  CHECK(by_hand(PythonLoop::asyncio, Workers::gunicorn) ==
        "gunicorn main:app -k asyncio_worker.AsyncioWorker -w 1");
}

TEST_CASE("a thread for each request is gunicorn's, one connection at a time its sync worker") {
  Scenario scenario = scenario_of("thread-per-request", kWait);
  scenario.arms.front().threads = 8;
  CHECK(exported(scenario).value().by_hand == "gunicorn main:app -k gthread --threads 8 -w 1");
  scenario = scenario_of("blocking-loop", kWait);
  scenario.arms.front().workers = 4;
  scenario.arms.front().accept = Accept::one;
  CHECK(exported(scenario).value().by_hand == "gunicorn main:app -k sync -w 4");
}

TEST_CASE("cores are the kernel's business") {
  Scenario scenario = scenario_of("thread-pool", kCompute);
  scenario.arms.front().cores = 2;
  CHECK(exported(scenario).value().by_hand.starts_with("taskset -c 0-1 uvicorn"));
}

TEST_CASE("the arm is described as Python executes it") {
  Scenario scenario = scenario_of("thread-pool", kCompute);
  scenario.arms.front().workers = 2;
  const Arm real = exported(scenario).value().arm;
  CHECK(real.gil);
  CHECK(real.accept == Accept::greedy);
  CHECK_FALSE(exported(scenario_of("offload", {{Compute{0, Work::file_read, 1'000}}})).value().arm.gil);
}

TEST_CASE("between requests a client of gunicorn's threads holds none, while it sends a body it does") {
  Scenario scenario = scenario_of("thread-per-request", kWait);
  CHECK(exported(scenario).value().arm.modes.front().idle == Resource::nothing);
  scenario.routes.front().body_limit = 32'000'000;
  CHECK(exported(scenario).value().arm.modes.front().idle == Resource::thread);
}

TEST_CASE("an arm without the interpreter lock runs unless another one is that already") {
  Scenario scenario = scenario_of("thread-pool", kCompute);
  CHECK(reason(scenario).empty());
  scenario.arms.push_back(scenario.arms.front());
  scenario.arms.back().id = "locked";
  scenario.arms.back().gil = true;
  CHECK(reason(scenario) == "Python 3.11 cannot run without its interpreter lock; 'locked' is that arm");
}

TEST_CASE("workers that are dealt their connections run unless another arm's take them") {
  Scenario scenario = scenario_of("blocking-loop", kWait);
  scenario.arms.front().workers = 4;
  CHECK(reason(scenario).empty());
  scenario.arms.push_back(scenario.arms.front());
  scenario.arms.back().id = "greedy";
  scenario.arms.back().accept = Accept::greedy;
  CHECK(has(reason(scenario), "'greedy' is that arm"));
}

TEST_CASE("what has no meaning there says why") {
  const auto with = [](auto change) {
    Scenario scenario = scenario_of("async-loop", kWait);
    scenario.arms.front().workers = 4;
    change(scenario.arms.front());
    return reason(scenario);
  };
  CHECK(has(with([](Arm& arm) { arm.predict_only = true; }), "only the model"));
  CHECK(has(with([](Arm& arm) { arm.backend = Backend::io_uring; }), "epoll"));
  CHECK(has(with([](Arm& arm) { arm.accept = Accept::reuseport; }), "SO_REUSEPORT"));
  CHECK(has(with([](Arm& arm) { arm.accept = Accept::one; }), "sync worker"));
  CHECK(has(reason(scenario_of("thread-per-request", {{Background{kWait}}})), "WSGI"));
  Scenario keyword = scenario_of("async-loop", kWait);
  keyword.routes.front().body = {{"class", "[1]"}};
  CHECK(has(reason(keyword), "'class', a word that Python or main.py uses"));
}

TEST_CASE("Node runs what one loop can run") {
  const Scenario scenario =
      scenario_of("async-loop", {{Repeat{2, {{Compute{5 * kMillisecond}}, {Yield{}}}}}, {Wait{kSecond}}});
  const std::string text = source_of(scenario, ExportTarget::node);
  CHECK(has(text, "'POST /delay': async () => {"));
  CHECK(has(text, "burn(5);"));
  CHECK(has(text, "await turn();"));
  CHECK(has(text, "await sleep(1000);"));
  CHECK(has(source_of(scenario_of("blocking-loop", kWait), ExportTarget::node), "sleepSync(100);"));
  CHECK(exported(scenario, ExportTarget::node).value().by_hand == "node server.js");
  CHECK(has(reason(scenario_of("thread-pool", kWait), ExportTarget::node), "no pool"));
  CHECK(has(reason(scenario_of("async-loop", {{Query{kSecond}}}), ExportTarget::node),
            "waiting and computing"));
}

TEST_CASE("Node's workers are dealt their connections in turn") {
  Scenario scenario = scenario_of("blocking-loop", kWait);
  scenario.arms.front().workers = 4;
  CHECK(has(source_of(scenario, ExportTarget::node), "for (let i = 0; i < 4; i++) cluster.fork();"));
  CHECK(exported(scenario, ExportTarget::node).value().arm.accept == Accept::handoff);
}

}  // namespace lab
