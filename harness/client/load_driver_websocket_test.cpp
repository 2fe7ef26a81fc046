#include "harness/client/testing/driver_fixture.hpp"

namespace lab {
namespace {

/// A server of messages on the route `echo`: it upgrades, and answers each text with its own.
struct Messages : VirtualRun {
  std::vector<std::string> heard;
  std::string extra;  ///< sent before each answer

  explicit Messages(Load load) {
    target.routes.push_back({"echo", "WS", "/echo", {}});
    load.route = 2;
    load_case.loads = {load};
    transport.on_request = nullptr;
    transport.on_bytes = [this](std::uint32_t connection, const std::string& bytes) {
      const std::size_t key = bytes.find("Sec-WebSocket-Key: ");
      if (key != std::string::npos) {
        const std::string accept = websocket_accept(bytes.substr(key + 19, 24));
        return transport.reply(connection, kMillisecond,
                               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                               "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
                                   accept + "\r\n\r\n");
      }
      std::string text = bytes.substr(6);
      for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(text[i] ^ bytes[2 + i % 4]);
      heard.push_back(text);
      if (bytes[0] != '\x81') return;
      transport.reply(connection, 2 * kMillisecond, extra + "\x81\x02{}");
    };
  }
};

TEST_CASE("a WebSocket is upgraded before the load, and each request is a message with its id") {
  Messages bench(burst(2));
  bench.run();
  CHECK(bench.books.ok == 2);
  CHECK(bench.heard == std::vector<std::string>{"1", "2"});
  CHECK(bench.records[0].sent - bench.records[0].intended < 100 * kMicrosecond);
  CHECK(bench.records[0].received - bench.records[0].sent >= 2 * kMillisecond);
  CHECK(bench.records[0].first_byte != 0);
}

TEST_CASE("many messages share one connection") {
  Messages bench(closed(20, 1));
  bench.run();
  CHECK(bench.books.ok == 20);
  CHECK(bench.transport.opens.size() == 1);
}

TEST_CASE("a ping is answered with its own text and is no reply") {
  Messages bench(burst(1));
  bench.extra = "\x89\x02hi";
  bench.run();
  CHECK(bench.books.ok == 1);
  CHECK(bench.heard == std::vector<std::string>{"1", "hi"});
}

TEST_CASE("a close frame before the answer means that the server closed") {
  Messages bench(burst(1));
  bench.extra = std::string("\x88\x00", 2);
  bench.run();
  CHECK(bench.records[0].outcome == Outcome::closed);
}

TEST_CASE("a server that does not upgrade has answered with its status") {
  Messages bench(burst(1));
  bench.transport.on_bytes = nullptr;
  bench.answer_after(kMillisecond, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  bench.run();
  CHECK(bench.errors("status_404") == 1);
}

TEST_CASE("a fresh WebSocket connects and upgrades with its request") {
  Load load = burst(1);
  load.fresh_connections = true;
  Messages bench(load);
  bench.run();
  CHECK(bench.books.ok == 1);
  CHECK(bench.records[0].sent - bench.records[0].intended >= kMillisecond);
}

}  // namespace
}  // namespace lab
