#include "results/store/set_aside.hpp"

#include <catch2/catch.hpp>
#include <limits>

#include "results/report/testing/run_samples.hpp"
#include "results/store/store.hpp"

using namespace lab;
using lab::samples::same;

TEST_CASE("beyond what memory may hold, requests and events wait on disk and come back as they were") {
  RunRepetition first = samples::repetition(1, 10, 10);
  RunRepetition second = samples::repetition(2, 10'000, 5'000);
  RunRepetition third = samples::repetition(3, 7, 0);
  {
    SetAside set_aside(first.records.capacity() * sizeof(RequestRecord) +
                       first.events.capacity() * sizeof(Event));
    set_aside.take(first);
    set_aside.take(second);
    set_aside.take(third);
  }
  CHECK(first.records.size() == 10);
  CHECK(second.records.capacity() == 0);
  CHECK(second.events.capacity() == 0);
  CHECK(third.records.empty());
  RunRepetition room;
  CHECK(&whole(first, room) == &first);
  CHECK(same(whole(second, room), samples::repetition(2, 10'000, 5'000)));
  const RunRepetition copy = second;
  second = {};
  CHECK(same(whole(copy, room), samples::repetition(2, 10'000, 5'000)));
  CHECK(same(whole(third, room), samples::repetition(3, 7, 0)));
}

TEST_CASE(
    "of very many requests only the first ones' events come back into memory, and all can be looked "
    "through") {
  constexpr std::size_t kEvents = 6'000;
  RunRepetition large = samples::repetition(1, kMaxTraced + 1, kEvents);
  large.killed.emplace();
  for (std::size_t i = 0; i < kEvents; i += 2) large.events[i].request = kMaxTraced + 1;
  SetAside set_aside(0);
  set_aside.take(large);
  RunRepetition room;
  const RunRepetition& one = whole(large, room);
  CHECK(one.records.size() == kMaxTraced + 1);
  CHECK(one.events.size() == kEvents / 2);
  CHECK(traced(one).size() == kMaxTraced);
  CHECK(&whole(one, room) == &one);
  std::size_t seen = 0;
  for_each_event(one, [&](const Event&) { ++seen; });
  CHECK(seen == kEvents);

  large.killed = {{0, kSecond}};  // whether a dead worker came back may stand anywhere
  CHECK(whole(large, room).events.size() == kEvents);
  CHECK(traced(room).size() == kMaxTraced + 1);
}

TEST_CASE("what the supervisor of a repetition did is checked wherever its requests are") {
  const samples::ScratchFolder folder;
  RunWriter writer = RunWriter::create(folder.path(), false, samples::header(), {3, nullptr}).value();
  RunRepetition forged = samples::repetition(1, 5'000, 9'000);
  forged.supervision.push_back({.at = std::numeric_limits<Nanos>::min(), .kind = EventKind::died});
  writer.add(forged);
  const auto path = writer.finish({true, "", "", {}}).value();
  for (const bool leave : {false, true}) {
    const Run run = read_run(path, {.leave_large = leave}).value();
    REQUIRE(run.repetitions.size() == 1);
    CHECK(run.repetitions[0].supervision.empty());
    CHECK(run.damage.size() == 1);
  }
}

TEST_CASE("what requests.bin has stays there until somebody asks for it, and damage in it is still noticed") {
  const samples::ScratchFolder folder;
  RunWriter writer = RunWriter::create(folder.path(), false, samples::header(), {3, nullptr}).value();
  for (int number = 1; number <= 3; ++number) writer.add(samples::repetition(number, 5'000, 9'000));
  const auto path = writer.finish({true, "", "", {}}).value();
  const ReadOptions options{.leave_large = true};
  Run run = read_run(path, options).value();
  CHECK(run.damage.empty());
  REQUIRE(run.repetitions.size() == 3);
  RunRepetition room;
  for (int number = 3; number >= 1; --number) {
    const RunRepetition& left = run.repetitions[static_cast<std::size_t>(number - 1)];
    CHECK(left.records.capacity() == 0);
    CHECK(left.events.capacity() == 0);
    CHECK(same(whole(left, room), samples::repetition(number, 5'000, 9'000)));
  }
  std::string bytes = samples::bytes_of(path / "requests.bin");
  bytes[8 + 24 + 50] ^= 1;  // in the first block, of 4,096 requests
  samples::write_bytes(path / "requests.bin", bytes);
  run = read_run(path, options).value();
  CHECK_FALSE(run.summary.complete);
  REQUIRE(run.damage.size() == 2);
  CHECK(run.damage[0] == "requests.bin: byte 8: checksum differs, 4096 entries lost");
  CHECK(run.damage[1] ==
        "repetition 1 (async-loop): 904 of 5000 requests and 9000 of 9000 events could be read");
  CHECK(whole(run.repetitions[0], room).records.size() == 904);
  CHECK(same(whole(run.repetitions[1], room), samples::repetition(2, 5'000, 9'000)));
}
