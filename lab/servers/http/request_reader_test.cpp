#include "lab/servers/http/request_reader.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "lab/servers/testing/http_cases.hpp"

namespace lab {
namespace {

/// What a reader makes of `bytes` when they come in pieces of `piece`: the refusal's status, 200 for a whole
/// request, 0 where more is wanted.
int outcome(const std::string& bytes, std::size_t piece) {
  RequestReader reader;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    std::string_view part = std::string_view(bytes).substr(at, piece);
    do {
      switch (reader.parse(part)) {
        case RequestReader::State::whole: return 200;
        case RequestReader::State::refused: return reader.refusal().status;
        case RequestReader::State::proceed:
        case RequestReader::State::more: break;
      }
    } while (!part.empty());
  }
  return 0;
}

/// Routing comes after reading.
int read_status(int status) {
  return status == 101 || status == 404 || status == 405 || status == 426 ? 200 : status;
}

RequestReader::State feed(RequestReader& reader, std::string_view text) {
  return reader.parse(text);
}

}  // namespace

TEST_CASE("a request gets the same answer however its bytes are split") {
  for (const test::HttpCase& http : test::http_cases()) {
    if (http.section == "Routes" || http.what.find("route's limit") != std::string::npos) continue;
    INFO(http.what);
    const int expected = read_status(http.status);
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{1000}, http.bytes.size()})
      CHECK(outcome(http.bytes, piece) == expected);
  }
}

TEST_CASE("every split of a request in two gives the same request") {
  const std::string bytes =
      "POST http://lab/a?ms=3 HTTP/1.1\r\nHost: lab\r\nLab-Request: 42\r\nTransfer-Encoding: "
      "chunked\r\n\r\n"
      "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nX: y\r\n\r\n";
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    RequestReader reader;
    CHECK(feed(reader, bytes.substr(0, cut)) != RequestReader::State::whole);
    CHECK(feed(reader, bytes.substr(cut)) == RequestReader::State::whole);
    CHECK(reader.request().method == "POST");
    CHECK(reader.request().target == "/a?ms=3");
    CHECK(reader.request().query() == "ms=3");
    CHECK(reader.request().id == 42);
  }
}

TEST_CASE("a request for a WebSocket is known by all that RFC 6455 asks of it") {
  const std::vector<std::string> fields{"Connection: keep-alive, Upgrade\r\n", "Upgrade: WebSocket\r\n",
                                        "Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Key: abc==\r\n"};
  for (std::size_t missing = 0; missing <= fields.size(); ++missing) {
    std::string bytes = "GET /chat HTTP/1.1\r\nHost: lab\r\n";
    for (std::size_t i = 0; i < fields.size(); ++i) bytes += i == missing ? "" : fields[i];
    RequestReader reader;
    REQUIRE(feed(reader, bytes + "\r\n") == RequestReader::State::whole);
    CHECK(reader.request().websocket_key == (missing == fields.size() ? "abc==" : ""));
  }
}

TEST_CASE("pipelined requests are taken one by one") {
  const std::string one = "GET /a HTTP/1.1\r\nHost: lab\r\n\r\n";
  const std::string two = "GET /b HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n";
  const std::string both = one + two;
  std::string_view bytes = both;
  RequestReader reader;
  REQUIRE(reader.parse(bytes) == RequestReader::State::whole);
  CHECK(bytes == two);
  CHECK(reader.request().keep_alive);
  reader.next();
  REQUIRE(reader.idle());
  REQUIRE(reader.parse(bytes) == RequestReader::State::whole);
  CHECK(reader.request().path() == "/b");
  CHECK_FALSE(reader.request().keep_alive);
}

TEST_CASE("a client that expects 100 Continue is asked to proceed once") {
  RequestReader reader;
  const std::string head =
      "POST /a HTTP/1.1\r\nHost: lab\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  CHECK(feed(reader, head) == RequestReader::State::proceed);
  CHECK(feed(reader, "") == RequestReader::State::more);
  CHECK(feed(reader, "hi") == RequestReader::State::whole);
  RequestReader eager;
  CHECK(feed(eager, head + "hi") == RequestReader::State::whole);
}

TEST_CASE("a Lab-Request that is no number names no request") {
  for (const char* value : {"x", "-1", "1x", "99999999999", ""}) {
    RequestReader reader;
    REQUIRE(feed(reader, std::string("GET /a HTTP/1.1\r\nHost: lab\r\nLab-Request: ") + value + "\r\n\r\n") ==
            RequestReader::State::whole);
    CHECK(reader.request().id == 0);
  }
}

}  // namespace lab
