// What a client sends: the strict reader of requests, and the table of routes.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lab/servers/http/reply.hpp"
#include "lab/servers/http/request_reader.hpp"
#include "lab/servers/http/route_table.hpp"
#include "lab/servers/testing/http_cases.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace lab::fuzz {

namespace {

const RouteTable& routes() {
  static const RouteTable table = [] {
    ServerSetup setup;
    setup.builtin_routes = true;
    setup.routes = {{.name = "item", .method = "GET", .path = "/items/{id}/state"},
                    {.name = "result", .method = "GET", .path = "/result/{task_id}"},
                    {.name = "upload", .method = "POST", .path = "/upload", .body_limit = 100},
                    {.name = "talk", .method = "WS", .path = "/talk"}};
    setup.arm.id = "arm";
    setup.arm.modes.assign(setup.routes.size(), find_mode("async-loop")->traits);
    return RouteTable(setup);
  }();
  return table;
}

/// What the request is answered with.
std::string answer(const RequestReader& reader) {
  const Request& request = reader.request();
  expect(is_token(request.method), "a method is a token", request.method);
  expect(request.target.front() == '/' || request.target == "*", "a target is in origin form",
         request.target);
  const auto is_visible = [](char letter) { return letter > 0x20 && letter < 0x7f; };
  expect(std::all_of(request.target.begin(), request.target.end(), is_visible), "a target is visible");
  expect(reader.body_bytes() <= kMaxBody, "a body has its limit");
  const RouteTable::Match match = routes().find(request);
  expect(match.route != nullptr || !match.reason.empty(), "a route or the reason why not", request.target);
  expect(match.argument.find('/') == std::string_view::npos, "one part of a path", match.argument);
  if (match.route != nullptr && match.route->route.name == "upload")
    expect(reader.body_bytes() <= 100, "a route's own limit holds");
  std::string reply;
  append_reply(reply,
               {.status = match.status,
                .http_1_0 = request.http_1_0,
                .keep_alive = request.keep_alive,
                .head_only = request.head(),
                .allow = match.allow},
               detail_body(match.reason));
  expect(reply.starts_with("HTTP/1."), "a reply", reply);
  return fmt::format("{} {} {} {} {} [{}] {} bytes: {} {} '{}' {}\n", request.method, request.target,
                     request.id, request.http_1_0, request.keep_alive, request.websocket_key,
                     reader.body_bytes(), match.status,
                     match.route == nullptr ? "-" : match.route->route.name, match.argument,
                     match.route == nullptr ? 0 : match.plan().size());
}

/// What a connection is answered with, request by request.
std::string answers(std::string_view bytes, std::size_t piece) {
  constexpr std::array kRefusals{400, 413, 414, 417, 431, 501, 505};
  RequestReader reader(&routes());
  std::string seen;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    std::string_view part = bytes.substr(0, piece);
    while (!part.empty()) {
      const RequestReader::State state = reader.parse(part);
      if (state == RequestReader::State::refused) {
        const Refusal& refusal = reader.refusal();
        expect(std::ranges::count(kRefusals, refusal.status) == 1, "a status of the table");
        expect_printable(refusal.reason);
        return seen + fmt::format("refused: {} {}\n", refusal.status, refusal.reason);
      }
      if (state == RequestReader::State::whole) {
        seen += answer(reader);
        reader.next();
        expect(reader.idle(), "the next request has not begun");
      } else {
        expect(part.empty(), "all that came was read");
      }
    }
  }
  return seen + (reader.idle() ? "idle\n" : reader.in_body() ? "in a body\n" : "in a head\n");
}

}  // namespace

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  for (const test::HttpCase& one : test::http_cases()) {
    if (one.bytes.size() < 4096) all.push_back(one.bytes);
  }
  const std::string host = " HTTP/1.1\r\nHost: a\r\n";
  all.push_back("GET /items/7/state?x" + host + "Lab-Request: 12\r\n\r\nHEAD /ping" + host +
                "Connection: close\r\n\r\n");
  all.push_back("POST /upload" + host + "Content-Length: 100\r\n\r\n" + std::string(100, 'x'));
  all.push_back("POST /upload" + host +
                "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n64;a=b\r\n" +
                std::string(100, 'x') + "\r\n0\r\n\r\nOPTIONS *" + host + "\r\n");
  all.push_back("GET /talk" + host +
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  return all;
}

}  // namespace lab::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lab::fuzz::expect_same_in_pieces(lab::fuzz::text_of(data, size), lab::fuzz::answers);
  return 0;
}
