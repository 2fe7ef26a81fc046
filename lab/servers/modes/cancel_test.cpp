#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>

#include "lab/servers/testing/test_client.hpp"

namespace lab {

using test::kPatience;
using test::RawClient;
using test::status_of;

namespace {

bool has(const Events& events, EventKind kind) {
  return std::any_of(events.begin(), events.end(), [&](const Event& event) { return event.kind == kind; });
}

/// What the server reports of one request whose client goes while its handler waits.
Events hang_up(bool cancel, Nanos wait, EventKind until) {
  ServerSetup setup;
  setup.routes = {{"slow", "GET", "/slow", {{Wait{wait}}}}};
  setup.arm.modes = {find_mode("async-loop")->traits};
  setup.arm.cancel = cancel;
  auto rings = EventRings::create(1, 1024);
  REQUIRE(rings.has_value());
  auto server = Server::start(setup, &*rings);
  REQUIRE(server.has_value());
  Events events;
  std::optional<RawClient> client(std::in_place, server->port());
  client->send("GET /slow HTTP/1.1\r\nHost: lab\r\nLab-Request: 1\r\n\r\n");
  const auto seen = [&](EventKind kind) {
    for (const Nanos end = monotonic_now() + kPatience; monotonic_now() < end && !has(events, kind);)
      rings->drain(events);
    return has(events, kind);
  };
  CHECK(seen(EventKind::step_begin));
  client.reset();
  CHECK(seen(until));
  CHECK(server->stop(kPatience));
  rings->drain(events);
  return events;
}

}  // namespace

TEST_CASE("a handler that waits is cancelled when its client has gone", "[sockets]") {
  const Events events = hang_up(true, 3600 * kSecond, EventKind::cancelled);
  CHECK_FALSE(has(events, EventKind::finished));
  CHECK_FALSE(has(events, EventKind::replied));
  std::int64_t held = 0;
  for (const Event& event : events) {
    if (event.kind == EventKind::acquire) ++held;
    if (event.kind == EventKind::release) --held;
  }
  CHECK(held == 0);
}

TEST_CASE("without cancellation the handler goes on for nobody", "[sockets]") {
  const Events events = hang_up(false, 20 * kMillisecond, EventKind::finished);
  CHECK_FALSE(has(events, EventKind::cancelled));
}

TEST_CASE("a client that stays gets its reply where others are cancelled", "[sockets]") {
  ServerSetup setup = test::builtin_setup(*find_mode("async-loop"));
  setup.arm.cancel = true;
  auto server = Server::start(setup, nullptr);
  REQUIRE(server.has_value());
  RawClient client(server->port());
  // The second one comes while the first one's handler waits.
  client.send(test::get("/delay?ms=10") + test::get("/delay?ms=5"));
  CHECK(status_of(client.reply()) == 200);
  CHECK(status_of(client.reply()) == 200);
  CHECK(server->stop(kPatience));
}

TEST_CASE("a queued handler does not begin for a client that has gone, where somebody looks", "[sockets]") {
  for (const char* name : {"blocking-loop", "thread-pool"}) {
    for (const bool looks : {true, false}) {
      ServerSetup setup;
      setup.routes = {{"slow", "GET", "/slow", {{Wait{100 * kMillisecond}}}}};
      setup.arm.modes = {find_mode(name)->traits};
      setup.arm.threads = 1;
      setup.arm.cancel = looks;
      auto rings = EventRings::create(1, 1024);
      REQUIRE(rings.has_value());
      auto server = Server::start(setup, &*rings);
      REQUIRE(server.has_value());
      RawClient first(server->port());
      first.send(test::get("/slow"));
      RawClient(server->port()).send(test::get("/slow"));  // and gone
      RawClient last(server->port());
      last.send(test::get("/slow"));
      CHECK(status_of(first.reply()) == 200);
      CHECK(status_of(last.reply()) == 200);
      CHECK(server->stop(kPatience));
      Events events;
      rings->drain(events);
      INFO(name);
      CHECK(std::ranges::count(events, EventKind::cancelled, &Event::kind) == (looks ? 1 : 0));
      CHECK(std::ranges::count(events, EventKind::started, &Event::kind) == (looks ? 2 : 3));
    }
  }
}

TEST_CASE("half a close still gets its reply, where nobody is cancelled", "[sockets]") {
  auto server = Server::start(test::builtin_setup(*find_mode("async-loop")), nullptr);
  REQUIRE(server.has_value());
  RawClient client(server->port());
  client.send(test::get("/delay?ms=10"));
  client.half_close();
  CHECK(status_of(client.reply()) == 200);
}

}  // namespace lab
