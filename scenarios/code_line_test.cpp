#include "scenarios/code_line.hpp"

#include <catch2/catch.hpp>

using namespace lab;

namespace {

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
