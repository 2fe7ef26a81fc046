// What a load does besides sending and waiting: it asks again, hangs up, sends bodies slowly, kills workers.
#include "harness/client/testing/driver_fixture.hpp"

namespace lab {
namespace {

std::string json_reply(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// Jobs that are done at the third question; `/result/{id}` is route 2.
struct Jobs : VirtualRun {
  int questions = 0;
  std::string last = R"({"status": "done"})";

  explicit Jobs(Load load) {
    target.routes.push_back({"result", "GET", "/result/{task_id}", {}});
    load.keep = "task_id";
    load.then = Then{2, 10 * kMillisecond, "done", kSecond / 2};
    load_case.loads = {load};
    transport.on_request = [this](std::uint32_t connection, const std::string& request) {
      if (request.starts_with("POST")) {
        return transport.reply(connection, kMillisecond, json_reply(R"({"task_id": 41})"));
      }
      const bool over = ++questions % 3 == 0;
      transport.reply(connection, kMillisecond, json_reply(over ? last : R"({"status":"pending"})"));
    };
  }
};

TEST_CASE("a kept number is asked about until its status says so, on the same connection") {
  Jobs bench(burst(1));
  bench.run();
  REQUIRE(bench.records.size() == 4);
  CHECK(bench.books.ok == 4);
  CHECK(bench.records[0].value == 41);
  CHECK(bench.transport.requests[1].starts_with("GET /result/41 HTTP/1.1\r\n"));
  CHECK(bench.transport.opens.size() == 1);
  for (std::size_t i = 1; i < 4; ++i) {
    CHECK(bench.records[i].parent == 1);
    CHECK(bench.records[i].route == 2);
    CHECK(bench.records[i].intended == bench.records[i - 1].received + 10 * kMillisecond);
  }
}

TEST_CASE("a lost job ends the questions as a finished one does") {
  Jobs bench(burst(1));
  bench.last = R"({"status": "lost"})";
  bench.run();
  CHECK(bench.records.size() == 4);
}

TEST_CASE("a job that is never done is asked about until the patience is over") {
  Jobs bench(burst(1));
  bench.last = R"({"status": "pending"})";
  bench.run();
  CHECK(bench.records.back().intended <= bench.records[0].received + kSecond / 2);
  CHECK(bench.records.back().intended > bench.records[0].received + kSecond / 2 - 30 * kMillisecond);
}

TEST_CASE("a reply without the number is not followed up") {
  Jobs bench(burst(2));
  bench.answer_after(kMillisecond, json_reply(R"({"detail": "queue full"})"));
  bench.run();
  CHECK(bench.records.size() == 2);
  CHECK(bench.records[0].value == -1);
}

TEST_CASE("follow-ups of fresh connections come on a fresh one each") {
  Load load = burst(1);
  load.fresh_connections = true;
  Jobs bench(load);
  bench.run();
  CHECK(bench.records.size() == 4);
  CHECK(bench.transport.opens.size() == 4);
}

TEST_CASE("the client of a closed load goes on while its jobs are asked about elsewhere") {
  Jobs bench(closed(3, 1));
  bench.run();
  CHECK(bench.books.ok == 12);
  CHECK(bench.records[1].intended == bench.records[0].received);
  CHECK(bench.records[2].parent == 0);  // planned ones have the first ids
  CHECK(bench.records[3].parent != 0);
}

TEST_CASE("a question that fails is asked again") {
  Jobs bench(burst(1));
  int request = 0;
  bench.transport.on_request = [&](std::uint32_t connection, const std::string&) {
    if (request++ == 1) return bench.transport.broken(connection, kMillisecond);
    const char* const body = request == 1 ? R"({"task_id": 1})" : R"({"status": "done"})";
    bench.transport.reply(connection, kMillisecond, json_reply(body));
  };
  bench.run();
  REQUIRE(bench.records.size() == 3);
  CHECK(bench.records[1].outcome == Outcome::reset);
  CHECK(bench.records[2].outcome == Outcome::ok);
}

TEST_CASE("an interruption ends the questions") {
  Jobs bench(burst(1));
  bench.last = R"({"status": "pending"})";
  bench.transport.interrupt_at = bench.clock.time + 100 * kMillisecond;
  bench.run();
  CHECK(bench.interrupted);
  CHECK(bench.ended <= bench.transport.interrupt_at + kMillisecond);
}

TEST_CASE("a client that hangs up closes at its time, unless it was answered before") {
  VirtualRun bench;
  bench.load_case.loads = {burst(2)};
  bench.load_case.loads[0].hang_up = 20 * kMillisecond;
  bench.transport.on_request = [&](std::uint32_t connection, const std::string&) {
    bench.transport.reply(connection, connection == 0 ? 5 * kMillisecond : kSecond / 2, kOk);
  };
  bench.run();
  CHECK(bench.records[0].outcome == Outcome::ok);
  CHECK(bench.records[1].outcome == Outcome::hung_up);
  CHECK(bench.records[1].received - bench.records[1].sent >= 20 * kMillisecond);
  CHECK(bench.records[1].received - bench.records[1].sent <= 21 * kMillisecond);
  CHECK(bench.transport.closes == std::vector<std::uint32_t>{1});
  CHECK(bench.errors("hung_up") == 1);
}

TEST_CASE("clients of a closed load that hang up go on at once and never give up") {
  VirtualRun bench;
  bench.load_case.loads = {closed(100, 1)};
  bench.load_case.loads[0].hang_up = 20 * kMillisecond;
  bench.transport.on_request = nullptr;
  bench.run();
  CHECK(bench.errors("hung_up") == 100);
  CHECK_FALSE(bench.gave_up);
  CHECK(bench.transport.opens.size() == 100);
}

TEST_CASE("a slow body comes evenly, the head first, and pings go their way meanwhile") {
  VirtualRun bench;
  bench.load_case.loads = {burst(1), constant(10, 20 * kMillisecond)};
  bench.load_case.loads[0].body_bytes = 1'000'000;
  bench.load_case.loads[0].body_over = 200 * kMillisecond;
  std::vector<std::pair<Nanos, std::size_t>> pieces;
  bench.transport.on_bytes = [&](std::uint32_t connection, const std::string& bytes) {
    if (connection == 0) pieces.emplace_back(bench.clock.now() - bench.began, bytes.size());
  };
  bench.answer_after(kMillisecond);
  bench.run();
  CHECK(bench.books.ok == 11);
  CHECK(bench.transport.requests.back().find("Content-Length: 1000000\r\n") != std::string::npos);
  REQUIRE(pieces.size() >= 21);
  CHECK(pieces.front().second < 200);  // the head
  std::size_t body = 0;
  for (std::size_t i = 1; i < pieces.size(); ++i) body += pieces[i].second;
  CHECK(body == 1'000'000);
  CHECK(bench.records[0].received >= bench.records[0].sent + 200 * kMillisecond);
  CHECK(bench.records[0].received <= bench.records[0].sent + 203 * kMillisecond);
  for (std::size_t i = 1; i < 11; ++i)
    CHECK(bench.records[i].sent - bench.records[i].intended < kMillisecond);
}

TEST_CASE("a body without a duration goes as fast as the connection takes it") {
  VirtualRun bench;
  bench.transport.most_bytes_a_send = 50'000;
  bench.load_case.loads = {burst(1)};
  bench.load_case.loads[0].body_bytes = 2'000'000;
  bench.answer_after(kMillisecond);
  bench.run();
  CHECK(bench.books.ok == 1);
  CHECK(bench.records[0].received - bench.records[0].sent < 20 * kMillisecond);
}

TEST_CASE("a server that refuses a body before its end has answered") {
  VirtualRun bench;
  bench.load_case.loads = {burst(1)};
  bench.load_case.loads[0].body_bytes = 1'000'000;
  bench.load_case.loads[0].body_over = kSecond / 2;
  bool answered = false;
  bench.transport.on_bytes = [&](std::uint32_t connection, const std::string&) {
    if (std::exchange(answered, true)) return;
    bench.transport.reply(connection, 50 * kMillisecond,
                          "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  };
  bench.run();
  CHECK(bench.errors("status_413") == 1);
  CHECK(bench.ended < bench.began + 100 * kMillisecond);
}

TEST_CASE("a worker is killed at its time, even when nothing else is left to do") {
  VirtualRun bench;
  bench.load_case.loads = {burst(1)};
  bench.load_case.kills = {{1, 300 * kMillisecond}};
  std::vector<std::pair<int, Nanos>> killed;
  bench.setup.kill = [&](int worker) {
    killed.emplace_back(worker, bench.clock.now() - bench.began);
    return true;
  };
  bench.run();
  REQUIRE(killed.size() == 1);
  CHECK(killed[0].first == 1);
  CHECK(killed[0].second >= 300 * kMillisecond);
  CHECK(killed[0].second <= 301 * kMillisecond);
  CHECK(bench.missed_kills.empty());
}

TEST_CASE("a worker that is just being started again is looked for until it is there") {
  VirtualRun bench;
  bench.load_case.loads = {burst(1)};
  bench.load_case.kills = {{0, 10 * kMillisecond}, {3, 20 * kMillisecond}};
  int tries = 0;
  bench.setup.kill = [&](int worker) { return worker == 0 && ++tries == 4; };
  bench.run();
  CHECK(tries == 4);
  CHECK(bench.missed_kills == std::vector<int>{3});
  CHECK(bench.ended <= bench.began + 600 * kMillisecond);
}

}  // namespace
}  // namespace lab
