#include "results/store/set_aside.hpp"

#include <catch2/catch.hpp>

#include "results/report/testing/run_samples.hpp"

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
