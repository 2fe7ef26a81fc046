#include "lab/core/websocket.hpp"

#include <catch2/catch.hpp>

namespace lab {
namespace {

using News = WebSocketReader::News;

constexpr const char* kKey = "dGhlIHNhbXBsZSBub25jZQ==";

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}

TEST_CASE("the accept value is that of RFC 6455's own example") {
  CHECK(websocket_accept(kKey) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("a key has sixteen bytes and is another one for each connection") {
  CHECK(websocket_key(1).size() == 24);
  CHECK(websocket_key(1).ends_with("=="));
  CHECK(websocket_key(1) != websocket_key(2));
}

TEST_CASE("a client's frame is masked: RFC 6455's example of Hello") {
  CHECK(websocket_frame(WebSocketOp::text, "Hello", 0x37fa213d) ==
        bytes({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}));
  const std::string longer = websocket_frame(WebSocketOp::text, std::string(300, 'x'), 0);
  CHECK(longer.substr(0, 4) == bytes({0x81, 0xfe, 0x01, 0x2c}));
}

TEST_CASE("messages come whole however their bytes are split") {
  const std::string frames = bytes({0x81, 0x02, 'o', 'k', 0x01, 0x01, 'a', 0x89, 0x01, '!', 0x80, 0x01, 'b'});
  WebSocketReader reader(false);
  std::vector<std::string> heard;
  for (const char byte : frames) {
    reader.feed(std::string_view(&byte, 1));
    for (News news = reader.next(); news != News::nothing; news = reader.next()) {
      heard.push_back((news == News::message ? "message " : "ping ") + reader.payload());
    }
  }
  CHECK(heard == std::vector<std::string>{"message ok", "ping !", "message ab"});
}

TEST_CASE("what a server must not send is bad") {
  for (const std::string& frame :
       {bytes({0x81, 0x81, 0, 0, 0, 0, 'x'}), bytes({0xC1, 0x00}), bytes({0x80, 0x00}), bytes({0x83, 0x00}),
        bytes({0x09, 0x00}), bytes({0x89, 0x7E, 0x00, 0x7E}), bytes({0x8B, 0x00}),
        bytes({0x01, 0x00, 0x81, 0x00})}) {
    WebSocketReader reader(false);
    reader.feed(frame);
    CHECK(reader.next() == News::bad);
  }
}

TEST_CASE("a message over 1 MB is too long, before it has come") {
  WebSocketReader reader(false);
  reader.feed(bytes({0x82, 0x7F, 0, 0, 0, 1, 0, 0, 0, 0}));
  CHECK(reader.next() == News::too_long);
}

TEST_CASE("a client's frames are unmasked, and bad where they have no mask") {
  WebSocketReader reader(true);
  reader.feed(websocket_frame(WebSocketOp::text, "Hello", 0x37fa213d));
  REQUIRE(reader.next() == News::message);
  CHECK(reader.payload() == "Hello");
  reader.feed(websocket_frame(WebSocketOp::text, "Hello", std::nullopt));
  CHECK(reader.next() == News::bad);
}

TEST_CASE("a close frame is reported as such") {
  WebSocketReader reader(false);
  reader.feed(bytes({0x88, 0x02, 0x03, 0xE8}));
  CHECK(reader.next() == News::close);
}

TEST_CASE("a close with half a code, or with one that no side may send, is bad") {
  for (const std::string& frame :
       {bytes({0x88, 0x01, 0x03}), bytes({0x88, 0x02, 0x03, 0xED}), bytes({0x88, 0x02, 0xFF, 0xFE})}) {
    WebSocketReader reader(false);
    reader.feed(frame);
    CHECK(reader.next() == News::bad);
  }
}

TEST_CASE(
    "text that is not UTF-8 is bad text, as bytes it is a message, and frames in one feed come one by one") {
  WebSocketReader reader(false);
  reader.feed(bytes({0x82, 0x02, 0xFF, 0xFE, 0x81, 0x02, 0xC3, 0xA9, 0x81, 0x02, 0xFF, 0xFE}));
  CHECK(reader.next() == News::message);
  CHECK(reader.next() == News::message);
  CHECK(reader.payload() == "é");
  CHECK(reader.next() == News::bad_text);
}

}  // namespace
}  // namespace lab
