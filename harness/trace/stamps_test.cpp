#include "harness/trace/stamps.hpp"

#include <algorithm>

#include "harness/analysis/why.hpp"
#include "harness/client/testing/driver_fixture.hpp"

namespace lab {
namespace {

using Catch::Matchers::Contains;

const std::vector<Route> kSlow{{"slow", "GET", "/slow", {{Wait{100}, false}}}};

StampFields fields(std::string worker, std::string read, std::string started, std::string finished,
                   std::string held = {}) {
  return {std::move(worker), std::move(read), std::move(started), std::move(finished), std::move(held)};
}

/// Requests that were each sent at 100 and answered at 1000.
std::vector<RequestRecord> answered(std::size_t count) {
  std::vector<RequestRecord> records(count);
  for (std::size_t i = 0; i < count; ++i) {
    records[i].id = static_cast<std::uint32_t>(i + 1);
    records[i].sent = 100;
    records[i].received = 1000;
    records[i].outcome = Outcome::ok;
  }
  return records;
}

TEST_CASE("fields are known by their names in any case; several lists are one") {
  StampFields stamps;
  stamps.take("Lab-Worker", "12");
  stamps.take("lab-READ", "200");
  stamps.take("Lab-Held", "loop 1-2");
  stamps.take("lab-held", "pool:3 2-4");
  stamps.take("Lab-Reader", "9");
  stamps.take("Location", "/");
  CHECK(stamps.worker == "12");
  CHECK(stamps.read == "200");
  CHECK(stamps.held == "loop 1-2,pool:3 2-4");
  stamps.take("lab-read", "300");
  CHECK(stamps.read == "300");
  stamps.clear();
  CHECK(stamps.held.empty());
}

TEST_CASE("stamps fill the records, and workers are numbered in the order of their process ids") {
  HeaderTimings book;
  auto records = answered(3);
  book.add(1, fields("77", "200", "300", "900"));
  book.add(2, fields("9", "210", "210", "210"));
  book.add(3, {});
  const Events events = book.apply(records, kSlow);
  CHECK(records[0].worker == 1);
  CHECK(records[0].read == 200);
  CHECK(records[0].started == 300);
  CHECK(records[0].finished == 900);
  CHECK(records[1].worker == 0);
  CHECK(records[2].worker == -1);
  CHECK(records[2].read == 0);
  CHECK_FALSE(book.warning().has_value());
  CHECK(std::is_sorted(events.begin(), events.end(),
                       [](const Event& a, const Event& b) { return a.at < b.at; }));
}

TEST_CASE("who came for a worker that died counts under its slot") {
  HeaderTimings book;
  auto records = answered(3);
  book.add(1, fields("40", "200", "300", "900"));
  book.add(2, fields("52", "200", "300", "900"));
  book.add(3, fields("60", "200", "300", "900"));
  book.apply(records, kSlow, {{40, 0}, {41, 1}, {52, 0}});
  CHECK(records[0].worker == 0);
  CHECK(records[1].worker == 0);
  CHECK(records[2].worker == 2);
}

TEST_CASE("what was held becomes who held what, and the wait is the time in which nothing was") {
  HeaderTimings book;
  auto records = answered(1);
  book.add(1, fields("7", "200", "300", "900", "loop 300-310, loop 850-900, connection:2 310-840"));
  const Occupancy occupancy(book.apply(records, kSlow));
  const auto& holds = occupancy.holds_of(1);
  REQUIRE(holds.size() == 3);
  CHECK(holds[1].resource == Resource::connection);
  CHECK(holds[1].unit == 2);
  CHECK(holds[1].to == 840);
  const auto& steps = occupancy.steps_of(1);
  REQUIRE(steps.size() == 1);
  CHECK(steps[0].from == 310);
  CHECK(steps[0].to == 850);
  CHECK_FALSE(book.warning().has_value());
}

TEST_CASE("stamps that cannot be are left out and reported once, and nothing else is harmed") {
  for (const StampFields& bad :
       {fields("7", "x", "300", "900"), fields("7", "200", "", "900"), fields("7", "99", "300", "900"),
        fields("7", "200", "300", "1001"), fields("7", "400", "300", "900"), fields("7", "200", "901", "900"),
        fields("7", "-200", "300", "900"), fields("7", "200", "300", "99999999999999999999999"),
        fields("7", "200", "3 00", "900"), fields("7", "2e2", "300", "900")}) {
    HeaderTimings book;
    auto records = answered(2);
    book.add(1, bad);
    book.add(2, fields("7", "200", "300", "900"));
    const Events events = book.apply(records, kSlow);
    CHECK(records[0].read == 0);
    CHECK(records[0].started == 0);
    CHECK(records[0].finished == 0);
    CHECK(records[0].worker == 0);
    CHECK(records[1].finished == 900);
    CHECK(std::none_of(events.begin(), events.end(), [](const Event& event) { return event.request == 1; }));
    CHECK_THAT(book.warning().value_or(""), Contains("request 1"));
  }
}

TEST_CASE("a reply without a handler has been read and no more") {
  HeaderTimings book;
  auto records = answered(1);
  book.add(1, fields("7", "200", "", ""));
  CHECK(book.apply(records, kSlow).size() == 1);
  CHECK(records[0].read == 200);
  CHECK(records[0].started == 0);
  CHECK_FALSE(book.warning().has_value());
}

TEST_CASE("of a broken list the sound intervals stay") {
  HeaderTimings book;
  auto records = answered(1);
  book.add(1, fields("7", "200", "300", "900",
                     "loop 300-400, loop 350-450, moon 300-400, loop 99-120, pool:70000 1-2, pool 500-400,"
                     " loop 500-2000, pool:1 400-500, loop, -, :,,thread:1x 1-2, gil 400-"));
  const Occupancy occupancy(book.apply(records, kSlow));
  REQUIRE(occupancy.holds_of(1).size() == 2);
  CHECK(occupancy.holds_of(1)[1].resource == Resource::pool);
  CHECK_THAT(book.warning().value_or(""), Contains("11 of the server's stamps"));
}

TEST_CASE("endless lists and crowds of workers are cut") {
  HeaderTimings book;
  auto records = answered(5000);
  std::string list;
  for (int i = 0; i < 5000; ++i) list += "loop 300-300,";
  book.add(1, fields("1", "200", "300", "900", list));
  for (std::uint32_t id = 2; id <= 5000; ++id) book.add(id, fields(std::to_string(id), "200", "300", "900"));
  const Events events = book.apply(records, kSlow);
  CHECK(events.size() <= 5000 * 5 + 2 * 1000);
  CHECK(records[4999].worker == 0);
  CHECK(book.warning().has_value());
  StampFields field;
  for (int i = 0; i < 100; ++i) field.take("Lab-Held", std::string(8000, 'x'));
  CHECK(field.held.size() <= 65'536);
}

TEST_CASE("a number that is no process id, or an unknown request, is nobody's") {
  HeaderTimings book;
  auto records = answered(1);
  book.add(1, fields("99999999999", "200", "300", "900"));
  book.add(7, fields("3", "200", "300", "900"));
  book.apply(records, kSlow);
  CHECK(records[0].finished == 900);
}

std::string stamped_reply(Nanos read, Nanos started, Nanos finished) {
  return fmt::format(
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nlab-worker: 55\r\nlab-read: {}\r\nlab-started: {}\r\n"
      "lab-finished: {}\r\nlab-held: loop {}-{}\r\n\r\nok",
      read, started, finished, started, finished);
}

TEST_CASE("the driver keeps the stamps of a stamped target, and of no other") {
  for (const bool stamped : {true, false}) {
    VirtualRun bench;
    bench.target.stamped = stamped;
    bench.load_case.loads = {burst(3)};
    bench.transport.on_request = [&](std::uint32_t connection, const std::string&) {
      const Nanos now = bench.clock.now();
      bench.transport.reply(
          connection, 100 * kMillisecond,
          stamped_reply(now + kMillisecond, now + 2 * kMillisecond, now + 90 * kMillisecond));
    };
    LoadDriver driver(bench.load_case, bench.target, bench.setup, bench.clock, bench.transport);
    while (driver.open_connections(8, bench.clock.now() + kSecond)) {
    }
    driver.run(bench.clock.now() + kMillisecond);
    const Events events = driver.stamps().apply(driver.records(), bench.target.routes);
    for (const RequestRecord& record : driver.records()) {
      CHECK(record.outcome == Outcome::ok);
      CHECK((record.read > record.sent) == stamped);
      CHECK(record.worker == (stamped ? 0 : -1));
    }
    CHECK(events.empty() != stamped);
  }
}

TEST_CASE("lanes of stamped replies show who held the loop and who waited") {
  HeaderTimings book;
  auto records = answered(2);
  book.add(1, fields("7", "200", "300", "900", "loop 300-900"));
  book.add(2, fields("7", "200", "900", "1000", "loop 900-1000"));
  const Occupancy occupancy(book.apply(records, kSlow));
  const std::vector<Lane> lanes = make_lanes(records, occupancy, kSlow, Case{}, 10);
  REQUIRE(lanes.size() == 2);
  const auto states = [](const Lane& lane) {
    std::vector<LaneState> all;
    for (const LaneSegment& segment : lane.segments) all.push_back(segment.state);
    return all;
  };
  CHECK(states(lanes[0]) ==
        std::vector<LaneState>{LaneState::unread, LaneState::runnable, LaneState::loop, LaneState::reply});
  CHECK(states(lanes[1]) == std::vector<LaneState>{LaneState::unread, LaneState::runnable, LaneState::loop});
}

TEST_CASE("a reply that comes when the loop's turn is over waited for those who held the loop") {
  constexpr Nanos kWaits = 100 * kMillisecond;
  const std::vector<Route> routes{{"slow", "GET", "/slow", {{Wait{kWaits}, false}}}};
  HeaderTimings book;
  std::vector<RequestRecord> records(2);
  for (std::uint32_t id : {1U, 2U}) {
    RequestRecord& record = records[id - 1];
    const Nanos begin = kSecond + (id - 1) * kWaits;
    record = {.id = id, .intended = kSecond, .sent = kSecond, .outcome = Outcome::ok};
    record.received = kSecond + 2 * kWaits + 50 * kMicrosecond;  // both at the end of the turn
    const auto times = fmt::format("{}-{}", begin, begin + kWaits);
    book.add(id, fields("7", std::to_string(begin), std::to_string(begin), std::to_string(begin + kWaits),
                        "loop " + times));
  }
  records[0].received += 1;
  const Occupancy occupancy(book.apply(records, routes));
  const Case load_case{"main", {burst(2)}};
  const CriticalPath path = critical_path(records, occupancy, occupancy, routes, load_case, 2);
  CHECK(path.planned == 2 * kWaits);
  CHECK(path.reply <= 51 * kMicrosecond);
  CHECK(path.unexplained == 0);
}

TEST_CASE("requests that a loop has read but not started wait for the loop") {
  constexpr Nanos kWaits = 100 * kMillisecond;
  const std::vector<Route> routes{{"slow", "GET", "/slow", {{Wait{kWaits}, false}}}};
  HeaderTimings book;
  std::vector<RequestRecord> records(2);
  for (std::uint32_t id : {1U, 2U}) {
    const Nanos begin = kSecond + (id - 1) * kWaits;
    records[id - 1] = {.id = id, .sent = kSecond, .received = kSecond + kSecond, .outcome = Outcome::ok};
    book.add(id, fields("7", std::to_string(kSecond), std::to_string(begin), std::to_string(begin + kWaits),
                        fmt::format("loop {}-{}", begin + kMicrosecond, begin + kWaits)));
  }
  const Occupancy occupancy(book.apply(records, routes));
  const auto queues = find_queues(records, occupancy, routes, {});
  REQUIRE(queues.size() == 1);
  CHECK(queues[0].resource == Resource::loop);
  CHECK(queues[0].requests == 1);
}

}  // namespace
}  // namespace lab
