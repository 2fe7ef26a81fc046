#include "harness/client/load.hpp"

#include <catch2/catch.hpp>
#include <vector>

namespace lab {
namespace {

using Catch::Matchers::Contains;

RequestRecord sent(std::uint32_t load, Nanos intended, Nanos lag) {
  RequestRecord record;
  record.load = load;
  record.intended = intended;
  record.sent = intended + lag;
  record.outcome = Outcome::ok;
  return record;
}

TEST_CASE("the skew is that of the largest burst") {
  Case load_case;
  load_case.loads = {{.arrivals = Arrivals::burst, .requests = 1, .at = {}},
                     {.arrivals = Arrivals::burst, .requests = 3, .at = {}},
                     {.arrivals = Arrivals::constant, .requests = 9, .at = {}}};
  const std::vector<RequestRecord> records{sent(0, 1000, 0), sent(1, 1000, 70), sent(1, 1000, 20),
                                           sent(1, 1000, 50), sent(2, 1000, 900)};
  CHECK(send_skew(load_case, records) == 50);
  load_case.loads = {{.arrivals = Arrivals::constant, .at = {}}};
  CHECK(send_skew(load_case, std::vector<RequestRecord>{sent(0, 1000, 5)}) == 0);
}

TEST_CASE("a generator that is late says by how much") {
  Case load_case;
  load_case.loads = {{.arrivals = Arrivals::constant, .requests = 100, .at = {}}};
  std::vector<RequestRecord> records(99, sent(0, kSecond, 20 * kMicrosecond));
  records.push_back(sent(0, kSecond, 12 * kMillisecond));
  CHECK_FALSE(fell_behind(load_case, records).has_value());
  records.push_back(sent(0, kSecond, 12 * kMillisecond));
  records.push_back(sent(0, kSecond, 12 * kMillisecond));
  REQUIRE(fell_behind(load_case, records).has_value());
  CHECK_THAT(*fell_behind(load_case, records), Contains("12 ms at worst"));
  records.resize(400, sent(0, kSecond, 20 * kMicrosecond));
  CHECK_FALSE(fell_behind(load_case, records).has_value());
  records.insert(records.end(), 4, sent(0, kSecond, 12 * kMillisecond));
  CHECK_THAT(fell_behind(load_case, records).value_or(""), Contains("12 ms at p99"));
  const std::vector<RequestRecord> steadily_late(10, sent(0, kSecond, 300 * kMicrosecond));
  REQUIRE(fell_behind(load_case, steadily_late).has_value());
  CHECK_THAT(*fell_behind(load_case, steadily_late), Contains("median"));
}

TEST_CASE("lateness that is little beside what the requests took is no warning") {
  Case load_case;
  load_case.loads = {{.arrivals = Arrivals::constant, .requests = 10, .at = {}}};
  std::vector<RequestRecord> records(10, sent(0, kSecond, 240 * kMicrosecond));
  for (RequestRecord& record : records) record.received = kSecond + 100 * kMillisecond;
  CHECK_FALSE(fell_behind(load_case, records).has_value());
  for (RequestRecord& record : records) record.received = kSecond + 10 * kMillisecond;
  CHECK(fell_behind(load_case, records).has_value());
}

TEST_CASE("the width of a burst, a closed load and connecting are no lateness") {
  Case load_case;
  load_case.loads = {{.arrivals = Arrivals::burst, .requests = 2, .at = {}},
                     {.arrivals = Arrivals::closed, .requests = 1, .at = {}},
                     {.arrivals = Arrivals::constant, .requests = 1, .at = {}, .fresh_connections = true}};
  std::vector<RequestRecord> records{sent(0, kSecond, 0), sent(0, kSecond, 5 * kMillisecond),
                                     sent(1, kSecond, 5 * kMillisecond), sent(2, kSecond, 5 * kMillisecond)};
  CHECK_FALSE(fell_behind(load_case, records).has_value());
  records[0].sent += 2 * kMillisecond;
  CHECK(fell_behind(load_case, records).has_value());
}

TEST_CASE("nothing sent is nothing late") {
  Case load_case;
  load_case.loads = {{.arrivals = Arrivals::constant, .requests = 1, .at = {}}};
  CHECK_FALSE(fell_behind(load_case, std::vector<RequestRecord>{RequestRecord{}}).has_value());
}

Event computed(std::int64_t millionths) {
  return {.at = 1, .value = millionths, .request = 1, .kind = EventKind::computed};
}

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

}  // namespace
}  // namespace lab
