#include "harness/client/testing/driver_fixture.hpp"

namespace lab {
namespace {

TEST_CASE("a reply that never comes is a timeout at the deadline from the intended time") {
  VirtualRun bench;
  bench.load_case.loads = {burst(3)};
  bench.transport.on_request = [&](std::uint32_t connection, const std::string&) {
    if (connection == 1) bench.transport.reply(connection, 0, kOk);
    if (connection == 2)
      bench.transport.reply(connection, 0, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nnot all");
  };
  bench.run();
  CHECK(bench.books.ok == 1);
  CHECK(bench.errors("timeout") == 2);
  CHECK(bench.records[0].received >= bench.began + kSecond);
  CHECK(bench.ended <= bench.began + kSecond + kMillisecond);
}

TEST_CASE("a reply after the deadline is not taken for the next one's") {
  VirtualRun bench;
  bench.load_case.loads = {closed(3, 1)};
  int request = 0;
  bench.transport.on_request = [&](std::uint32_t connection, const std::string&) {
    // The first is late, but an answer to something else has come meanwhile.
    const Nanos delay = request++ == 1 ? 1500 * kMillisecond : 10 * kMillisecond;
    bench.transport.reply(connection, delay, kOk);
  };
  bench.run();
  CHECK(bench.records[0].outcome == Outcome::ok);
  CHECK(bench.records[1].outcome == Outcome::timeout);
  CHECK(bench.transport.closes.size() == 1);
}

TEST_CASE("every way to end has its kind") {
  VirtualRun bench;
  bench.load_case.loads = {burst(9)};
  const std::vector<std::string> replies{"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
                                         "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "nonsense",
                                         "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal"};
  bench.transport.on_request = [&](std::uint32_t connection, const std::string&) {
    if (connection < replies.size())
      return bench.transport.reply(connection, kMillisecond, replies[connection], connection == 3);
    if (connection == 4) return bench.transport.broken(connection, kMillisecond);
    if (connection == 5) return bench.transport.end(connection, kMillisecond);
    if (connection == 6)
      return bench.transport.reply(connection, kMillisecond, "HTTP/1.1 200 OK\r\n\r\nall", true);
    bench.transport.reply(connection, kMillisecond, kOk, connection == 7);
  };
  bench.run();
  CHECK(bench.errors("status_503") == 1);
  CHECK(bench.errors("bad_reply") == 1);
  CHECK(bench.errors("closed") == 2);
  CHECK(bench.errors("reset") == 1);
  CHECK(bench.books.ok == 4);
  CHECK(bench.records[1].status == 302);
  CHECK(bench.records[2].outcome == Outcome::bad_reply);
  CHECK(bench.records[3].outcome == Outcome::closed);
  CHECK(bench.records[5].outcome == Outcome::closed);
}

TEST_CASE("what the server said before it refused the rest of a body is the reply of a run's request too") {
  const bool answers = GENERATE(true, false);
  VirtualRun bench;
  bench.load_case.loads = {burst(1)};
  bench.load_case.loads[0].body_bytes = 1'000'000;
  bench.transport.on_bytes = [&](std::uint32_t connection, const std::string&) {
    bench.transport.end_now(connection,
                            answers ? "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n" : "");
  };
  bench.run();
  CHECK(bench.errors("status_413") == (answers ? 1 : 0));
  CHECK(bench.errors("reset") == (answers ? 0 : 1));
}

TEST_CASE("a connection that cannot be made is refused, or the harness's own fault") {
  VirtualRun bench;
  bench.load_case.loads = {burst(5)};
  bench.load_case.loads[0].fresh_connections = true;
  bench.transport.fail_connect = {{0, ECONNREFUSED}};
  bench.transport.fail_open = {{1, EMFILE}, {2, ENFILE}, {3, EADDRNOTAVAIL}};
  bench.run();
  CHECK(bench.errors("refused") == 1);
  CHECK(bench.errors("harness_fault") == 3);
  CHECK(bench.books.ok == 1);
  CHECK(bench.records[0].outcome == Outcome::refused);
}

TEST_CASE("a failed opening before the load is reported, and tried again with the request") {
  VirtualRun bench;
  bench.load_case.loads = {burst(2)};
  bench.transport.fail_connect = {{0, ECONNREFUSED}};
  bench.run();
  CHECK(bench.open_error == ECONNREFUSED);
  CHECK(bench.books.ok == 2);
}

TEST_CASE("a kept connection that the server closed while idle is opened again and nothing fails") {
  VirtualRun bench;
  bench.load_case.loads = {
      {.arrivals = Arrivals::staggered, .requests = 3, .at = {0, 400 * kMillisecond, 800 * kMillisecond}}};
  bool ended = false;
  bench.transport.on_request = [&](std::uint32_t connection, const std::string&) {
    if (!std::exchange(ended, true)) {
      bench.transport.end(1, 100 * kMillisecond);
      bench.transport.broken(2, 100 * kMillisecond);
    }
    bench.transport.reply(connection, kMillisecond, kOk);
  };
  bench.run();
  CHECK(bench.books.ok == 3);
  CHECK(bench.transport.opens == std::vector<std::uint32_t>{0, 1, 2, 1, 2});
}

/// One request on a connection that was opened two seconds before; the server closes it so much later without
/// a word.
struct ClosedOnIt : VirtualRun {
  explicit ClosedOnIt(std::size_t route, Nanos delay, int error = 0) {
    setup.request_deadline = 10 * kSecond;
    load_case.loads = {{.route = route, .arrivals = Arrivals::staggered, .requests = 1, .at = {2 * kSecond}}};
    transport.on_request = [this, delay, error](std::uint32_t connection, const std::string&) {
      if (++asked > 1) return transport.reply(connection, 100 * kMillisecond, kOk);
      if (error != 0) return transport.broken(connection, delay, error);
      transport.end(connection, delay);
    };
    run();
  }
  int asked = 0;
};
constexpr std::size_t kPostRoute = 0;
constexpr std::size_t kGetRoute = 1;

TEST_CASE("a request that crosses the server's closing of an idle connection is sent again") {
  for (const int error : {0, ECONNRESET, EPIPE}) {
    const ClosedOnIt bench(kGetRoute, 50 * kMicrosecond, error);
    CHECK(bench.books.ok == 1);
    CHECK(bench.asked == 2);
    CHECK(bench.transport.opens.size() == 2);
    // Its latency counts from when it was to be sent.
    CHECK(bench.records[0].sent > bench.records[0].intended + 50 * kMicrosecond);
    CHECK(bench.records[0].latency() >= 100 * kMillisecond);
  }
}

TEST_CASE("what may have been done is not asked for again") {
  const ClosedOnIt post(kPostRoute, 50 * kMicrosecond);
  CHECK(post.errors("closed") == 1);
  CHECK(post.asked == 1);
  const ClosedOnIt begun(kGetRoute, 50 * kMillisecond);
  CHECK(begun.errors("closed") == 1);
  const ClosedOnIt killed(kGetRoute, 50 * kMillisecond, ECONNRESET);
  CHECK(killed.errors("reset") == 1);
}

TEST_CASE("an idle connection that was closed this moment is noticed before anything is sent on it") {
  VirtualRun bench;
  bench.load_case.loads = {
      {.arrivals = Arrivals::staggered, .requests = 2, .at = {600 * kMillisecond, 600 * kMillisecond}}};
  bench.transport.on_request = [&](std::uint32_t connection, const std::string&) {
    // The first send takes 10 us, and meanwhile the other connection is closed: no wait lies in between.
    if (connection == 0) bench.transport.end_now(1);
    bench.transport.reply(connection, kMillisecond, kOk);
  };
  bench.run();
  CHECK(bench.books.ok == 2);
  CHECK(bench.transport.opens == std::vector<std::uint32_t>{0, 1, 1});
}

TEST_CASE("a server that closes after each reply gets a new connection for the next request") {
  for (const bool announced : {true, false}) {
    VirtualRun bench;
    bench.load_case.loads = {closed(5, 1)};
    const std::string reply =
        announced ? "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" : kOk;
    bench.transport.on_request = [&](std::uint32_t connection, const std::string&) {
      bench.transport.reply(connection, kMillisecond, reply, !announced);
    };
    bench.run();
    CHECK(bench.books.ok == 5);
    CHECK(bench.transport.opens.size() == 5);
  }
}

TEST_CASE("what a server says unasked costs it the connection, not the next request") {
  VirtualRun bench;
  bench.load_case.loads = {{.arrivals = Arrivals::staggered, .requests = 2, .at = {0, 400 * kMillisecond}}};
  bench.transport.on_request = [&](std::uint32_t connection, const std::string& request) {
    if (request.find("Lab-Request: 1\r\n") != std::string::npos) bench.transport.reply(1, kMillisecond, kOk);
    bench.transport.reply(connection, 10 * kMillisecond, kOk);
  };
  bench.run();
  CHECK(bench.books.ok == 2);
  CHECK(bench.records[1].received >= bench.records[1].sent + 10 * kMillisecond);
  CHECK(bench.transport.opens == std::vector<std::uint32_t>{0, 1, 1});
}

TEST_CASE("surplus bytes behind a reply are an error and end the connection") {
  VirtualRun bench;
  bench.load_case.loads = {closed(3, 1)};
  bench.answer_after(kMillisecond, kOk + "surplus");
  bench.run();
  CHECK(bench.errors("extra") == 3);
  CHECK(bench.transport.opens.size() == 3);
}

TEST_CASE("a second reply that comes later is not taken for the next request's") {
  VirtualRun bench;
  bench.load_case.loads = {constant(kPoolStart + 3, 10 * kMillisecond)};
  bench.transport.on_request = [&](std::uint32_t connection, const std::string&) {
    bench.transport.reply(connection, kMillisecond, kOk);
    bench.transport.reply(connection, 5 * kMillisecond, kOk);
  };
  bench.run();
  CHECK(bench.books.ok == kPoolStart);
  CHECK(bench.errors("extra") == 3);
  CHECK(bench.records.back().outcome == Outcome::extra);
  CHECK(bench.records.back().status == 0);
}

TEST_CASE("a closed load pauses before it asks a refusing server again") {
  VirtualRun bench;
  bench.setup.request_deadline = 10 * kSecond;
  bench.load_case.loads = {closed(5, 1)};
  bench.load_case.loads[0].fresh_connections = true;
  bench.transport.fail_connect = {{0, ECONNREFUSED}, {1, ECONNREFUSED}, {2, ECONNREFUSED}};
  bench.run();
  CHECK(bench.errors("refused") == 3);
  CHECK(bench.books.ok == 2);
  CHECK(bench.records[1].intended >= bench.records[0].received + kMillisecond);
  CHECK(bench.records[2].intended >= bench.records[1].received + 2 * kMillisecond);
  CHECK(bench.records[3].intended >= bench.records[2].received + 4 * kMillisecond);
}

TEST_CASE("a closed load gives up when nothing is answered for a deadline") {
  VirtualRun silent;
  silent.transport.on_request = nullptr;
  silent.load_case.loads = {closed(100, 4)};
  silent.run();
  CHECK(silent.gave_up);
  CHECK(silent.errors("timeout") == 4);
  CHECK(silent.books.unsent == 96);
  CHECK(silent.ended <= silent.began + kSecond + kMillisecond);

  VirtualRun refusing;
  refusing.load_case.loads = {closed(100000, 2)};
  for (int attempt = 2; attempt < 1000; ++attempt) refusing.transport.fail_connect[attempt] = ECONNREFUSED;
  refusing.transport.on_request = [&](std::uint32_t connection, const std::string&) {
    refusing.transport.end(connection, kMillisecond);
  };
  refusing.run();
  CHECK(refusing.gave_up);
  CHECK(refusing.books.ok == 0);
  CHECK(refusing.errors("refused") > 10);
  CHECK(refusing.ended <= refusing.began + 1200 * kMillisecond);
}

TEST_CASE("an interruption ends the run at once and the books say what was under way") {
  VirtualRun bench;
  bench.load_case.loads = {burst(3), constant(20, 100 * kMillisecond), closed(50, 2)};
  bench.answer_after(250 * kMillisecond);
  bench.transport.interrupt_at = bench.clock.time + 420 * kMillisecond;
  bench.run();
  CHECK(bench.interrupted);
  CHECK(bench.ended <= bench.transport.interrupt_at + kMillisecond);
  // Sent by then: the burst, five of the steady load, two of each client; of those the last three and two
  // wait.
  CHECK(bench.books.sent == 3 + 5 + 4);
  CHECK(bench.books.unfinished == 3 + 2);
  CHECK(bench.books.ok == 7);
  CHECK(bench.books.unsent == 73 - 12);
  CHECK(bench.books.errors.empty());
}

TEST_CASE("a request still without its connection at the interruption was not sent") {
  VirtualRun bench;
  bench.load_case.loads = {burst(1)};
  bench.load_case.loads[0].fresh_connections = true;
  bench.transport.connect_takes = kSecond / 2;
  bench.transport.interrupt_at = bench.clock.time + 100 * kMillisecond;
  bench.run();
  CHECK(bench.books.unsent == 1);
}

TEST_CASE("a connection that is not made by the deadline is a timeout") {
  VirtualRun bench;
  bench.load_case.loads = {burst(1)};
  bench.load_case.loads[0].fresh_connections = true;
  bench.transport.connect_takes = 5 * kSecond;
  bench.run();
  CHECK(bench.errors("timeout") == 1);
  CHECK(bench.records[0].sent == 0);
}

}  // namespace
}  // namespace lab
