#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "lab/servers/testing/test_client.hpp"

namespace lab {

using test::builtin_setup;
using test::get;
using test::RawClient;
using test::status_of;

namespace {

constexpr Nanos kSpan = 150 * kMillisecond;

const std::string kPost = "POST /delay?ms=0 HTTP/1.1\r\nHost: lab\r\nContent-Length: 100000\r\n\r\n";
const std::string kUpgradeRequest =
    "GET /chat HTTP/1.1\r\nHost: lab\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const std::string kMessage("\x81\x81\0\0\0\x001", 7);

ServerSetup impatient_setup(const Mode& mode) {
  ServerSetup setup = builtin_setup(mode);
  if (mode.loop != nullptr) setup.routes = {{.name = "chat", .method = "WS", .path = "/chat"}};
  setup.header_deadline = setup.body_deadline = setup.write_deadline = kSpan;
  return setup;
}

std::string many(const std::string& text) {
  std::string all;
  while (all.size() < 100'000) all += text;
  return all;
}

}  // namespace

TEST_CASE("who sends a byte now and then is sent away when the time for the whole is over", "[sockets]") {
  for (const Mode* mode : all_modes()) {
    auto server = Server::start(impatient_setup(*mode), nullptr);
    REQUIRE(server.has_value());
    for (const std::string& begin : {get("/ping").substr(0, 30), kPost}) {
      INFO(mode->traits.name << ": " << begin);
      std::vector<RawClient> clients;
      for (int i = 0; i < 4; ++i) clients.emplace_back(server->port()).send(begin);
      const Nanos end = monotonic_now() + test::kPatience;
      while (!clients.back().has_news(10 * kMillisecond) && monotonic_now() < end) {
        for (RawClient& client : clients) client.send("x");
      }
      for (RawClient& client : clients) {
        const int status = status_of(client.reply());
        CHECK(status == (mode->loop != nullptr || begin == kPost ? 408 : 400));
        CHECK(client.closed_by_server());
      }
    }
    CHECK(server->stop(test::kPatience));
  }
}

TEST_CASE("who never reads is sent away, and others are served meanwhile", "[sockets]") {
  const std::string requests = many(get("/ping")), messages = many(kMessage);
  for (const Mode* mode : all_modes()) {
    auto server = Server::start(impatient_setup(*mode), nullptr);
    REQUIRE(server.has_value());
    for (const std::string& what : {requests, messages}) {
      if (mode->loop == nullptr && what == messages) continue;  // cpp-httplib has no WebSockets
      INFO(mode->traits.name << (what == messages ? ": WebSocket" : ": HTTP"));
      RawClient reader(server->port());
      if (what == messages) {
        reader.send(kUpgradeRequest);
        CHECK(status_of(reader.reply(true)) == 101);
      }
      CHECK(reader.broken_while_it_sends(what));
      RawClient other(server->port());
      other.send(get("/ping"));
      CHECK(status_of(other.reply()) == 200);
    }
    CHECK(server->stop(test::kPatience));
  }
}

}  // namespace lab
