#include "harness/trace/event_collector.hpp"

#include <catch2/catch.hpp>

#include "harness/client/load.hpp"

namespace lab {

/// Stops between the two halves of append(), where a writer may be for a while.
struct EventRingsProbe {
  static std::uint64_t take_place(EventRings& rings) { return *rings.take_place(0); }
  static void fill_place(EventRings& rings, std::uint64_t place, const Event& event) {
    rings.fill_place(0, place, event);
  }
};

namespace {

Event event(EventKind kind, Nanos at, std::uint32_t request, std::int64_t value = 0) {
  return {.at = at, .value = value, .request = request, .kind = kind};
}

std::vector<RequestRecord> records_of(std::size_t count) {
  std::vector<RequestRecord> records(count);
  for (std::size_t i = 0; i < count; ++i) records[i].id = static_cast<std::uint32_t>(i + 1);
  return records;
}

TEST_CASE("the server's stamps and worker come to the request of their id") {
  auto records = records_of(2);
  Event read = event(EventKind::read, 20, 2);
  read.worker = 3;
  apply_events({event(EventKind::read, 10, 1), read, event(EventKind::started, 21, 2),
                event(EventKind::started, 30, 1), event(EventKind::finished, 40, 2),
                event(EventKind::turn, 50, 0), event(EventKind::read, 60, 99)},
               records);
  CHECK(records[0].read == 10);
  CHECK(records[0].started == 30);
  CHECK(records[0].finished == 0);
  CHECK(records[0].worker == 0);
  CHECK(records[1].read == 20);
  CHECK(records[1].started == 21);
  CHECK(records[1].finished == 40);
  CHECK(records[1].worker == 3);
}

TEST_CASE("a request that no server read has no worker") {
  auto records = records_of(1);
  apply_events({}, records);
  CHECK(records[0].worker == -1);
}

TEST_CASE("acceptance is found by the client's port, of several the last before the request was read") {
  auto records = records_of(4);
  records[0].read = 100;
  records[1].read = 300;
  records[2].read = 50;
  const std::vector<std::uint16_t> ports{5000, 5000, 6000, 0};
  apply_accepted({event(EventKind::accepted, 90, 0, 5000), event(EventKind::accepted, 95, 0, 6000),
                  event(EventKind::accepted, 250, 0, 5000)},
                 ports, records);
  CHECK(records[0].accepted == 90);
  CHECK(records[1].accepted == 250);
  CHECK(records[2].accepted == 0);
  CHECK(records[3].accepted == 0);
}

TEST_CASE("events before the load are left out and the rest is in the order of time") {
  auto rings = EventRings::create(2, 1024).value();
  EventCollector collector(&rings, 4);
  rings.append(1, event(EventKind::accepted, 5, 0, 5000));
  rings.append(0, event(EventKind::read, 40, 1));
  rings.append(1, event(EventKind::read, 30, 2));
  collector.drain();
  rings.append(0, event(EventKind::finished, 50, 1));
  collector.drain();
  const Events events = collector.take(20);
  REQUIRE(events.size() == 3);
  CHECK(events[0].request == 2);
  CHECK(events[0].worker == 1);
  CHECK(events[1].at == 40);
  CHECK(events[2].at == 50);
  const Events accepted = collector.take_accepted();
  REQUIRE(accepted.size() == 1);
  CHECK(accepted[0].value == 5000);
}

TEST_CASE("connections that are accepted and replies that are written are not waited for") {
  auto rings = EventRings::create(1, 1024).value();
  EventCollector collector(&rings, 2);
  rings.append(0, event(EventKind::accepted, 1, 0, 5000));
  rings.append(0, event(EventKind::replied, 2, 1));
  auto records = records_of(2);
  records[0].outcome = Outcome::ok;
  records[1].outcome = Outcome::reset;
  const std::vector<std::uint16_t> ports{5000};
  constexpr Nanos kFarOff = 1'000'000 * kSecond + kSecond;
  CHECK(collector.await_accepted(ports, kFarOff) == 0);
  collector.await_replied(records, kFarOff);
  CHECK(collector.take(0).size() == 2);
}

TEST_CASE("the missing connections are counted when the time is over") {
  auto rings = EventRings::create(1, 1024).value();
  EventCollector collector(&rings, 2);
  rings.append(0, event(EventKind::accepted, 1, 0, 5001));
  const std::vector<std::uint16_t> ports{5000, 5001, 5002};
  CHECK(collector.await_accepted(ports, 0) == 2);
}

TEST_CASE("what the rings dropped since the load began is counted") {
  auto rings = EventRings::create(1, 1024).value();
  for (int i = 0; i < 1030; ++i) rings.append(0, event(EventKind::turn, i, 0));
  EventCollector collector(&rings, 1);
  CHECK(collector.dropped() == 0);
  rings.append(0, event(EventKind::turn, 2000, 0));
  CHECK(collector.dropped() == 1);
}

TEST_CASE("an event that is being written while the wait for replies ends is not lost") {
  auto rings = EventRings::create(1, 1024).value();
  EventCollector collector(&rings, 2);
  const std::uint64_t writing = EventRingsProbe::take_place(rings);
  rings.append(0, event(EventKind::finished, 3, 2));
  auto records = records_of(2);
  for (RequestRecord& record : records) record.outcome = Outcome::ok;
  collector.await_replied(records, 1);
  EventRingsProbe::fill_place(rings, writing, event(EventKind::replied, 2, 1));
  collector.drain();
  CHECK(collector.dropped() == 0);
  const Events events = collector.take(0);
  REQUIRE(events.size() == 2);
  CHECK(events[0].kind == EventKind::replied);
}

TEST_CASE("without rings there is nothing to wait for") {
  EventCollector collector(nullptr, 10);
  const std::vector<std::uint16_t> ports{5000};
  CHECK(collector.await_accepted(ports, 1) == 0);
  auto records = records_of(1);
  records[0].outcome = Outcome::ok;
  collector.await_replied(records, 1);
  CHECK(collector.take(0).empty());
  CHECK(collector.dropped() == 0);
}

}  // namespace
}  // namespace lab
