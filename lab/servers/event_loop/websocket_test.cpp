#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "lab/servers/testing/test_client.hpp"

namespace lab {

using test::kPatience;
using test::RawClient;
using test::status_of;

namespace {

constexpr const char* kUpgrade =
    "GET /chat HTTP/1.1\r\nHost: lab\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

ServerSetup chat_setup(const Mode& mode) {
  ServerSetup setup;
  setup.routes = {{"chat", "WS", "/chat", {{Wait{kMillisecond}}}}};
  setup.arm.modes = {mode.traits};
  return setup;
}

/// A client's frame (RFC 6455, 5.2); the mask is zero, so the text stays readable.
std::string frame(int opcode, std::string_view text, bool last = true) {
  std::string bytes{static_cast<char>((last ? 0x80 : 0) | opcode)};
  if (text.size() < 126) {
    bytes += static_cast<char>(0x80 | text.size());
  } else {
    bytes += static_cast<char>(0x80 | 127);
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>((text.size() >> shift) & 0xff);
  }
  return bytes + std::string(4, '\0') + std::string(text);
}

constexpr int kContinuation = 0, kText = 1, kClose = 8, kPing = 9, kPong = 10;

struct Frame {
  int opcode = -1;  ///< -1: the server closed, or said nothing
  std::string text;
};

/// The server's next frame, which is never masked.
Frame next_frame(RawClient& client) {
  const std::string start = client.bytes(2);
  if (start.size() < 2) return {};
  std::size_t size = static_cast<unsigned char>(start[1]) & 0x7f;
  if (size == 126) {
    const std::string more = client.bytes(2);
    size = static_cast<std::size_t>(static_cast<unsigned char>(more[0]) << 8 |
                                    static_cast<unsigned char>(more[1]));
  }
  return {start[0] & 0x0f, client.bytes(size)};
}

int close_code(const Frame& frame) {
  if (frame.opcode != kClose || frame.text.size() < 2) return 0;
  return static_cast<unsigned char>(frame.text[0]) << 8 | static_cast<unsigned char>(frame.text[1]);
}

}  // namespace

TEST_CASE("each text message is a request and gets one as its reply", "[sockets]") {
  for (const Mode* mode : all_modes()) {
    if (mode->loop == nullptr) continue;
    INFO(mode->traits.name);
    auto rings = EventRings::create(1, 1024);
    REQUIRE(rings.has_value());
    auto server = Server::start(chat_setup(*mode), &*rings);
    REQUIRE(server.has_value());
    {  // a client that stays would be read from for a second more
      RawClient client(server->port());
      client.send(kUpgrade);
      const std::string accepted = client.reply(true);
      CHECK(accepted.starts_with("HTTP/1.1 101 "));
      CHECK(accepted.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string::npos);
      for (const char* id : {"41", "42"}) {
        client.send(frame(kText, id));
        const Frame reply = next_frame(client);
        CHECK(reply.opcode == kText);
        CHECK(reply.text.starts_with("{\""));
      }
      client.send(frame(kClose, std::string("\x03\xe8", 2)));
      CHECK(close_code(next_frame(client)) == 1000);
      CHECK(client.closed_by_server());
    }
    CHECK(server->stop(kPatience));
    Events events;
    rings->drain(events);
    for (const EventKind kind :
         {EventKind::read, EventKind::started, EventKind::finished, EventKind::replied}) {
      for (const std::uint32_t id : {41U, 42U})
        CHECK(std::count_if(events.begin(), events.end(), [&](const Event& event) {
                return event.kind == kind && event.request == id;
              }) == 1);
    }
  }
}

TEST_CASE("fragments make one message, a ping is answered, and too much is refused", "[sockets]") {
  auto server = Server::start(chat_setup(*find_mode("async-loop")), nullptr);
  REQUIRE(server.has_value());
  RawClient client(server->port());
  client.send(kUpgrade);
  REQUIRE(client.reply(true).starts_with("HTTP/1.1 101 "));
  client.send(frame(kText, "4", false) + frame(kPing, "hi") + frame(kContinuation, "2"));
  const Frame pong = next_frame(client);
  CHECK(pong.opcode == kPong);
  CHECK(pong.text == "hi");
  CHECK(next_frame(client).opcode == kText);
  client.send(frame(kText, std::string(1'000'001, '1')));
  CHECK(close_code(next_frame(client)) == 1009);
}

TEST_CASE("an unmasked frame ends the connection", "[sockets]") {
  auto server = Server::start(chat_setup(*find_mode("async-loop")), nullptr);
  REQUIRE(server.has_value());
  RawClient client(server->port());
  client.send(kUpgrade);
  REQUIRE(client.reply(true).starts_with("HTTP/1.1 101 "));
  client.send(
      "\x81\x01"
      "1");
  CHECK(close_code(next_frame(client)) == 1002);
}

TEST_CASE("a plain GET of a WebSocket's path is asked to upgrade", "[sockets]") {
  auto server = Server::start(chat_setup(*find_mode("async-loop")), nullptr);
  REQUIRE(server.has_value());
  RawClient client(server->port());
  client.send(test::get("/chat"));
  const std::string reply = client.reply();
  CHECK(status_of(reply) == 426);
  CHECK(reply.find("\r\nUpgrade: websocket\r\n") != std::string::npos);
}

TEST_CASE("a stopping server says so to the held connections", "[sockets]") {
  auto server = Server::start(chat_setup(*find_mode("async-loop")), nullptr);
  REQUIRE(server.has_value());
  RawClient client(server->port());
  client.send(kUpgrade);
  REQUIRE(client.reply(true).starts_with("HTTP/1.1 101 "));
  CHECK(server->stop(kPatience));
  CHECK(close_code(next_frame(client)) == 1001);
}

TEST_CASE("a server without a loop has no WebSocket, and says so") {
  const auto server = Server::start(chat_setup(*find_mode("thread-per-request")), nullptr);
  REQUIRE_FALSE(server.has_value());
  CHECK(server.error().kind == ErrorKind::usage);
  CHECK(server.error().message.find("has no WebSocket") != std::string::npos);
}

}  // namespace lab
