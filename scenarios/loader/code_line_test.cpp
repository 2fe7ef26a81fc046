#include "scenarios/loader/code_line.hpp"

#include <catch2/catch.hpp>

using namespace lab;

namespace {

std::string fastapi_line(const Route& route, const Traits& mode, std::size_t longest = 72) {
  return lab::fastapi_line(route, mode, {}, longest);
}

constexpr Resource kLoop = Resource::loop;
constexpr Resource kPool = Resource::pool;
const Traits kBlocking{"blocking-loop", "", "", kLoop, kLoop, kLoop, Resource::nothing};
const Traits kAsync{"async-loop", "", "", kLoop, Resource::nothing, kLoop, Resource::nothing};
const Traits kOffload{"offload", "", "", kLoop, kPool, kPool, Resource::nothing};
const Traits kThreadPool{"thread-pool", "", "", kPool, kPool, kPool, Resource::nothing};

Route delay(Step step) {
  return {"delay", "POST", "/delay", {step}};
}

}  // namespace

TEST_CASE("a wait is spelt as each execution model waits") {
  const Route route = delay({Wait{100 * kMillisecond}});
  CHECK(fastapi_line(route, kBlocking) == "async def delay(): time.sleep(0.1)");
  CHECK(fastapi_line(route, kAsync) == "async def delay(): await asyncio.sleep(0.1)");
  CHECK(fastapi_line(route, kOffload) == "async def delay(): await run_in_threadpool(time.sleep, 0.1)");
  CHECK(fastapi_line(route, kThreadPool) == "def delay(): time.sleep(0.1)");
}

TEST_CASE("a blocking step is a blocking call even in an asynchronous handler") {
  CHECK(fastapi_line(delay({Wait{kSecond}, true}), kAsync) == "async def delay(): time.sleep(1)");
}

TEST_CASE("whatever a step does, it is one statement of Python as its handler would write it") {
  const auto in = [](const Traits& mode, Step step) {
    const std::string line = fastapi_line(delay(std::move(step)), mode, 200);
    return line.substr(line.find(": ") + 2);
  };
  CHECK(in(kAsync, {Compute{5'000}}) == "burn(0.000005)");
  CHECK(in(kOffload, {Compute{50 * kMillisecond}}) == "await run_in_threadpool(burn, 0.05)");
  CHECK(in(kThreadPool, {Compute{0, Work::sqrt_sum, 10'000'000}}) == "sum(map(sqrt, range(10_000_000)))");
  CHECK(in(kAsync, {Compute{kSecond, Work::qr_code}}) == "qrcode.make(text)");
  CHECK(in(kAsync, {Compute{kSecond, Work::inference}}) == "model.predict(features)");
  CHECK(in(kAsync, {Compute{0, Work::file_read, 1'000}}) == "read_file(path)");
  CHECK(in(kAsync, {Compute{0, Work::thread_switch, 1'000}}) == "switch_threads(1_000)");
  CHECK(in(kAsync, {CallUpstream{kSecond}}) == "await client.get(url)");
  CHECK(in(kAsync, {CallUpstream{kSecond, false}}) == "await httpx.AsyncClient().get(url)");
  CHECK(in(kBlocking, {CallUpstream{kSecond}}) == "session.get(url)");
  CHECK(in(kThreadPool, {CallUpstream{kSecond, false}}) == "requests.get(url)");
  CHECK(in(kOffload, {CallUpstream{kSecond}}) == "await run_in_threadpool(session.get, url)");
  CHECK(in(kAsync, {Query{kSecond}}) == "await fetch(\"select pg_sleep(1)\")");
  CHECK(in(kThreadPool, {Query{kSecond, "select 1"}}) == "cursor.execute(\"select 1\")");
  CHECK(in(kAsync, {Wait{kSecond, true}}) == "async with connect(): await asyncio.sleep(1)");
  CHECK(in(kThreadPool, {Wait{kSecond, true}}) == "with connect(): time.sleep(1)");
  CHECK(in(kAsync, {Increment{}}) == "counter += 1");
  CHECK(in(kAsync, {Yield{}}) == "await asyncio.sleep(0)");
  CHECK(in(kAsync, {Ready{}}) == "await is_there_already()");
  CHECK(in(kAsync, {Pooled{{{Wait{kSecond}}}}}) == "await run_in_threadpool(time.sleep, 1)");
  CHECK(in(kAsync, {Forget{{{Wait{kSecond / 10}}}}}) == "asyncio.sleep(0.1)  # no await");
  CHECK(in(kAsync, {Background{{{Wait{kSecond}}}}}) == "tasks.add_task(asyncio.sleep, 1)");
  CHECK(in(kAsync, {Background{{{Wait{kSecond}, true}}}}) ==
        "tasks.add_task(job)  # async job: time.sleep(1)");
  CHECK(in(kAsync, {Background{{{Pooled{{{Wait{kSecond}}}}}}}}) == "tasks.add_task(time.sleep, 1)");
  CHECK(in(kThreadPool, {Background{{{Wait{kSecond}}}}}) == "tasks.add_task(time.sleep, 1)");
  CHECK(in(kAsync, {Enqueue{"jobs", {{Compute{kSecond, Work::inference}}}}}) ==
        "return jobs.enqueue(model.predict, features)");
  CHECK(in(kAsync, {FetchResult{"jobs"}}) == "return jobs.get_result(task_id)");
}

TEST_CASE("steps that hold others are spelt with them") {
  const Plan wait{{Wait{kSecond}}};
  const Plan blocked{{Wait{kSecond}, true}};
  const auto in_async = [](Step step) {
    const std::string line = fastapi_line(delay(std::move(step)), kAsync, 200);
    return line.substr(line.find(": ") + 2);
  };
  CHECK(in_async({Repeat{100, {{Compute{kMillisecond}}, {Yield{}}}}}) ==
        "for _ in range(100): burn(0.001); await asyncio.sleep(0)");
  CHECK(in_async({Gather{{wait, wait}}}) == "await asyncio.gather(asyncio.sleep(1), asyncio.sleep(1))");
  CHECK(in_async({Gather{std::vector<Plan>(9, wait)}}) ==
        "await asyncio.gather(*(asyncio.sleep(1) for _ in range(9)))");
  CHECK(in_async({Gather{{blocked, blocked}}}) == "await asyncio.gather(f(), f())  # async f: time.sleep(1)");
}

TEST_CASE("what a handler asks FastAPI for is among its parameters") {
  Route route = delay({Wait{kSecond}});
  route.depends = {{{}, false}, {{}, true}};
  CHECK(fastapi_line(route, kThreadPool) == "def delay(_=Depends(dep), _=Depends(async_dep)): time.sleep(1)");
  CHECK(fastapi_line({"result", "GET", "/result/{task_id}", {{FetchResult{"jobs"}}}}, kAsync) ==
        "async def result(task_id): return jobs.get_result(task_id)");
  CHECK(fastapi_line({"chat", "WS", "/chat", {}}, kAsync, 100) ==
        "async def chat(socket: WebSocket): await socket.receive_text(); await socket.send_json({})");
}

TEST_CASE("where whole handlers are jobs, a plan is handed to the queue") {
  const Traits queue{"task-queue", "", "", kLoop, Resource::nothing, Resource::queue, Resource::nothing};
  CHECK(fastapi_line(delay({Wait{kSecond}}), queue) ==
        "async def delay(): return jobs.enqueue(time.sleep, 1)");
}

TEST_CASE("a pool of processes is another executor") {
  Arm arm;
  arm.modes = {kOffload};
  arm.pool_processes = true;
  CHECK(fastapi_line(delay({Wait{kSecond}}), kOffload, arm, 72) ==
        "async def delay(): await loop.run_in_executor(processes, time.sleep, 1)");
}

TEST_CASE("an arm with a pool of connections takes them from there") {
  Arm arm;
  arm.connections = 5;
  CHECK(fastapi_line(delay({Query{kSecond}}), kAsync, arm, 72) ==
        "async def delay(): await pool.fetch(\"select pg_sleep(1)\")");
  CHECK(fastapi_line(delay({Wait{kSecond, true}}), kThreadPool, arm, 72) ==
        "def delay(): with pool.connection(): time.sleep(1)");
}

TEST_CASE("what does not fit is left out, statement by statement, and the last one is cut") {
  Route route = delay({Wait{kSecond}});
  route.plan.insert(route.plan.end(), {{Compute{kSecond}}, {Compute{kSecond}}});
  CHECK(fastapi_line(route, kAsync, 80) == "async def delay(): await asyncio.sleep(1); burn(1); burn(1)");
  CHECK(fastapi_line(route, kAsync, 58) == "async def delay(): await asyncio.sleep(1); burn(1); …");
  CHECK(fastapi_line(route, kAsync, 30) == "async def delay(): await asyn…");
  CHECK(fastapi_line(delay({Wait{kSecond}}), kAsync, 30) == "async def delay(): await asyn…");
}

TEST_CASE("a route's name becomes a Python name and an empty plan returns at once") {
  CHECK(fastapi_line({"two-words", "GET", "/", {}}, kAsync) == "async def two_words(): return {}");
}

TEST_CASE("only what differs from the usual settings is said of an arm") {
  Arm arm;
  arm.modes = {kThreadPool};
  CHECK(unusual_settings(arm).empty());
  arm.threads = 100;
  CHECK(unusual_settings(arm) == "(pool of 100)");
  arm.gil = true;
  arm.workers = 4;
  CHECK(unusual_settings(arm) == "(pool of 100, GIL) × 4 workers");
  arm = {};
  arm.modes = {
      {"thread-per-request", "", "", Resource::thread, Resource::thread, Resource::thread, Resource::thread}};
  arm.threads = 8;
  CHECK(unusual_settings(arm) == "(8 threads)");
}
