#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "harness/client/load_driver.hpp"
#include "harness/client/testing/fake_transport.hpp"

namespace lab {

inline const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A case with loads on the routes `slow` and `ping`, run in virtual time, and what that left. The books are
/// checked with every run.
struct VirtualRun {
  VirtualClock clock;
  FakeTransport transport{clock};
  Case load_case{"main", {}};
  LoadTarget target{.port = 8000, .routes = {{"slow", "POST", "/slow", {}}, {"ping", "GET", "/ping", {}}}};
  DriverSetup setup{.request_deadline = kSecond};
  std::vector<RequestRecord> records;
  std::vector<std::uint16_t> ports;
  RequestCounts books;
  Nanos began = 0;
  Nanos ended = 0;
  bool interrupted = false;
  bool gave_up = false;
  int open_error = 0;
  std::vector<int> missed_kills;

  VirtualRun() { answer_after(100 * kMillisecond); }

  void answer_after(Nanos delay, std::string reply = kOk) {
    transport.on_request = [this, delay, reply](std::uint32_t connection, const std::string&) {
      transport.reply(connection, delay, reply);
    };
  }

  void run() {
    LoadDriver driver(load_case, target, setup, clock, transport);
    while (driver.open_connections(8, clock.now() + kSecond)) {
    }
    open_error = driver.open_error();
    began = clock.now() + kMillisecond;
    driver.run(began);
    ended = clock.now();
    records = driver.records();
    ports = driver.ports();
    interrupted = driver.interrupted();
    gave_up = driver.gave_up();
    missed_kills = driver.missed_kills();
    for (const RequestRecord& record : records) books.add(record);
    REQUIRE(books.adds_up());
    const auto follow_ups = std::count_if(records.begin(), records.end(),
                                          [](const RequestRecord& record) { return record.parent != 0; });
    REQUIRE(books.planned == load_case.requests() + follow_ups);
    for (std::size_t i = 0; i < records.size(); ++i) REQUIRE(records[i].id == i + 1);
  }

  std::int64_t errors(const std::string& kind) const {
    const auto& counts = books.not_sent.count(kind) != 0 ? books.not_sent : books.errors;
    return counts.count(kind) != 0 ? counts.at(kind) : 0;
  }
};

inline Load burst(std::int64_t requests) {
  return {.arrivals = Arrivals::burst, .requests = requests, .at = {}};
}
inline Load closed(std::int64_t requests, std::int64_t clients) {
  return {.arrivals = Arrivals::closed, .requests = requests, .clients = clients, .at = {}};
}
inline Load constant(std::int64_t requests, Nanos every) {
  return {.route = 1, .arrivals = Arrivals::constant, .requests = requests, .every = every, .at = {}};
}

}  // namespace lab
