#include <catch2/catch.hpp>

#include "scenarios/export/python_file.hpp"
#include "scenarios/export/testing/export_testing.hpp"

namespace lab {

using test::has;
using test::scenario_of;
using test::source_of;

namespace {

const Plan kSleep{{Wait{100 * kMillisecond}}};

}  // namespace

TEST_CASE("main.py is what a teacher would write, and no more") {
  CHECK(source_of("blocking-loop", kSleep) == R"py("""What is it?"""
import time

from fastapi import FastAPI

app = FastAPI()


@app.post("/delay")
async def delay():
    time.sleep(0.1)
    return {"message": "done"}
)py");
}

TEST_CASE("a program that listens by itself is the documents' file: its name, times, worker, log and port") {
  Scenario scenario = scenario_of("blocking-loop", {{Wait{3 * kSecond}}});
  scenario.name = "main-worker";
  scenario.port = 8005;
  scenario.arms.front().workers = 4;
  scenario.routes.front().reply = {ReplyField::message, ReplyField::start_time, ReplyField::end_time,
                                   ReplyField::worker_id};
  const ExportedServer server = test::exported(scenario).value();
  CHECK(server.files.front().name == "main_worker.py");
  CHECK(server.files.front().text == R"py("""What is it?"""
import logging
import os
import time
from datetime import datetime

from fastapi import FastAPI

app = FastAPI()
logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s worker=%(process)d")
logging.getLogger("uvicorn").propagate = False  # it prints its own lines
logger = logging.getLogger(__name__)


def clock():
    return datetime.now().isoformat(" ", "microseconds")


@app.post("/delay")
async def delay():
    start_time = clock()
    logger.info("start POST /delay")
    time.sleep(3)
    end_time = clock()
    logger.info("end POST /delay")
    reply = {
        "message": "Response after 3 seconds delay",
        "start_time": start_time,
        "end_time": end_time,
        "worker_id": os.getpid(),
    }
    logger.info("send %s", reply)
    return reply


if __name__ == "__main__":
    import uvicorn

    uvicorn.run("main_worker:app", host="0.0.0.0", port=8005, workers=4)
)py");
  CHECK(server.by_hand == "uvicorn main_worker:app --loop asyncio --host 0.0.0.0 --port 8005 --workers 4");
  CHECK(has(server.files.back().text, "from main_worker import app as application"));
  scenario.name = "logging";
  CHECK(test::exported(scenario).value().files.front().name == "main_logging.py");
}

TEST_CASE("a route without steps greets as the documents' files do") {
  Scenario scenario = scenario_of("async-loop", {});
  CHECK(has(source_of(scenario), "    return {\"message\": \"Hello World\"}\n"));
  CHECK(has(source_of(scenario, ExportTarget::node), "return { message: 'Hello World' };"));
  scenario.routes.front().reply = {ReplyField::message, ReplyField::worker_id};
  CHECK(has(source_of(scenario), "{\"message\": \"Hello World\", \"worker_id\": os.getpid()}"));
}

TEST_CASE("a handler takes the JSON of its route as a model, and replies with the prediction") {
  Scenario scenario = scenario_of("thread-pool", {{Compute{50 * kMillisecond, Work::inference}}});
  scenario.routes.front().body = {{"features", "[0.2,0.8]"}};
  scenario.routes.front().reply = {ReplyField::prediction};
  const std::string text = source_of(scenario);
  CHECK(has(text, "class DelayRequest(BaseModel):\n    features: list[float]\n"));
  CHECK(has(text,
            "def delay(body: DelayRequest):\n    prediction = infer(body.features, 0.05)\n"
            "    return {\"prediction\": prediction}\n"));
  scenario.arms.front().modes = {test::mode_named("task-queue")};
  CHECK(has(source_of(scenario),
            "    task_id = jobs.enqueue(infer, body.features, 0.05)\n"
            "    return {\"task_id\": task_id, \"status\": \"processing\"}\n"));
}

TEST_CASE("each execution model has its spelling") {
  CHECK(has(source_of("async-loop", kSleep), "async def delay():\n    await asyncio.sleep(0.1)\n"));
  CHECK(has(source_of("thread-pool", kSleep), "\ndef delay():\n    time.sleep(0.1)\n"));
  CHECK(has(source_of("offload", kSleep), "    await run_in_threadpool(time.sleep, 0.1)\n"));
  CHECK(has(source_of("task-queue", kSleep), "    task_id = jobs.enqueue(time.sleep, 0.1)\n"));
  CHECK(has(source_of("thread-per-request", kSleep), "def app(environ, start_response):"));
}

TEST_CASE("what main.py says has nothing of the lab's instruments") {
  for (const Traits& mode : kTestModes) {
    const std::string text = source_of(mode.name, kSleep);
    CHECK_FALSE(has(text, "lab"));
    CHECK_FALSE(has(text, "stamp"));
  }
}

TEST_CASE("a pool of another size than 40 is set at the start") {
  Scenario scenario = scenario_of("thread-pool", kSleep);
  CHECK_FALSE(has(source_of(scenario), "total_tokens"));
  scenario.arms.front().threads = 4;
  CHECK(has(source_of(scenario), "current_default_thread_limiter().total_tokens = 4"));
}

TEST_CASE("steps that hold others become functions of their own where one line does not do") {
  const Plan blocking{{Wait{kSecond}, true}};
  const std::string text = source_of("async-loop", {{Gather{{blocking, blocking}}}});
  CHECK(has(text, "async def delay_part():\n    time.sleep(1)\n"));
  CHECK(has(text, "    await asyncio.gather(delay_part(), delay_part())\n"));
  CHECK(has(source_of("async-loop", {{Repeat{20'000, {{Yield{}}}}}}),
            "    for _ in range(20_000):\n        await asyncio.sleep(0)\n"));
  CHECK(has(source_of("async-loop", {{Forget{kSleep}}}), "    asyncio.sleep(0.1)  # no await\n"));
  CHECK(has(source_of("async-loop", {{Background{{{Pooled{kSleep}}}}}}),
            "    tasks.add_task(time.sleep, 0.1)\n"));
}

TEST_CASE("a counter is a variable of the process, or a row that all workers share") {
  Scenario scenario = scenario_of("async-loop", {{Increment{}}});
  CHECK(has(source_of(scenario), "    global counter\n    counter += 1\n    return {\"count\": counter}\n"));
  scenario.arms.front().shared_counters = true;
  CHECK(has(source_of(scenario), "update counter set n = n + 1 returning n"));
}

TEST_CASE("computing is a fixed amount of work in a module beside it") {
  const auto server = test::exported(scenario_of("thread-pool", {{Compute{50 * kMillisecond}}})).value();
  CHECK(has(server.files.front().text, "from work import burn\n"));
  CHECK(has(server.files.front().text, "    burn(0.05)\n"));
  REQUIRE(server.files.size() == 3);
  CHECK(server.files[1].name == "work.py");
  CHECK(has(server.files[1].text, "def burn(seconds):"));
}

TEST_CASE("a database's statement is quoted as Python needs it") {
  const std::string text = source_of("async-loop", {{Query{kSecond, R"(select "a\b")"}}});
  CHECK(has(text, R"(await fetch("select \"a\\b\""))"));
}

TEST_CASE("the modules that must be installed follow from what is imported") {
  const auto modules = [](std::string_view mode, Plan plan) {
    return test::exported(scenario_of(mode, std::move(plan))).value().modules;
  };
  using Modules = std::vector<std::string>;
  CHECK(modules("async-loop", {{CallUpstream{kSecond}}}) == Modules{"fastapi", "uvicorn", "httpx"});
  CHECK(modules("blocking-loop", {{CallUpstream{kSecond}}}) == Modules{"fastapi", "uvicorn", "requests"});
  CHECK(modules("async-loop", {{Query{kSecond}}}) == Modules{"fastapi", "uvicorn", "asyncpg"});
  CHECK(modules("offload", {{Query{kSecond}}}) == Modules{"fastapi", "uvicorn", "psycopg2"});
  CHECK(modules("thread-per-request", kSleep) == Modules{"gunicorn"});
}

TEST_CASE("a route is never called like something that its module uses") {
  Scenario scenario = scenario_of("blocking-loop", {{Compute{0, Work::sqrt_sum, 1'000}}});
  scenario.routes.front().name = "sum";
  CHECK(has(source_of(scenario), "async def sum_():\n    sum(map(sqrt, range(1_000)))\n"));
  CHECK(python_identifier("two-words") == "two_words");
  CHECK(python_identifier("1st") == "route_1st");
  CHECK(python_identifier("class") == "class_");
}

TEST_CASE("a question cannot end the text that it stands in") {
  Scenario scenario = scenario_of("blocking-loop", kSleep);
  scenario.question = R"(A """ and a \)";
  CHECK(source_of(scenario).starts_with("\"\"\"A ''' and a '\"\"\"\n"));
}

TEST_CASE("bodies are read as far as the route allows") {
  Scenario scenario = scenario_of("async-loop", {});
  CHECK_FALSE(has(source_of(scenario), "request.stream()"));
  scenario.routes.front().body_limit = 32'000'000;
  CHECK(has(source_of(scenario), "if size > 32_000_000:"));
  CHECK(has(source_of(scenario), "async def delay(size=Depends(body_of_delay)):"));
}

}  // namespace lab
