// What a server sends to our client: replies one after another, to GET, to HEAD, and to an upgrade.

#include <fmt/format.h>

#include <algorithm>

#include "lab/core/http_message.hpp"
#include "lab/core/websocket.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace lab::fuzz {

namespace {

enum class Asked { get, head, upgrade };

class Reader : public ReplyReader {
 public:
  std::string body;
  int interim = 0;

 private:
  void on_body(std::string_view bytes) override { body += bytes; }
  void on_interim() override { ++interim; }
};

void begin(Reader& reader, Asked asked) {
  if (asked == Asked::upgrade) {
    reader.start_upgrade(websocket_key(1));
  } else {
    reader.start(asked == Asked::head);
  }
  reader.body.clear();
  reader.interim = 0;
}

std::string reply_in_words(const Reader& reader, Asked asked) {
  expect(reader.status() >= 101 && reader.status() <= 599, "a status", std::to_string(reader.status()));
  expect(reader.body.size() == reader.body_bytes(), "a body's bytes are counted");
  expect(asked == Asked::get || reader.body.empty(), "no body where none can be");
  expect(reader.interim <= 16, "few interim replies");
  return fmt::format("{} after {}, keeps alive {}: {} bytes, {}\n", reader.status(), reader.interim,
                     reader.keeps_alive(), reader.body.size(), std::hash<std::string>()(reader.body));
}

std::string replies(std::string_view bytes, std::size_t piece, Asked asked) {
  Reader reader;
  begin(reader, asked);
  std::string seen;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    std::string_view part = bytes.substr(0, piece);
    while (!part.empty()) {
      const std::size_t before = part.size();
      reader.take(part);
      if (reader.refusal()) {
        expect_printable(reader.refusal().reason);
        expect(!reader.end(), "what is refused is not whole");
        return seen + fmt::format("refused: {}\n", reader.refusal().reason);
      }
      if (!reader.is_whole()) {
        expect(part.empty(), "all that came was read");
        continue;
      }
      expect(part.size() < before, "a reply has bytes");
      seen += reply_in_words(reader, asked);
      if (!reader.keeps_alive()) return seen;
      begin(reader, asked);
    }
  }
  if (!reader.end()) return seen + "torn\n";
  return seen + reply_in_words(reader, asked) + "until its end\n";
}

}  // namespace

std::vector<std::string> seeds() {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string switching =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
      "Upgrade\r\nSec-WebSocket-Accept: " +
      websocket_accept(websocket_key(1)) + "\r\n\r\n";
  return {ok + "Content-Length: 5\r\n\r\nhello" + ok + "Content-Length: 0\r\nConnection: close\r\n\r\n",
          ok + "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n1;a=b\r\n!\r\n0\r\nX-Sum: 1\r\n\r\n",
          ok + "Server: x\r\n\r\nuntil the end",
          "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + ok +
              "Content-Length: 1\r\n\r\nx",
          "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 \r\nContent-Length: 9\r\n\r\n",
          switching,
          "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}"};
}

}  // namespace lab::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using lab::fuzz::Asked;
  for (const Asked asked : {Asked::get, Asked::head, Asked::upgrade}) {
    lab::fuzz::expect_same_in_pieces(lab::fuzz::text_of(data, size),
                                     [asked](std::string_view bytes, std::size_t piece) {
                                       return lab::fuzz::replies(bytes, piece, asked);
                                     });
  }
  return 0;
}
