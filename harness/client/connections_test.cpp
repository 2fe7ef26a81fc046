#include "harness/client/connections.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "harness/client/testing/fake_transport.hpp"

using namespace lab;

namespace {

const std::string kReply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The smallest composition: the same request on whichever connection is begun.
struct Caller final : ConnectionUser {
  explicit Caller(Nanos retry_within)
      : connections(*this, {.retry_within = retry_within}, clock, transport, 2) {}

  OutgoingRequest request_on(std::uint32_t /*connection*/) override {
    return {.head = text, .idempotent = idempotent};
  }
  void on_reply(std::uint32_t connection, const IncomingReply& reply) override {
    statuses.push_back(reply.status);
    kept.push_back(reply.kept);
    extra = extra || reply.extra;
    if (again-- > 0) connections.begin(connection, reply.at);
  }
  void on_failure(std::uint32_t /*connection*/, LoadError error) override { errors.push_back(error); }

  void answer_at_once(const std::string& reply = kReply) {
    transport.on_request = [this, reply](std::uint32_t connection, const std::string& /*request*/) {
      transport.reply(connection, kMillisecond, reply);
    };
  }
  void pass(Nanos time) {
    const Nanos until = clock.now() + time;
    while (clock.now() < until) connections.look(until);
  }
  /// Asks on connection 0, and then has it idle for so long.
  void ask(Nanos idle = 20 * kMillisecond) {
    connections.begin(0, clock.now());
    pass(idle);
  }

  VirtualClock clock;
  FakeTransport transport{clock};
  Connections connections;
  std::string text = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  bool idempotent = true;
  int again = 0;
  std::vector<int> statuses;
  std::vector<bool> kept;
  bool extra = false;
  std::vector<LoadError> errors;
};

}  // namespace

TEST_CASE("a request that is begun from within a reply goes on the same connection") {
  Caller caller(kNever);
  caller.answer_at_once();
  caller.again = 2;
  caller.ask();
  CHECK(caller.statuses == std::vector{200, 200, 200});
  CHECK(caller.transport.opens.size() == 1);
  CHECK(caller.connections.opened() == 1);
}

TEST_CASE(
    "a kept connection that was closed meanwhile is opened again where that is allowed, and only there") {
  for (const Nanos retry_within : {Nanos{0}, 5 * kMillisecond}) {
    Caller caller(retry_within);
    caller.answer_at_once();
    caller.ask(kSecond);
    caller.transport.end_now(0);
    caller.ask();
    CHECK(caller.statuses.size() == (retry_within > 0 ? 2 : 1));
    CHECK(caller.errors.size() == (retry_within > 0 ? 0 : 1));
    CHECK(caller.transport.opens.size() == (retry_within > 0 ? 2 : 1));
  }
}

TEST_CASE("what may have been begun is not sent again: late news, and a request that is not idempotent") {
  for (const bool idempotent : {true, false}) {
    Caller caller(5 * kMillisecond);
    caller.idempotent = idempotent;
    caller.answer_at_once();
    caller.ask(kSecond);
    caller.transport.on_request = [&](std::uint32_t connection, const std::string& /*request*/) {
      caller.transport.end(connection, idempotent ? 10 * kMillisecond : kMillisecond);
    };
    caller.ask();
    CHECK(caller.errors == std::vector{LoadError::closed});
    CHECK(caller.transport.opens.size() == 1);
  }
}

TEST_CASE("a reply that came before the server closed its side in the middle of the request counts") {
  Caller caller(kNever);
  caller.text = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x');
  caller.transport.most_bytes_a_send = 40;
  caller.connections.begin(0, caller.clock.now());
  caller.transport.on_bytes = [&](std::uint32_t connection, const std::string& /*bytes*/) {
    caller.transport.end_now(connection, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  };
  caller.pass(20 * kMillisecond);
  CHECK(caller.statuses == std::vector{413});
  CHECK_FALSE(caller.kept.front());
  CHECK(caller.errors.empty());
}

TEST_CASE("a connection with more bytes than the reply said is not kept") {
  Caller caller(kNever);
  caller.answer_at_once(kReply + "!");
  caller.ask();
  CHECK(caller.extra);
  CHECK_FALSE(caller.kept.front());
  CHECK(caller.transport.closes.size() == 1);
}

TEST_CASE("what comes on a kept connection before the next request is sent is no reply to it") {
  for (const bool has_news : {true, false}) {
    Caller caller(kNever);
    caller.answer_at_once();
    caller.ask(kSecond);
    caller.transport.reply_now(0, has_news ? "" : kReply);
    if (has_news) caller.transport.reply(0, kMillisecond, kReply);
    caller.pass(has_news ? 2 * kMillisecond : 0);
    caller.ask();
    CHECK(caller.statuses == std::vector{200});
    CHECK(caller.errors == std::vector{LoadError::extra});
    CHECK(caller.connections.at(0).sent != 0);
    caller.ask();
    CHECK(caller.statuses == std::vector{200, 200});
    CHECK(caller.transport.opens.size() == 2);
  }
}

TEST_CASE("who says something unasked and closes has only left") {
  Caller caller(kNever);
  caller.answer_at_once();
  caller.ask();
  caller.transport.reply(0, kMillisecond, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", true);
  caller.pass(2 * kMillisecond);
  caller.ask();
  CHECK(caller.statuses == std::vector{200, 200});
  CHECK(caller.errors.empty());
  CHECK(caller.connections.closed_by_server() == 1);
}
