#include "results/report/room.hpp"

#include <catch2/catch.hpp>

#include "lab/core/error.hpp"

using namespace lab;

namespace {

/// Two arms, one of them only predicted, that answer so many requests at once.
Scenario scenario_of(std::int64_t requests) {
  Scenario scenario;
  scenario.routes.push_back({"r", "GET", "/r", {}});
  Load load;
  load.requests = requests;
  scenario.cases = {{"main", {load}, {}}};
  scenario.arms.resize(2);
  scenario.arms[1].predict_only = true;
  return scenario;
}

struct Said {
  std::string refusal;
  std::vector<std::string> warnings;
};

Said check(const RoomNeed& need, const FreeRoom& room) {
  Said said;
  try {
    check_room(need, room, [&](const std::string& text) { said.warnings.push_back(text); });
  } catch (const Failure& failure) {
    CHECK(failure.error().kind == ErrorKind::environment);
    said.refusal = failure.error().message;
  }
  return said;
}

constexpr double kMB = 1e6, kGB = 1e9;

}  // namespace

TEST_CASE("What a run needs grows with its requests, its repetitions and its engines") {
  // One million requests with six events each were 266 MB on disk and 630 MB of memory.
  const RoomNeed million = room_need(scenario_of(1'000'000), 1, 1);
  CHECK(million.requests == 1'000'000);
  CHECK(million.saved == Approx(264 * kMB));
  CHECK(million.memory == Approx(624 * kMB));
  const RoomNeed more = room_need(scenario_of(1'000'000), 2, 3);
  CHECK(more.saved == Approx(6 * million.saved));
  CHECK(more.memory == million.memory);
  CHECK(room_need(scenario_of(10), 1, 6).aside == 0);
}

TEST_CASE("What does not fit is refused with its numbers, what hardly does is said, the rest is silent") {
  const RoomNeed need{1'000'000, 3 * kGB, 1 * kGB, 0.5 * kGB};
  FreeRoom room{"results/runs", "/tmp", true, false, 10 * kGB, 10 * kGB, 10 * kGB};
  CHECK(check(need, room).refusal.empty());
  CHECK(check(need, room).warnings.empty());

  room.disk = 3.2 * kGB;
  CHECK(check(need, room).refusal.empty());
  REQUIRE(check(need, room).warnings.size() == 1);
  CHECK(check(need, room).warnings[0].find("results/runs") != std::string::npos);
  room.one_disk = true;
  CHECK(check(need, room).refusal.find("on the same disk, and 3.20 GB are free") != std::string::npos);
  CHECK(check(need, room).refusal.find("--no-save") != std::string::npos);

  room.saves = false;
  CHECK(check(need, room).refusal.empty());
  room.temporary_disk = 0.9 * kGB;
  CHECK(check(need, room).refusal.find("TMPDIR") != std::string::npos);

  room.memory = 0.4 * kGB;
  CHECK(check(need, room).refusal.find("--requests") != std::string::npos);
  room.memory = room.temporary_disk = std::nullopt;
  CHECK(check(need, room).refusal.empty());
}

TEST_CASE("What a run needs on disk is said from 100 MB on") {
  CHECK(describe_room({10, 1 * kMB, 0, 0}, true).empty());
  CHECK(describe_room({10, 900 * kMB, 700 * kMB, 0}, true) == ", 1.60 GB on disk");
  CHECK(describe_room({10, 900 * kMB, 0, 0}, false).empty());
}
