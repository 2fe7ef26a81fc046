#include "lab/core/event_ring.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>
#include <thread>

namespace lab {

/// Stops between the two halves of append(), where a killed writer can be.
struct EventRingsProbe {
  static std::uint64_t take_place(EventRings& rings, int slot) { return *rings.take_place(slot); }
  static void fill_place(EventRings& rings, int slot, std::uint64_t place, const Event& event) {
    rings.fill_place(slot, place, event);
  }
};

}  // namespace lab

using namespace lab;

namespace {

constexpr std::size_t kCapacity = 1024;

Event event_of(std::int64_t value, std::uint32_t request = 0) {
  Event event;
  event.value = value;
  event.request = request;
  return event;
}

EventRings rings_of(int slots, std::size_t capacity = kCapacity) {
  return EventRings::create(slots, capacity).value();
}

std::vector<std::int64_t> values(const Events& events) {
  std::vector<std::int64_t> result;
  for (const Event& event : events) result.push_back(event.value);
  return result;
}

}  // namespace

TEST_CASE("What is appended comes out once, in order, slot by slot") {
  EventRings rings = rings_of(2);
  rings.append(1, event_of(3));
  rings.append(0, event_of(1));
  rings.append(0, event_of(2));
  Events out;
  rings.drain(out);
  CHECK(values(out) == std::vector<std::int64_t>{1, 2, 3});
  CHECK(out[0].worker == 0);
  CHECK(out[2].worker == 1);
  rings.drain(out);
  CHECK(out.size() == 3);
  CHECK(rings.dropped() == 0);
}

TEST_CASE("A full ring drops what is new and counts it, and takes events again when it was drained") {
  EventRings rings = rings_of(1);
  for (std::size_t i = 0; i < kCapacity + 10; ++i) rings.append(0, event_of(static_cast<std::int64_t>(i)));
  CHECK(rings.dropped() == 10);
  Events out;
  rings.drain(out);
  REQUIRE(out.size() == kCapacity);
  CHECK(out.back().value == kCapacity - 1);
  rings.append(0, event_of(77));
  rings.drain(out);
  CHECK(out.back().value == 77);
  CHECK(rings.dropped() == 10);
}

TEST_CASE("A ring goes round many times without losing or repeating anything") {
  EventRings rings = rings_of(1);
  Events out;
  std::int64_t next = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 700; ++i) rings.append(0, event_of(next++));
    rings.drain(out);
  }
  REQUIRE(out.size() == 35'000);
  for (std::size_t i = 0; i < out.size(); ++i) REQUIRE(out[i].value == static_cast<std::int64_t>(i));
}

TEST_CASE(
    "Threads that append while they are drained lose nothing but what is counted, and keep their own order") {
  constexpr int kThreads = 4;
  constexpr std::int64_t kEach = 20'000;
  EventRings rings = rings_of(2);
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&rings, &running, t] {
      for (std::int64_t i = 0; i < kEach; ++i)
        rings.append(t % 2, event_of(i, static_cast<std::uint32_t>(t + 1)));
      running.fetch_sub(1, std::memory_order_release);
    });
  }
  Events out;
  while (running.load(std::memory_order_acquire) > 0) rings.drain(out);
  for (std::thread& thread : threads) thread.join();
  rings.drain(out);

  CHECK(out.size() + rings.dropped() == kThreads * kEach);
  std::map<std::uint32_t, std::int64_t> last;
  std::size_t disorder = 0, foreign = 0;
  for (const Event& event : out) {
    const auto [at, first] = last.try_emplace(event.request, event.value);
    if (!first && event.value <= at->second) ++disorder;
    at->second = event.value;
    if (event.worker != (event.request - 1) % 2) ++foreign;
  }
  CHECK(disorder == 0);
  CHECK(foreign == 0);
}

TEST_CASE("A ring outlives a killed worker: all that it appended is there") {
  EventRings rings = rings_of(1, 1 << 16);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // never outlives an aborted test
    for (std::int64_t i = 0;; ++i) rings.append(0, event_of(i));
  }
  Events out;
  while (out.size() < 200'000) rings.drain(out);
  kill(child, SIGKILL);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  rings.drain(out);
  // One after another; where some are missing the ring was full and says how many at least.
  std::uint64_t missing = 0;
  bool order = out.front().value == 0;
  for (std::size_t i = 1; i < out.size(); ++i) {
    order = order && out[i].value > out[i - 1].value;
    missing += static_cast<std::uint64_t>(out[i].value - out[i - 1].value - 1);
  }
  CHECK(order);
  CHECK(missing <= rings.dropped());
  rings.append(0, event_of(-1));
  rings.drain(out);
  CHECK(out.back().value == -1);
}

TEST_CASE("A place that was taken and not filled yet holds no other event back and is read when it is") {
  EventRings rings = rings_of(1);
  rings.append(0, event_of(1));
  const std::uint64_t torn = EventRingsProbe::take_place(rings, 0);
  rings.append(0, event_of(3));
  Events out;
  rings.drain(out);
  CHECK(values(out) == std::vector<std::int64_t>{1, 3});
  CHECK(rings.dropped() == 1);
  EventRingsProbe::fill_place(rings, 0, torn, event_of(2));
  rings.drain(out);
  CHECK(values(out) == std::vector<std::int64_t>{1, 3, 2});
  CHECK(rings.dropped() == 0);
}

TEST_CASE("A place that was never filled is nobody else's, so a late writer overwrites nothing") {
  EventRings rings = rings_of(1);
  const std::uint64_t torn = EventRingsProbe::take_place(rings, 0);
  Events out;
  for (std::size_t i = 1; i < 2 * kCapacity; ++i) {
    rings.append(0, event_of(static_cast<std::int64_t>(i)));
    rings.drain(out);
  }
  CHECK(out.size() == kCapacity - 1);
  CHECK(rings.dropped() == kCapacity + 1);  // those without a place, and the one begun
  EventRingsProbe::fill_place(rings, 0, torn, event_of(-1));
  rings.append(0, event_of(7));
  rings.drain(out);
  CHECK(out.back().value == -1);
  rings.append(0, event_of(8));
  rings.drain(out);
  CHECK(out.back().value == 8);
}

TEST_CASE("A torn place does not bring back the event that was there a round before") {
  EventRings rings = rings_of(1);
  Events out;
  for (std::size_t i = 0; i < kCapacity; ++i) rings.append(0, event_of(5));
  rings.drain(out);
  out.clear();
  EventRingsProbe::take_place(rings, 0);
  rings.drain(out);
  CHECK(out.empty());
  CHECK(rings.dropped() == 1);
}

TEST_CASE("Rings can be moved, and an empty one has no slots") {
  EventRings empty;
  CHECK(empty.empty());
  CHECK(empty.slots() == 0);
  CHECK(empty.dropped() == 0);
  EventRings rings = rings_of(3);
  rings.append(2, event_of(9));
  empty = std::move(rings);
  CHECK(empty.slots() == 3);
  Events out;
  empty.drain(out);
  CHECK(values(out) == std::vector<std::int64_t>{9});
}

TEST_CASE("Rings that the machine has no room for are an error that names the call") {
  const auto rings = EventRings::create(1, std::size_t{1} << 56);
  REQUIRE_FALSE(rings.has_value());
  CHECK(rings.error().kind == ErrorKind::environment);
  CHECK_THAT(rings.error().message, Catch::Contains("the event ring"));
}
