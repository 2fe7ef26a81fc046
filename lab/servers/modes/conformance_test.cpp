#include <array>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "lab/servers/testing/http_cases.hpp"
#include "lab/servers/testing/test_client.hpp"

namespace lab {

using test::builtin_setup;
using test::get;
using test::RawClient;
using test::status_of;

namespace {

/// cpp-httplib itself, with what it does to requests that are not as they should be.
bool is_httplib(const Mode& mode) {
  return mode.serve != nullptr;
}

/// The routes that the table asks for beside the builtin ones.
ServerSetup strict_setup(const Mode& mode) {
  ServerSetup setup = builtin_setup(mode);
  setup.routes = {{.name = "small", .method = "POST", .path = "/small", .body_limit = 10}};
  if (!is_httplib(mode)) setup.routes.push_back({.name = "chat", .method = "WS", .path = "/chat"});
  setup.arm.modes.assign(setup.routes.size(), mode.traits);
  return setup;
}

std::string final_reply(RawClient& client, const test::HttpCase& http) {
  std::string reply = client.reply(http.bytes.starts_with("HEAD"));
  return status_of(reply) == 100 ? client.reply() : reply;
}

}  // namespace

TEST_CASE("every execution model answers raw bytes as the table says", "[sockets]") {
  REQUIRE(test::http_cases().size() > 400);
  for (const Mode* mode : all_modes()) {
    auto server = Server::start(strict_setup(*mode), nullptr);
    REQUIRE(server.has_value());
    for (const test::HttpCase& http : test::http_cases()) {
      INFO(mode->traits.name << ": " << http.what);
      RawClient client(server->port());
      client.send(http.bytes);
      const int expected = is_httplib(*mode) ? http.httplib[test::kHttplibColumn] : http.status;
      // It waits for whatever it believes to be missing.
      if (is_httplib(*mode)) client.half_close();
      const std::string reply = final_reply(client, http);
      CHECK(status_of(reply) == expected);
      if (expected == 405) CHECK(reply.find("\r\nAllow: ") != std::string::npos);
    }
    CHECK(server->stop(test::kPatience));
  }
}

TEST_CASE("what is answered well is answered the same however it is split", "[sockets]") {
  auto server = Server::start(strict_setup(*find_mode("async-loop")), nullptr);
  REQUIRE(server.has_value());
  for (const test::HttpCase& http : test::http_cases()) {
    const std::string_view bytes = http.bytes;
    if (http.status != 200 || bytes.size() > 500) continue;
    INFO(http.what);
    std::vector<RawClient> clients;
    for (std::size_t cut = 1; cut < bytes.size(); ++cut)
      clients.emplace_back(server->port()).send(bytes.substr(0, cut));
    RawClient pause(server->port());
    for (int i = 0; i < 2; ++i) {  // what came before is read by now
      pause.send(get("/ping"));
      CHECK(status_of(pause.reply()) == 200);
    }
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) clients[cut - 1].send(bytes.substr(cut));
    for (RawClient& client : clients) {
      CHECK(status_of(final_reply(client, http)) == 200);
    }
  }
  CHECK(server->stop(test::kPatience));
}

TEST_CASE("README sums up where cpp-httplib answers otherwise") {
  std::map<std::string, std::array<int, 3>> counted;
  for (const test::HttpCase& http : test::http_cases()) {
    std::array<int, 3>& section = counted[http.section];
    ++section[0];
    for (std::size_t i = 0; i < 2; ++i) section[i + 1] += http.httplib[i] == http.status ? 0 : 1;
  }
  std::ifstream readme(checkout_root().value_or(".") / "lab/servers/README.md");
  std::map<std::string, std::array<int, 3>> said;
  for (std::string line; std::getline(readme, line);) {
    const std::vector<std::string> cells = split(line, '|');
    if (cells.size() == 6 && counted.contains(std::string(trim(cells[1]))))
      said[std::string(trim(cells[1]))] = {std::atoi(cells[2].c_str()), std::atoi(cells[3].c_str()),
                                           std::atoi(cells[4].c_str())};
  }
  CHECK(said == counted);
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
      CHECK(status_of(client.reply()) == (is_httplib(*mode) ? 0 : 400));
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
        const bool says_so = reply.find("\r\nConnection: close\r\n") != std::string::npos;
        CHECK((says_so || is_httplib(*mode)));
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
