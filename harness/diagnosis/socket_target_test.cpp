#include "harness/diagnosis/socket_target.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "harness/client/testing/fake_transport.hpp"

using namespace lab;

namespace {

const std::string kReply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct World {
  VirtualClock clock;
  FakeTransport transport{clock};
  SocketTarget target{{"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"},
                      clock,
                      transport,
                      {}};

  void answer_after(Nanos delay, std::string reply = kReply) {
    transport.on_request = [this, delay, reply](std::uint32_t connection, const std::string& request) {
      transport.reply(connection, request.find("/ping") != std::string::npos ? 0 : delay, reply);
    };
  }
};

std::vector<Probe> together(int count, bool keep) {
  std::vector<Probe> probes;
  for (int i = 0; i < count; ++i) probes.push_back({static_cast<std::uint32_t>(i), false, 0, true, keep});
  return probes;
}

}  // namespace

TEST_CASE("a salvo leaves at once, on connections that were opened before it") {
  World world;
  world.answer_after(50 * kMillisecond);
  const auto replies = world.target.send_probes(together(8, false), kSecond);
  REQUIRE(replies.size() == 8);
  for (const Reply& reply : replies) {
    CHECK(reply.outcome == Outcome::ok);
    CHECK(reply.sent < kMillisecond);
    CHECK(reply.latency() >= 50 * kMillisecond);
    CHECK(reply.latency() < 51 * kMillisecond);
    CHECK_FALSE(reply.kept);
  }
  CHECK(world.transport.opens.size() == 8);
  CHECK(world.transport.closes.size() == 8);
}

TEST_CASE("kept connections are used again, until they are hung up") {
  World world;
  world.answer_after(kMillisecond);
  CHECK(world.target.send_probes(together(3, true), kSecond)[2].kept);
  CHECK(world.target.send_probes(together(3, true), kSecond)[2].kept);
  CHECK(world.transport.opens.size() == 3);
  world.target.hang_up();
  CHECK(world.transport.closes.size() == 3);
}

TEST_CASE("a request whose connection is not there at time zero is late") {
  World world;
  world.transport.connect_takes = 4 * kSecond;  // a backlog that is full
  world.answer_after(kMillisecond);
  const auto late = world.target.send_probes({Probe{}}, 10 * kSecond).front();
  CHECK(late.outcome == Outcome::ok);
  CHECK(late.late);
  CHECK_FALSE(world.target.send_probes({{1, false, 0, false, false}}, 10 * kSecond).front().late);
  world.transport.connect_takes = kSecond;
  CHECK_FALSE(world.target.send_probes({{2, false, 0, true, false}}, 10 * kSecond).front().late);
}

TEST_CASE("a Unix socket that has no room in its backlog is late as well") {
  World world;
  world.transport.fail_open[0] = EAGAIN;
  const Reply reply = world.target.send_probes({Probe{}}, kSecond).front();
  CHECK(reply.late);
  CHECK(reply.outcome == Outcome::refused);
}

TEST_CASE("a later probe has its own time and opens its own connection") {
  World world;
  world.answer_after(50 * kMillisecond);
  const auto replies = world.target.send_probes(
      {{0, false, 0, true, false}, {1, true, 20 * kMillisecond, false, false}}, kSecond);
  CHECK(replies[1].sent >= 20 * kMillisecond);
  CHECK(replies[1].sent < 21 * kMillisecond);
  CHECK(replies[1].received < replies[0].received);
}

TEST_CASE("what has no reply in time is a timeout and its connection is closed") {
  World world;
  world.answer_after(5 * kSecond);
  const auto replies = world.target.send_probes(together(2, true), kSecond);
  CHECK(replies[0].outcome == Outcome::timeout);
  CHECK(replies[1].received >= kSecond);
  CHECK(world.transport.closes.size() == 2);
}

TEST_CASE("failures have their names") {
  World world;
  SECTION("a status that is no success") {
    world.answer_after(0, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    const Reply reply = world.target.send_probes({Probe{}}, kSecond).front();
    CHECK(reply.outcome == Outcome::bad_status);
    CHECK(reply.status == 503);
  }
  SECTION("no HTTP") {
    world.answer_after(0, "SSH-2.0-OpenSSH_9.2\r\n");
    CHECK(world.target.send_probes({Probe{}}, kSecond).front().outcome == Outcome::bad_reply);
  }
  SECTION("refused") {
    world.transport.fail_connect[0] = ECONNREFUSED;
    CHECK(world.target.send_probes({Probe{}}, kSecond).front().outcome == Outcome::refused);
  }
  SECTION("refused where it connects with the request") {
    world.transport.fail_connect[0] = ECONNREFUSED;
    CHECK(world.target.send_probes({{0, false, 0, false, false}}, kSecond).front().outcome ==
          Outcome::refused);
    // And nothing is waited for any longer: the next salvo leaves as soon as its own connections are there.
    world.answer_after(kMillisecond);
    const Nanos before = world.clock.now();
    CHECK(world.target.send_probes({Probe{}}, kSecond).front().outcome == Outcome::ok);
    CHECK(world.clock.now() - before < 10 * kMillisecond);
  }
  SECTION("closed without a reply") {
    world.transport.on_request = [&](std::uint32_t connection, const std::string&) {
      world.transport.end(connection, kMillisecond);
    };
    CHECK(world.target.send_probes({Probe{}}, kSecond).front().outcome == Outcome::closed);
  }
  SECTION("no descriptor left") {
    world.transport.fail_open[0] = EMFILE;
    CHECK(world.target.send_probes({Probe{}}, kSecond).front().outcome == Outcome::harness_fault);
  }
}

TEST_CASE("a reply in two parts is acknowledged at once where that is asked for") {
  World world;
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
  world.transport.on_request = [&](std::uint32_t connection, const std::string&) {
    world.transport.reply(connection, 10 * kMillisecond, head);
    // The second part waits for the first one's acknowledgement, which a kernel puts off for 40 ms.
    if (!world.transport.on_acknowledge) world.transport.reply(connection, 50 * kMillisecond, "ok");
  };
  Probe probe{0, false, 0, true, true, false};
  CHECK(world.target.send_probes({probe}, kSecond).front().latency() >= 50 * kMillisecond);
  world.transport.on_acknowledge = [&](std::uint32_t connection) {
    world.transport.reply(connection, 0, "ok");
  };
  probe.prompt = true;
  CHECK(world.target.send_probes({probe}, kSecond).front().latency() < 11 * kMillisecond);
}

TEST_CASE("a server that closes after its reply keeps nothing") {
  World world;
  world.answer_after(kMillisecond, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
  const auto replies = world.target.send_probes(together(2, true), kSecond);
  CHECK(replies[0].outcome == Outcome::ok);
  CHECK_FALSE(replies[0].kept);
}
