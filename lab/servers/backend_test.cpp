#include <algorithm>
#include <catch2/catch.hpp>

#include "lab/servers/test_client.hpp"

namespace lab {

using test::kPatience;
using test::RawClient;
using test::status_of;

TEST_CASE("epoll is always available") {
  CHECK(backend_available(Backend::epoll).has_value());
}

TEST_CASE("a server on io_uring answers and tells, or says why it cannot be", "[sockets]") {
  const auto available = backend_available(Backend::io_uring);
  for (const char* name : {"async-loop", "thread-pool"}) {
    for (const int workers : {1, 2}) {
      INFO(name << " x " << workers);
      ServerSetup setup;
      setup.routes = {{"slow", "GET", "/slow", {{Wait{kMillisecond}}}}};
      setup.arm.modes = {find_mode(name)->traits};
      setup.arm.workers = workers;
      setup.arm.threads = 2;
      setup.arm.backend = Backend::io_uring;
      auto rings = EventRings::create(workers, 1024);
      REQUIRE(rings.has_value());
      auto server = Server::start(setup, &*rings);
      REQUIRE(server.has_value() == available.has_value());
      if (!available) {
        CHECK(server.error().kind == ErrorKind::environment);
        CHECK(server.error().message == available.error().message);
        continue;
      }
      RawClient idle(server->port());
      RawClient client(server->port());
      client.send("GET /slow HTTP/1.1\r\nHost: lab\r\nLab-Request: 9\r\n\r\n");
      CHECK(status_of(client.reply()) == 200);
      client.send("GET /slow HTTP/1.1\r\nHost: lab\r\nLab-Request: 9\r\n\r\n");
      CHECK(server->stop(kPatience));
      CHECK(status_of(client.reply()) == 200);
      Events events;
      rings->drain(events, true);
      CHECK(std::count_if(events.begin(), events.end(), [](const Event& event) {
              return event.request == 9 && event.kind == EventKind::replied;
            }) == 2);
    }
  }
}

}  // namespace lab
