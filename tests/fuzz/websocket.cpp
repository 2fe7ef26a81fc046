// A WebSocket's frames, as a server and as a client read them, and as both write them.

#include "lab/core/websocket.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace lab::fuzz {

namespace {

using News = WebSocketReader::News;

std::string news_of(std::string_view bytes, std::size_t piece, bool masked) {
  WebSocketReader reader(masked);
  std::string seen;
  const std::size_t all = bytes.size();
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    reader.feed(bytes.substr(0, piece));
    for (News news = reader.next(); news != News::nothing; news = reader.next()) {
      seen += std::to_string(static_cast<int>(news)) + "\n";
      if (news != News::message && news != News::ping) return seen;
      const std::string& payload = reader.payload();
      expect(payload.size() <= all, "a payload came with its bytes");
      seen += fmt::format("{} bytes, {}\n", payload.size(), std::hash<std::string>()(payload));
    }
  }
  return seen;
}

/// What one side writes the other reads.
void write_and_read(std::string_view payload) {
  payload = payload.substr(0, 65'535);
  for (const bool masked : {false, true}) {
    for (const WebSocketOp op : {WebSocketOp::text, WebSocketOp::binary}) {
      WebSocketReader reader(masked);
      const auto mask =
          masked ? std::optional<std::uint32_t>(0x9E3779B9U * static_cast<std::uint32_t>(payload.size()))
                 : std::nullopt;
      reader.feed(websocket_frame(op, payload, mask));
      const bool sound = op == WebSocketOp::binary || valid_utf8(payload) == payload;
      expect(reader.next() == (sound ? News::message : News::bad_text), "a message, or text that is none");
      expect(!sound || reader.payload() == payload, "a message is read as it was written");
      expect(reader.next() == News::nothing, "nothing behind it");
    }
  }
}

}  // namespace

std::vector<std::string> seeds() {
  constexpr std::uint32_t kMask = 0x01020304;
  std::vector<std::string> all;
  for (const std::optional<std::uint32_t> mask : {std::optional<std::uint32_t>(), std::optional(kMask)}) {
    const std::string hello = websocket_frame(WebSocketOp::text, "h\xc3\xa9llo", mask);
    std::string begun = websocket_frame(WebSocketOp::binary, "ab", mask);
    begun[0] = static_cast<char>(begun[0] & 0x7F);
    const std::string ping = websocket_frame(WebSocketOp::ping, "?", mask);
    all.push_back(hello + ping +
                  websocket_frame(WebSocketOp::close,
                                  "\x03\xe8"
                                  "bye",
                                  mask));
    all.push_back(begun + ping + websocket_frame(WebSocketOp::more, "cd", mask) + hello);
    all.push_back(websocket_frame(WebSocketOp::binary, std::string(300, 'x'), mask));
  }
  all.push_back(websocket_close(WebSocketEnd::bad));
  all.emplace_back(
      "\x82\x7f\0\0\0\0\0\0\0\x03"
      "abc",
      13);
  return all;
}

}  // namespace lab::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = lab::fuzz::text_of(data, size);
  for (const bool masked : {true, false}) {
    lab::fuzz::expect_same_in_pieces(input, [masked](std::string_view bytes, std::size_t piece) {
      return lab::fuzz::news_of(bytes, piece, masked);
    });
  }
  lab::fuzz::write_and_read(input);
  return 0;
}
