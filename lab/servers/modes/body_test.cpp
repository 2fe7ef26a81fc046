#include <catch2/catch.hpp>
#include <string>

#include "lab/servers/testing/test_client.hpp"

namespace lab {

using test::get;
using test::kPatience;
using test::RawClient;
using test::status_of;

namespace {

constexpr std::int64_t kLimit = 20'000'000;

/// POST /upload takes 20 MB, POST /small ten bytes, POST /quick must send its body within 20 ms.
ServerSetup upload_setup(const Mode& mode) {
  ServerSetup setup;
  setup.routes = {{.name = "upload", .method = "POST", .path = "/upload", .body_limit = kLimit},
                  {.name = "small", .method = "POST", .path = "/small", .body_limit = 10},
                  {.name = "quick", .method = "POST", .path = "/quick", .body_deadline = 20 * kMillisecond},
                  {.name = "ping", .method = "GET", .path = "/ping"}};
  setup.arm.modes.assign(setup.routes.size(), mode.traits);
  setup.arm.threads = 4;
  return setup;
}

std::string head(std::string_view path, std::string_view framing) {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: lab\r\n" + std::string(framing) + "\r\n\r\n";
}

}  // namespace

TEST_CASE("a route's own limit decides what body is too big", "[sockets]") {
  for (const Mode* mode : all_modes()) {
    INFO(mode->traits.name);
    auto server = Server::start(upload_setup(*mode), nullptr);
    REQUIRE(server.has_value());
    const auto answer = [&](const std::string& bytes) {
      RawClient client(server->port());
      client.send(bytes);
      return client.reply();
    };
    CHECK(status_of(answer(head("/small", "Content-Length: 10") + "0123456789")) == 200);
    const std::string refused = answer(head("/small", "Content-Length: 11"));
    CHECK(status_of(refused) == 413);
    CHECK(refused.find("body above 10 bytes") != std::string::npos);
    CHECK(status_of(answer(head("/small", "Transfer-Encoding: chunked") + "a\r\n0123456789\r\n1\r\nx\r\n")) ==
          413);
    CHECK(status_of(answer(head("/quick", "Content-Length: 1000001"))) == 413);
    CHECK(status_of(answer(head("/upload", "Content-Length: 20000001"))) == 413);
    CHECK(status_of(answer(head("/upload", "Content-Length: 20000000") + std::string(kLimit, 'x'))) == 200);
    CHECK(server->stop(kPatience));
  }
}

TEST_CASE("a body that takes longer than its route allows is given up", "[sockets]") {
  for (const Mode* mode : all_modes()) {
    INFO(mode->traits.name);
    auto server = Server::start(upload_setup(*mode), nullptr);
    REQUIRE(server.has_value());
    RawClient client(server->port());
    client.send(head("/quick", "Content-Length: 10") + "01234");
    CHECK(status_of(client.reply()) == 408);
  }
}

TEST_CASE("a slow upload leaves the other requests of a loop alone", "[sockets]") {
  auto server = Server::start(upload_setup(*find_mode("async-loop")), nullptr);
  REQUIRE(server.has_value());
  RawClient slow(server->port());
  slow.send(head("/upload", "Content-Length: 3") + "x");
  for (int i = 0; i < 3; ++i) {
    RawClient client(server->port());
    client.send(get("/ping"));
    CHECK(status_of(client.reply()) == 200);
  }
  slow.send("yz");
  CHECK(status_of(slow.reply()) == 200);
}

}  // namespace lab
