#include "harness/client/testing/driver_fixture.hpp"

namespace lab {
namespace {

TEST_CASE("a burst uses one connection a request, opened before and in order") {
  VirtualRun bench;
  bench.load_case.loads = {burst(10)};
  bench.run();
  CHECK(bench.books.ok == 10);
  CHECK(bench.transport.opens == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  for (std::size_t i = 0; i < 10; ++i) {
    const RequestRecord& record = bench.records[i];
    CHECK(record.intended == bench.began);
    CHECK(record.sent >= bench.began);
    CHECK(record.sent - bench.began <= static_cast<Nanos>(i) * 10 * kMicrosecond + 2 * kMicrosecond);
    CHECK(record.received >= record.sent + 100 * kMillisecond);
    CHECK(record.first_byte == record.received);
    CHECK(bench.ports[i] == 40001 + i);
    CHECK(bench.transport.requests[i].find("Lab-Request: " + std::to_string(i + 1) + "\r\n") !=
          std::string::npos);
  }
}

TEST_CASE("a request says what it is, and a warm-up request bears no id") {
  VirtualRun bench;
  bench.load_case.loads = {burst(1), constant(1, kSecond)};
  bench.run();
  CHECK(bench.transport.requests[0] ==
        "POST /slow HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nContent-Length: 0\r\nLab-Request: 1\r\n\r\n");
  CHECK(bench.transport.requests[1] ==
        "GET /ping HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nLab-Request: 2\r\n\r\n");
  VirtualRun anonymous;
  anonymous.setup.identify = false;
  anonymous.load_case.loads = {constant(1, kSecond)};
  anonymous.run();
  CHECK(anonymous.transport.requests[0] == "GET /ping HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n");
}

TEST_CASE("a request brings the JSON of its route, and none where its load has a body") {
  const Route route{.name = "a", .method = "POST", .path = "/a", .body = {{"x", "[0.5,1]"}, {"y", "[2]"}}};
  RequestText text(route, "127.0.0.1", 80, true);
  CHECK(text.with_id(7) ==
        "POST /a HTTP/1.1\r\nHost: 127.0.0.1:80\r\nContent-Type: application/json\r\nContent-Length: 21\r\n"
        "Lab-Request: 7\r\n\r\n{\"x\":[0.5,1],\"y\":[2]}");
  CHECK(text.with_id(12'345).ends_with("Lab-Request: 12345\r\n\r\n{\"x\":[0.5,1],\"y\":[2]}"));
  CHECK(RequestText(route, "127.0.0.1", 80, false, 9).with_id(1).ends_with("Content-Length: 9\r\n\r\n"));
}

TEST_CASE("a request taken in pieces arrives whole") {
  VirtualRun bench;
  bench.transport.most_bytes_a_send = 7;
  bench.load_case.loads = {burst(2)};
  bench.run();
  CHECK(bench.books.ok == 2);
  CHECK(bench.transport.requests[1].ends_with("Lab-Request: 2\r\n\r\n"));
}

TEST_CASE("open loads are sent at their times whatever the server does") {
  VirtualRun bench;
  bench.load_case.loads = {
      {.arrivals = Arrivals::staggered, .requests = 3, .at = {0, 5 * kMillisecond, 300 * kMillisecond}},
      constant(5, 50 * kMillisecond)};
  bench.transport.on_request = nullptr;
  bench.run();
  for (const RequestRecord& record : bench.records) {
    CHECK(record.sent >= record.intended);
    CHECK(record.sent - record.intended <= 15 * kMicrosecond);
    CHECK(record.outcome == Outcome::timeout);
  }
  CHECK(bench.records[0].intended == bench.began);
  CHECK(bench.records.back().intended == bench.began + 300 * kMillisecond);
}

TEST_CASE("a closed load sends the next request when a reply has come, on the same connection") {
  VirtualRun bench;
  bench.load_case.loads = {closed(7, 2)};
  bench.run();
  CHECK(bench.books.ok == 7);
  CHECK(bench.transport.opens.size() == 2);
  CHECK(bench.records[2].intended == bench.records[0].received);
  CHECK(bench.records[3].intended == bench.records[1].received);
  CHECK(bench.records[2].sent >= bench.records[0].received);
  CHECK(bench.ports[2] == bench.ports[0]);
  CHECK(bench.ended >= bench.began + 400 * kMillisecond);
}

TEST_CASE("a closed load with more clients than requests sends each request once") {
  VirtualRun bench;
  bench.load_case.loads = {closed(2, 5)};
  bench.run();
  CHECK(bench.books.ok == 2);
  CHECK(bench.transport.requests.size() == 2);
}

TEST_CASE("a steady load takes its connections in turn and opens one only where none is idle") {
  VirtualRun bench;
  bench.answer_after(kMillisecond);
  bench.load_case.loads = {constant(200, 10 * kMillisecond)};
  bench.run();
  CHECK(bench.books.ok == 200);
  CHECK(bench.transport.opens.size() == 64);
  CHECK(bench.ports[0] == 40001);
  CHECK(bench.ports[63] == 40064);
  CHECK(bench.ports[64] == 40001);

  VirtualRun slow;
  slow.answer_after(700 * kMillisecond);
  slow.load_case.loads = {constant(200, 5 * kMillisecond)};
  slow.run();
  CHECK(slow.books.ok == 200);
  CHECK(slow.transport.most_open >= 139);
  CHECK(slow.transport.most_open <= 142);
  CHECK(slow.records[64].sent >= slow.records[64].intended + slow.transport.connect_takes);
}

TEST_CASE("connections are numbered in the order of the requests that need them") {
  VirtualRun bench;
  bench.answer_after(kMillisecond);
  bench.load_case.loads = {
      {.arrivals = Arrivals::staggered, .requests = 2, .at = {0, 20 * kMillisecond}}, burst(2), closed(9, 1)};
  bench.load_case.loads[1].from = 10 * kMillisecond;
  bench.load_case.loads[2].from = 15 * kMillisecond;
  bench.run();
  CHECK(bench.transport.opens == std::vector<std::uint32_t>{0, 1, 2, 3, 4});
  const std::vector<std::uint32_t> loads{0, 1, 1, 2, 0};
  for (std::size_t i = 0; i < loads.size(); ++i) {
    CHECK(bench.records[i].load == loads[i]);
    CHECK(bench.ports[i] == 40001 + i);
    CHECK(bench.records[i].sent < bench.records[i].intended + bench.transport.connect_takes);
  }
}

TEST_CASE("a steady load of few requests has a connection for each before it begins") {
  VirtualRun bench;
  bench.answer_after(kMillisecond);
  bench.load_case.loads = {constant(1000, 10 * kMillisecond),
                           {.arrivals = Arrivals::poisson, .requests = 3, .every = kSecond, .at = {}}};
  bench.run();
  CHECK(bench.transport.opens.size() == 67);
}

TEST_CASE("fresh connections are opened with their request and closed after it") {
  VirtualRun bench;
  bench.load_case.loads = {burst(3), constant(3, 200 * kMillisecond), closed(4, 2)};
  for (Load& load : bench.load_case.loads) load.fresh_connections = true;
  bench.run();
  CHECK(bench.books.ok == 10);
  CHECK(bench.transport.opens.size() == 10);
  CHECK(bench.transport.closes.size() == 10);
  for (const RequestRecord& record : bench.records) {
    CHECK(record.sent - record.intended >= bench.transport.connect_takes);
  }
}

TEST_CASE("housekeeping comes by every ten milliseconds and not just before a send") {
  VirtualRun bench;
  bench.load_case.loads = {constant(10, 50 * kMillisecond)};
  std::vector<Nanos> visits;
  bench.setup.housekeeping = [&](Nanos) { visits.push_back(bench.clock.now()); };
  bench.run();
  REQUIRE(visits.size() >= 40);
  for (const Nanos visit : visits) {
    for (const RequestRecord& record : bench.records) {
      if (visit < record.sent) CHECK(record.intended - visit >= 300 * kMicrosecond);
    }
  }
}

TEST_CASE("while sends never stop housekeeping comes by all the same") {
  VirtualRun bench;
  bench.answer_after(kMillisecond);
  bench.load_case.loads = {constant(5000, 100 * kMicrosecond)};
  std::int64_t visits = 0;
  bench.setup.housekeeping = [&](Nanos) { ++visits; };
  bench.run();
  CHECK(bench.books.ok == 5000);
  CHECK(visits >= 8);
}

TEST_CASE("where an idle connection holds a thread of the server, it is closed after its only reply") {
  VirtualRun bench;
  bench.answer_after(kMillisecond);
  bench.load_case.loads = {burst(3), closed(4, 1)};
  bench.setup.close_after_reply = true;
  bench.run();
  CHECK(bench.books.ok == 7);
  CHECK(bench.transport.closes.size() == 3);  // the client of the closed load keeps its own
}

TEST_CASE("where a connection is closed after its reply, none is opened before it is due") {
  VirtualRun bench;
  bench.answer_after(kMillisecond);
  bench.load_case.loads = {constant(3, 200 * kMillisecond)};
  bench.setup.close_after_reply = true;
  bench.run();
  CHECK(bench.books.ok == 3);
  CHECK(bench.transport.opens.size() == 3);
  CHECK(bench.transport.closes.size() == 3);
  for (const RequestRecord& record : bench.records)
    CHECK(record.sent - record.intended >= bench.transport.connect_takes);
}

TEST_CASE("a large burst leaves in full and its early replies are stamped before its last send") {
  VirtualRun bench;
  bench.answer_after(kMillisecond);
  bench.load_case.loads = {burst(1000)};
  bench.run();
  CHECK(bench.books.ok == 1000);
  CHECK(bench.records[0].received < bench.records[999].sent);
}

}  // namespace
}  // namespace lab
