#include "harness/findings/finding.hpp"

#include <catch2/catch.hpp>
#include <csignal>

namespace lab {

namespace {

constexpr Nanos kBegan = 1000 * kSecond;

Event event_of(EventKind kind, std::int64_t value, int worker = 0, Nanos at = kSecond) {
  return {.at = kBegan + at, .value = value, .worker = static_cast<std::uint16_t>(worker), .kind = kind};
}

std::vector<WorkerDeath> deaths_of(const Events& supervision) {
  return worker_deaths(supervision, {}, {}, kBegan);
}

}  // namespace

TEST_CASE("a death has the moment, how it came and when the next worker could answer") {
  const auto deaths = deaths_of({event_of(EventKind::died, SIGSEGV), event_of(EventKind::died, SIGKILL, 1),
                                 event_of(EventKind::serving, 4 * kMillisecond, 1),
                                 event_of(EventKind::backoff, 20 * kMillisecond),
                                 event_of(EventKind::serving, 30 * kMillisecond)});
  REQUIRE(deaths.size() == 2);
  CHECK(deaths[0].backoff == 20 * kMillisecond);
  CHECK(describe(deaths[0]) == "worker 0 at 1 s by signal 11, back after 30 ms");
  CHECK(describe(deaths[1]) == "worker 1 at 1 s, back after 4 ms");
}

TEST_CASE("who hung was killed for it") {
  const auto deaths = deaths_of({event_of(EventKind::hung, 2 * kSecond), event_of(EventKind::died, SIGKILL)});
  REQUIRE(deaths.size() == 1);
  CHECK(deaths[0].silent == 2 * kSecond);
  CHECK(describe(deaths[0]) == "worker 0 at 1 s, killed since it had hung for 2 s, not back");
}

TEST_CASE("the last of too many deaths says that the server gave up") {
  constexpr int kExit1 = 1 << 8;
  const auto deaths = deaths_of({event_of(EventKind::died, kExit1), event_of(EventKind::gave_up, kExit1)});
  REQUIRE(deaths.size() == 1);
  CHECK(describe(deaths[0]) ==
        "worker 0 at 1 s with exit code 1, the last of too many, so the server gave up");
}

TEST_CASE("a reload is no death, and a task queue's worker is not the worker of the same number") {
  CHECK(deaths_of({event_of(EventKind::reloading, 0), event_of(EventKind::serving, kMillisecond)}).empty());
  Event of_queue = event_of(EventKind::died, SIGKILL);
  of_queue.resource = Resource::queue;
  of_queue.unit = 3;
  const auto deaths = deaths_of({of_queue, event_of(EventKind::serving, kMillisecond)});
  REQUIRE(deaths.size() == 1);
  CHECK(describe(deaths[0]) == "queue worker 3 at 1 s, not back");
}

TEST_CASE("where no master reports, the harness's kill and the next sign of the worker tell") {
  const Kill kill{.worker = 1, .at = kSecond};
  const Events signs{event_of(EventKind::read, 0, 0, 1200 * kMillisecond),
                     event_of(EventKind::read, 0, 1, 1500 * kMillisecond)};
  const auto deaths = worker_deaths({}, {&kill, 1}, signs, kBegan);
  REQUIRE(deaths.size() == 1);
  CHECK(describe(deaths[0]) == "worker 1 at 1 s, back after 500 ms");
}

}  // namespace lab
