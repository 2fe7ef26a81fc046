#include <catch2/catch.hpp>
#include <initializer_list>
#include <utility>
#include <vector>

#include "harness/diagnosis/examination.hpp"
#include "harness/diagnosis/testing/limited_target.hpp"
#include "harness/diagnosis/verdict.hpp"

using namespace lab;
using namespace lab::testing;

namespace {

std::vector<Nanos> in_ms(std::initializer_list<int> spans) {
  std::vector<Nanos> all;
  for (const int span : spans) all.push_back(span * kMillisecond);
  return all;
}

Burst burst_of(int at_once, int makespan_ms) {
  return {at_once, std::vector<Nanos>(static_cast<std::size_t>(at_once), makespan_ms * kMillisecond)};
}

/// Recorded: a loop that awaits 50 ms, but of which each tenth request blocks 200 ms.
Observations a_tenth_blocks() {
  Observations seen;
  seen.alone = in_ms({53, 51, 51, 202, 51, 51, 50, 51, 52, 51, 51, 201, 51, 51, 50, 51, 51, 52, 51, 51});
  const std::vector<std::pair<int, int>> makespans{{2, 51},   {4, 52},    {8, 252},  {16, 452},
                                                   {32, 655}, {64, 1458}, {2, 51},   {4, 251},
                                                   {8, 51},   {16, 251},  {32, 852}, {64, 1055}};
  for (const auto& [size, makespan] : makespans) seen.bursts.push_back(burst_of(size, makespan));
  seen.most_at_once = 64;
  return seen;
}

}  // namespace

TEST_CASE("what blocks now and then is distinguished from one at a time") {
  Observations seen = a_tenth_blocks();
  const auto stalls = find_stalls(seen);
  REQUIRE(stalls);
  CHECK(stalls->took_s == Approx(0.2).epsilon(0.1));
  CHECK(stalls->share == Approx(0.1).epsilon(0.4));
  seen.pings_alone = {kMillisecond};
  seen.pings = {{16, 180 * kMillisecond, 0}};
  const Diagnosis verdict = conclude(seen);
  CHECK(verdict.execution == Execution::concurrent);
  CHECK(verdict.stalls);
  CHECK(verdict.loop_blocked == true);
}

TEST_CASE("slow requests that hold up nobody are no stalls, nor is one at a time") {
  Observations seen = a_tenth_blocks();
  for (Burst& burst : seen.bursts)
    burst = burst_of(burst.at_once, burst.done.back() > 60 * kMillisecond ? 251 : 51);
  CHECK_FALSE(find_stalls(seen));
  for (Burst& burst : seen.bursts) burst = burst_of(burst.at_once, burst.at_once * 50);
  CHECK_FALSE(find_stalls(seen));
}

TEST_CASE("a first request that took much longer warmed the server up") {
  Observations seen;
  seen.alone = in_ms({302, 25, 26, 25, 25});
  const auto warm = find_warm_up(seen);
  REQUIRE(warm);
  CHECK(warm->first_s == Approx(0.302));
  CHECK(warm->later_s == Approx(0.025));
  seen.alone = in_ms({302, 25, 26, 300, 25});  // now and then, not at first
  CHECK_FALSE(find_warm_up(seen));
  seen.alone = in_ms({30, 25, 26, 25, 25});
  CHECK_FALSE(find_warm_up(seen));
}

TEST_CASE(
    "a kept connection that answers in time once all is acknowledged at once waits for the client's kernel") {
  Observations seen;
  seen.alone = in_ms({51, 51, 51});
  seen.alone_on_kept = in_ms({51, 92, 91, 92, 91, 92});
  seen.prompt_on_kept = in_ms({51, 52, 51});
  CHECK(find_kept_lag(seen).value_or(0) == Approx(0.041).margin(0.002));
  seen.prompt_on_kept = in_ms({92, 91, 92});  // it is just slower there
  CHECK_FALSE(find_kept_lag(seen));
}

TEST_CASE("--watch finds the pauses that bursts miss, and reports how often") {
  LimitedServer server;
  server.pause_every = 10 * kSecond;
  server.pause = 2 * kSecond;
  LimitedTarget target(server);
  ExaminationOptions options;
  options.ping = true;
  options.watch = 30 * kSecond;
  const Observations seen = examine(target, options, [](const Outlook&) {});
  const std::vector<Pause> pauses = find_pauses(seen);
  REQUIRE(pauses.size() >= 2);
  REQUIRE(pauses.size() <= 4);
  CHECK(seconds(pauses[1].length) == Approx(2).epsilon(0.1));
  CHECK(seconds(pauses[1].at - pauses[0].at) == Approx(10).epsilon(0.1));
  Observations calm = seen;
  std::erase_if(calm.watched, [](const Watched& each) { return each.latency > 50 * kMillisecond; });
  CHECK(find_pauses(calm).empty());
}
