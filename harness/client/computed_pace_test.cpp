#include "harness/client/computed_pace.hpp"

#include <catch2/catch.hpp>

namespace lab {

namespace {

Event computed(std::int64_t millionths) {
  return {.at = 1, .value = millionths, .request = 1, .kind = EventKind::computed};
}

}  // namespace

TEST_CASE("the pace is what half of the steps took at least, so one that was interrupted does not move it") {
  Events events{computed(1'060'000), computed(9'000'000), computed(1'040'000)};
  CHECK(take_computed_pace(events) == Approx(1.06));
}

TEST_CASE("the events that report the pace are taken out, and no others") {
  Events events{
      {.at = 1, .kind = EventKind::read}, computed(1'000'000), {.at = 2, .kind = EventKind::replied}};
  REQUIRE(take_computed_pace(events));
  REQUIRE(events.size() == 2);
  CHECK(events[1].kind == EventKind::replied);
  CHECK_FALSE(take_computed_pace(events));
  CHECK(events.size() == 2);
}

}  // namespace lab
