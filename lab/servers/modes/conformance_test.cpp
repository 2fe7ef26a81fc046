#include <catch2/catch.hpp>

#include "lab/servers/testing/http_cases.hpp"
#include "lab/servers/testing/test_client.hpp"

namespace lab {

using test::builtin_setup;
using test::get;
using test::RawClient;
using test::status_of;

TEST_CASE("every execution model answers raw bytes as the table says", "[sockets]") {
  for (const Mode* mode : all_modes()) {
    auto server = Server::start(builtin_setup(*mode), nullptr);
    REQUIRE(server.has_value());
    for (const test::HttpCase& http : test::http_cases()) {
      INFO(mode->traits.name << ": " << http.what);
      RawClient client(server->port());
      client.send(http.bytes);
      const std::string reply = client.reply();
      CHECK(status_of(reply) == http.status);
      if (http.status == 405) CHECK(reply.find("\r\nAllow: GET, HEAD\r\n") != std::string::npos);
    }
    CHECK(server->stop(test::kPatience));
  }
}

TEST_CASE("every execution model keeps its promises to a connection", "[sockets]") {
  for (const Mode* mode : all_modes()) {
    INFO(mode->traits.name);
    auto server = Server::start(builtin_setup(*mode), nullptr);
    REQUIRE(server.has_value());

    SECTION("pipelined requests are answered in order") {
      RawClient client(server->port());
      std::string requests;
      for (int i = 0; i < 200; ++i) requests += i % 2 == 0 ? get("/ping") : get("/nope");
      client.send(requests);
      for (int i = 0; i < 200; ++i) CHECK(status_of(client.reply()) == (i % 2 == 0 ? 200 : 404));
    }
    SECTION("pipelined requests outlive a handler that waits") {
      RawClient client(server->port());
      client.send(get("/delay?ms=1") + get("/nope") + get("/delay?ms=1") + get("/ping"));
      for (const int status : {200, 404, 200, 200}) CHECK(status_of(client.reply()) == status);
    }
    SECTION("a request that comes byte by byte is answered") {
      RawClient client(server->port());
      for (const char byte : get("/ping")) client.send({&byte, 1});
      CHECK(status_of(client.reply()) == 200);
    }
    SECTION("a half-closed connection still gets its reply, then ends") {
      RawClient client(server->port());
      client.send(get("/delay?ms=5"));
      client.half_close();
      CHECK(status_of(client.reply()) == 200);
      CHECK(client.closed_by_server());
    }
    SECTION("half a request, then the end, is refused") {
      RawClient client(server->port());
      client.send("GET /ping HTTP/1.1\r\nHo");
      client.half_close();
      CHECK(status_of(client.reply()) == 400);
      CHECK(client.closed_by_server());
    }
    SECTION("HEAD gets the head alone") {
      RawClient client(server->port());
      client.send("HEAD /ping HTTP/1.1\r\nHost: lab\r\n\r\n");
      const std::string head = client.reply(true);
      CHECK(status_of(head) == 200);
      CHECK(head.find("Content-Length: ") != std::string::npos);
      client.send(get("/ping"));
      CHECK(status_of(client.reply()) == 200);
    }
    SECTION("Connection: close is obeyed, and HTTP/1.0 closes by itself") {
      for (const char* request :
           {"GET /ping HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n", "GET /ping HTTP/1.0\r\n\r\n"}) {
        RawClient client(server->port());
        client.send(request);
        const std::string reply = client.reply();
        CHECK(status_of(reply) == 200);
        CHECK(reply.find("\r\nConnection: close\r\n") != std::string::npos);
        CHECK(client.closed_by_server());
      }
    }
    SECTION("100 Continue comes before the body") {
      RawClient client(server->port());
      client.send(
          "POST /delay?ms=0 HTTP/1.1\r\nHost: lab\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
      CHECK(client.reply(true) == "HTTP/1.1 100 Continue\r\n\r\n");
      client.send("hi");
      CHECK(status_of(client.reply()) == 200);
    }
    SECTION("a refused connection ends") {
      RawClient client(server->port());
      client.send("nonsense\r\n\r\n" + get("/ping"));
      CHECK(status_of(client.reply()) == 400);
      client.half_close();
      CHECK(client.closed_by_server());
    }
    CHECK(server->stop(test::kPatience));
  }
}

TEST_CASE("a reply contains message, times and worker", "[sockets]") {
  for (const Mode* mode : all_modes()) {
    INFO(mode->traits.name);
    auto server = Server::start(builtin_setup(*mode), nullptr);
    REQUIRE(server.has_value());
    RawClient client(server->port());
    client.send(get("/delay?ms=2"));
    const std::string reply = client.reply();
    CHECK(reply.find(R"("message":"Response after 0.002 seconds delay","start_time":"20)") !=
          std::string::npos);
    CHECK(reply.find(R"(","end_time":"20)") != std::string::npos);
    CHECK(test::worker_of(reply) == server->workers().front());
  }
}

}  // namespace lab
