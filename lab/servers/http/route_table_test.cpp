#include "lab/servers/http/route_table.hpp"

#include <catch2/catch.hpp>

#include "lab/servers/http/reply.hpp"
#include "lab/servers/supervisor/server.hpp"

namespace lab {
namespace {

ServerSetup setup_of(const char* mode, std::vector<Route> routes) {
  ServerSetup setup;
  setup.arm.id = "arm";
  setup.arm.modes.assign(routes.empty() ? 1 : routes.size(), find_mode(mode)->traits);
  setup.routes = std::move(routes);
  return setup;
}

Request request_of(const char* method, const char* target) {
  Request request;
  request.method = method;
  request.target = target;
  return request;
}

}  // namespace

TEST_CASE("a message contains the plan's true length") {
  CHECK(reply_message({}) == "Response at once");
  CHECK(reply_message({{Wait{100 * kMillisecond}}}) == "Response after 0.1 seconds delay");
  CHECK(reply_message({{Wait{2 * kSecond}}, {Wait{3 * kSecond}}}) == "Response after 5 seconds delay");
  CHECK(reply_message({{Compute{50 * kMillisecond}}}) == "Response after 0.05 seconds of computing");
}

TEST_CASE("routes are found by method and path, the query aside") {
  const RouteTable table(setup_of("async-loop", {{"a", "POST", "/delay", {}}, {"b", "GET", "/delay", {}}}));
  CHECK(table.find(request_of("POST", "/delay?x=1")).route->route.name == "a");
  CHECK(table.find(request_of("GET", "/delay")).route->route.name == "b");
  CHECK(table.find(request_of("HEAD", "/delay")).route->route.name == "b");
  CHECK(table.find(request_of("GET", "/")).status == 200);
  CHECK(table.find(request_of("GET", "/delay/")).status == 404);
  CHECK(table.find(request_of("OPTIONS", "*")).status == 200);
  const RouteTable::Match match = table.find(request_of("PUT", "/delay"));
  CHECK(match.status == 405);
  CHECK(match.allow == "POST, GET, HEAD");
}

TEST_CASE("a scenario's own GET / replaces the greeting") {
  const RouteTable table(setup_of("async-loop", {{"root", "GET", "/", {{Wait{kMillisecond}}}}}));
  CHECK(table.routes().size() == 1);
}

TEST_CASE("a scenario's GET / without steps greets with the worker's number, as its exported program does") {
  const RouteTable table(setup_of("blocking-loop", {{"root", "GET", "/", {}}, {"ping", "GET", "/ping", {}}}));
  const std::string& body = table.find(request_of("GET", "/")).route->fixed_body;
  CHECK(body.starts_with("{\"message\":\"Hello World\",\"worker_id\":"));
  CHECK(table.find(request_of("GET", "/ping")).route->message == "Response at once");
}

TEST_CASE("a reply says what its route lists, in that order") {
  const RouteTable table(setup_of(
      "async-loop", {{.name = "root", .method = "GET", .path = "/", .reply = {ReplyField::message}}}));
  CHECK(table.find(request_of("GET", "/")).route->fixed_body == R"({"message":"Hello World"})");
  CHECK(reply_body({ReplyField::prediction, ReplyField::message}, {.message = "a", .count = 2}) ==
        R"({"prediction":0.5,"message":"a","count":2})");
}

TEST_CASE("builtin routes take their length from the query") {
  ServerSetup setup = setup_of("async-loop", {});
  setup.builtin_routes = true;
  const RouteTable table(setup);
  CHECK(unhindered_time(table.find(request_of("GET", "/delay?x=1&ms=7")).plan()) == 7 * kMillisecond);
  CHECK(unhindered_time(table.find(request_of("GET", "/delay?ms=12.5")).plan()) == 12'500 * kMicrosecond);
  CHECK(unhindered_time(table.find(request_of("POST", "/cpu")).plan()) == 100 * kMillisecond);
  CHECK(unhindered_time(table.find(request_of("GET", "/delay?ms=3600000")).plan()) == 3600 * kSecond);
  for (const char* target :
       {"/delay?ms=", "/delay?ms=-1", "/delay?ms=.", "/delay?ms=1.5x", "/delay?ms=3600001", "/cpu?ms=1e3"})
    CHECK(table.find(request_of("GET", target)).status == 400);
}

TEST_CASE("a setup that no server can be made of is bad usage") {
  const std::vector<Route> two{{"a", "GET", "/a", {}}, {"b", "GET", "/b", {}}};
  CHECK_FALSE(find_fault(setup_of("offload", two)));
  ServerSetup setup = setup_of("async-loop", two);
  setup.arm.modes[1] = find_mode("thread-pool")->traits;
  CHECK_FALSE(find_fault(setup));
  setup.arm.modes[1] = find_mode("thread-per-request")->traits;
  CHECK(find_fault(setup)->kind == ErrorKind::usage);
  setup.arm.modes.pop_back();
  CHECK(find_fault(setup));
  setup = setup_of("async-loop", two);
  setup.arm.workers = 0;
  CHECK(find_fault(setup));
  setup = setup_of("async-loop", two);
  setup.arm.gil = true;
  CHECK_FALSE(find_fault(setup));
  setup = setup_of("thread-per-request", two);
  setup.host = "0.0.0.0";
  CHECK(find_fault(setup));
}

}  // namespace lab
