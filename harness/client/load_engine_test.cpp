#include "harness/client/load_engine.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "harness/client/testing/fake_transport.hpp"

using namespace lab;

namespace {

const std::string kLittleReply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

EnginePlan plan_of(Arrivals arrivals, double rate = 0) {
  EnginePlan plan;
  plan.requests.push_back({"GET / HTTP/1.1\r\nHost: x\r\n\r\n"});
  plan.arrivals = arrivals;
  plan.curve = {rate, rate, 0};
  for (std::size_t status = 200; status < 400; ++status) plan.expected.set(status);
  plan.clients = plan.most = 1;
  return plan;
}

struct Bench {
  VirtualClock clock;
  FakeTransport server{clock};
  SampleArena arena{100'000};
  std::optional<LoadEngine> engine;
  LoadDistributions samples, error_replies;

  const LoadCounts& run(const EnginePlan& plan) {
    engine.emplace(plan, arena, clock, server);
    engine->open_connections(clock.time + kSecond);
    engine->run(clock.time + plan.warm_up + kMillisecond);
    engine->samples().pour_into(samples);
    const RequestCounts books = engine->counts().books();
    CHECK(books.adds_up());
    CHECK(samples.latency.size() == books.ok);
    error_replies = LoadDistributions();
    engine->error_replies().pour_into(error_replies);
    return engine->counts();
  }
};

/// Reports how many requests were under way while each wait went on.
class WatchedTransport final : public Transport {
 public:
  using Watcher = std::function<void(std::int64_t under_way)>;
  WatchedTransport(FakeTransport& server, Watcher watcher) : server_(server), watcher_(std::move(watcher)) {}
  int open(std::uint32_t connection) override { return server_.open(connection); }
  int opened(std::uint32_t connection) override { return server_.opened(connection); }
  std::uint16_t local_port(std::uint32_t connection) override { return server_.local_port(connection); }
  ssize_t send(std::uint32_t connection, std::string_view bytes) override {
    return server_.send(connection, bytes);
  }
  ssize_t receive(std::uint32_t connection, std::span<char> into) override {
    return server_.receive(connection, into);
  }
  void close(std::uint32_t connection) override { server_.close(connection); }
  std::span<const Readiness> wait(Nanos until) override {
    const std::int64_t under_way = engine->progress().under_way;
    const auto ready = server_.wait(until);
    watcher_(under_way);
    return ready;
  }
  bool interrupted() const override { return server_.interrupted(); }

  const LoadEngine* engine = nullptr;

 private:
  FakeTransport& server_;
  Watcher watcher_;
};

}  // namespace

TEST_CASE("a closed loop sends its next request when it has its reply") {
  Bench bench;
  bench.server.on_request = [&](auto connection, const auto&) {
    bench.server.reply(connection, 10 * kMillisecond, kLittleReply);
  };
  EnginePlan plan = plan_of(Arrivals::closed);
  plan.planned = 20;
  plan.clients = plan.most = 2;
  const LoadCounts& counts = bench.run(plan);
  CHECK(counts.ok == 20);
  CHECK(counts.connections == 2);
  CHECK(counts.statuses[200] == 20);
  CHECK(bench.samples.latency.quantile(0.5).value() == Approx(10 * kMillisecond).epsilon(0.01));
  CHECK(counts.last_end == Approx(100 * kMillisecond).epsilon(0.01));
}

TEST_CASE("Little's law: what is under way is the rate times the time, within 2 %") {
  Bench bench;
  std::mt19937 random(7);
  std::exponential_distribution<double> work(1 / 0.05);
  bench.server.on_request = [&](auto connection, const auto&) {
    bench.server.reply(connection, static_cast<Nanos>(work(random) * 1e9), kLittleReply);
  };
  // The integral of what is under way, looked at from outside whenever time goes on.
  double under_way_seconds = 0;
  WatchedTransport watched(bench.server, [&, looked = bench.clock.time](std::int64_t under_way) mutable {
    under_way_seconds += static_cast<double>(under_way) * seconds(bench.clock.time - looked);
    looked = bench.clock.time;
  });
  EnginePlan plan = plan_of(Arrivals::poisson, 200);
  plan.duration = 30 * kSecond;
  plan.most = 1000;
  LoadEngine engine(plan, bench.arena, bench.clock, watched);
  watched.engine = &engine;
  engine.run(bench.clock.time + kMillisecond);
  engine.samples().pour_into(bench.samples);
  const LoadCounts& counts = engine.counts();
  CHECK(counts.ok == counts.planned);
  const double span = seconds(std::max(counts.last_end, plan.duration));
  double mean = 0;
  for (const Nanos latency : bench.samples.latency.exact()) mean += seconds(latency);
  mean /= static_cast<double>(bench.samples.latency.size());
  const double rate = static_cast<double>(counts.ok) / span;
  CHECK(rate * mean == Approx(under_way_seconds / span).epsilon(0.02));
}

TEST_CASE("what was not sent while the server froze counts in latency and not in the uncorrected view") {
  Bench bench;
  const Nanos thaw = bench.clock.time + 4 * kSecond;
  bench.server.on_request = [&](auto connection, const auto&) {
    const bool frozen = bench.clock.time > thaw - 2 * kSecond && bench.clock.time < thaw;
    bench.server.reply(connection, frozen ? thaw - bench.clock.time : kMillisecond, kLittleReply);
  };
  EnginePlan plan = plan_of(Arrivals::constant, 100);
  plan.duration = 10 * kSecond;
  const LoadCounts& counts = bench.run(plan);
  CHECK(counts.planned == 1000);
  CHECK(counts.ok == 1000);
  const auto above = [](const Distribution& values, Nanos limit) {
    return std::count_if(values.exact().begin(), values.exact().end(), [&](Nanos v) { return v > limit; });
  };
  CHECK(above(bench.samples.uncorrected, 100 * kMillisecond) == 1);
  // 200 requests were due in the two seconds; 150 of them more than half a second before its end.
  CHECK(above(bench.samples.latency, 500 * kMillisecond) == Approx(167).margin(17));
  CHECK(bench.samples.latency.max() == Approx(2 * kSecond).epsilon(0.01));
  CHECK(counts.waited == Approx(222).margin(5));
  CHECK(bench.samples.lag.max() < kMillisecond);
}

TEST_CASE("a server that dies leaves every request accounted for") {
  Bench bench;
  int answered = 0;
  bench.server.on_request = [&](auto connection, const auto&) {
    if (++answered <= 50) return bench.server.reply(connection, kMillisecond, kLittleReply);
    for (int attempt = 0; attempt < 10'000; ++attempt) bench.server.fail_connect[attempt + 10] = ECONNREFUSED;
    bench.server.broken(connection, kMillisecond);
  };
  EnginePlan plan = plan_of(Arrivals::constant, 100);
  plan.duration = kSecond;
  plan.clients = plan.most = 10;
  const LoadCounts& counts = bench.run(plan);
  CHECK(counts.ok == 50);
  CHECK(counts.planned == 100);
  CHECK(counts.errors[static_cast<std::size_t>(LoadError::reset)] == 10);
  CHECK(counts.sent == 60);
  CHECK(counts.unsent == 40);
  CHECK(counts.not_sent[static_cast<std::size_t>(LoadError::refused)] == 40);
}

TEST_CASE("a load of a number of requests ends where nothing is answered for one timeout") {
  Bench bench;
  bench.server.on_request = [](auto, const auto&) {};
  EnginePlan plan = plan_of(Arrivals::closed);
  plan.planned = 1000;
  plan.timeout = kSecond;
  const LoadCounts& counts = bench.run(plan);
  CHECK(counts.gave_up == 1);
  CHECK(counts.errors[static_cast<std::size_t>(LoadError::timeout)] == 1);
  CHECK(counts.unsent == 999);
}

TEST_CASE("an open load on a silent server is over a timeout after its duration") {
  Bench bench;
  bench.server.on_request = [](auto, const auto&) {};
  EnginePlan plan = plan_of(Arrivals::constant, 100);
  plan.duration = kSecond;
  plan.timeout = kSecond;
  const Nanos began = bench.clock.time;
  const LoadCounts& counts = bench.run(plan);
  CHECK(counts.planned == 100);
  CHECK(counts.ok == 0);
  CHECK(bench.clock.time - began <= 2 * kSecond + 2 * kMillisecond);
}

TEST_CASE("the warm-up is sent and counts nowhere") {
  Bench bench;
  bench.server.on_request = [&](auto connection, const auto&) {
    bench.server.reply(connection, kMillisecond, kLittleReply);
  };
  for (const Arrivals arrivals : {Arrivals::closed, Arrivals::constant}) {
    EnginePlan plan = plan_of(arrivals, 100);
    plan.planned = 10;
    plan.warm_up = 100 * kMillisecond;
    bench.server.requests.clear();
    bench.samples = LoadDistributions();
    const LoadCounts& counts = bench.run(plan);
    CHECK(counts.planned == 10);
    CHECK(counts.warm_up >= 10);
    CHECK(static_cast<std::int64_t>(bench.server.requests.size()) == 10 + counts.warm_up);
  }
}

TEST_CASE("an interrupted load keeps its books") {
  Bench bench;
  bench.server.on_request = [&](auto connection, const auto&) {
    bench.server.reply(connection, 100 * kMillisecond, kLittleReply);
  };
  bench.server.interrupt_at = bench.clock.time + 250 * kMillisecond;
  EnginePlan plan = plan_of(Arrivals::closed);
  plan.planned = 100;
  const LoadCounts& counts = bench.run(plan);
  CHECK(bench.engine->interrupted());
  CHECK(counts.ok == 2);
  CHECK(counts.unfinished == 1);
  CHECK(counts.unsent == 97);
}

TEST_CASE("a kept connection that the server closed while it was idle is opened again") {
  Bench bench;
  bench.server.on_request = [&](auto connection, const auto&) {
    bench.server.reply(connection, kMillisecond, kLittleReply, true);
  };
  EnginePlan plan = plan_of(Arrivals::constant, 1);
  plan.planned = 3;
  const LoadCounts& counts = bench.run(plan);
  CHECK(counts.ok == 3);
  CHECK(counts.connections == 3);
}

TEST_CASE("what the server said before it refused the rest of a body is the reply") {
  const bool answers = GENERATE(true, false);
  Bench bench;
  bench.server.most_bytes_a_send = 1000;
  bench.server.on_bytes = [&](auto connection, const auto&) {
    // The news of the room to send comes first, and the send fails before anything is read.
    if (answers) {
      bench.server.reply(connection, kMicrosecond,
                         "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
    }
    bench.server.broken(connection, kMicrosecond, EPIPE);
  };
  EnginePlan plan = plan_of(Arrivals::closed);
  plan.requests[0].bytes =
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n" + std::string(9000, 'x');
  plan.planned = 1;
  const LoadCounts& counts = bench.run(plan);
  CHECK(counts.statuses[413] == (answers ? 1 : 0));
  CHECK(counts.errors[static_cast<std::size_t>(LoadError::reset)] == (answers ? 0 : 1));
}

TEST_CASE("replies that are errors have latencies of their own") {
  Bench bench;
  int answered = 0;
  bench.server.on_request = [&](auto connection, const auto&) {
    const bool busy = ++answered > 5;
    bench.server.reply(connection, busy ? kMillisecond : 10 * kMillisecond,
                       busy ? "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n" : kLittleReply);
  };
  EnginePlan plan = plan_of(Arrivals::closed);
  plan.planned = 20;
  const LoadCounts& counts = bench.run(plan);
  CHECK(counts.ok == 5);
  CHECK(counts.unexpected[503] == 15);
  REQUIRE(bench.error_replies.latency.size() == 15);
  CHECK(bench.error_replies.latency.max() == Approx(kMillisecond).epsilon(0.1));
}

TEST_CASE("bytes behind a reply that its head does not announce are an error of their own") {
  for (const std::string& reply :
       {kLittleReply + "surplus", std::string("HTTP/1.1 204 No Content\r\n\r\nbody"),
        kLittleReply + kLittleReply}) {
    Bench bench;
    bench.server.on_request = [&](auto connection, const auto&) {
      bench.server.reply(connection, kMillisecond, reply);
    };
    EnginePlan plan = plan_of(Arrivals::closed);
    plan.planned = 4;
    const LoadCounts& counts = bench.run(plan);
    CHECK(counts.ok == 0);
    CHECK(counts.errors[static_cast<std::size_t>(LoadError::extra)] == 4);
    CHECK(counts.statuses[200] + counts.statuses[204] == 4);
    CHECK(bench.error_replies.latency.size() == 4);
  }
}

TEST_CASE("a server that closes is named by where: before a reply, in one, behind the one before") {
  Bench bench;
  int asked = 0;
  bench.server.on_request = [&](auto connection, const auto&) {
    switch (++asked) {
      case 1: return bench.server.end(connection, kMillisecond);
      case 2: return bench.server.reply(connection, kMillisecond, kLittleReply.substr(0, 20), true);
      case 3: return bench.server.reply(connection, kMillisecond, kLittleReply);
      default: return bench.server.end(connection, kMillisecond);
    }
  };
  EnginePlan plan = plan_of(Arrivals::closed);
  plan.planned = 4;
  const LoadCounts& counts = bench.run(plan);
  CHECK(counts.errors[static_cast<std::size_t>(LoadError::closed)] == 3);
  CHECK(counts.closed_before == 1);
  CHECK(counts.closed_in == 1);
  CHECK(counts.closed_after == 1);
}

TEST_CASE("a header line over 8 KB is named as such") {
  Bench bench;
  bench.server.on_request = [&](auto connection, const auto&) {
    bench.server.reply(connection, kMillisecond,
                       "HTTP/1.1 200 OK\r\nSet-Cookie: " + std::string(9000, 'x') + "\r\n\r\n");
  };
  EnginePlan plan = plan_of(Arrivals::closed);
  plan.planned = 2;
  CHECK(bench.run(plan).errors[static_cast<std::size_t>(LoadError::long_header)] == 2);
  CHECK(bench.engine->first_problem() == "a header line is longer than 8 KB");
}

TEST_CASE("no request waits as long as there is a connection that was never taken") {
  Bench bench;
  bench.server.on_request = [&](auto connection, const auto&) {
    bench.server.reply(connection, 400 * kMicrosecond, kLittleReply);
  };
  EnginePlan plan = plan_of(Arrivals::burst);
  plan.planned = 100;
  plan.clients = 64;  // the first of them are answered before the 65th is sent
  plan.most = 200;
  CHECK(bench.run(plan).waited == 0);
  bench.samples = LoadDistributions();
  plan.clients = plan.most = 10;
  CHECK(bench.run(plan).waited == 90);
}

TEST_CASE("connections that the server closes are distinguished from those that this side closes") {
  struct Example {
    std::string reply;
    bool then_end;
    std::int64_t closed;
  };
  for (const Example& example : {Example{kLittleReply, true, 10}, Example{kLittleReply, false, 0},
                                 Example{"garbage\r\n\r\n", false, 0}}) {
    Bench bench;
    bench.server.on_request = [&](auto connection, const auto&) {
      bench.server.reply(connection, kMillisecond, example.reply, example.then_end);
    };
    EnginePlan plan = plan_of(Arrivals::closed);
    plan.planned = 10;
    CHECK(bench.run(plan).closed_by_server == example.closed);
  }
}

TEST_CASE("shares of a load send all of its requests, each once") {
  for (const Arrivals arrivals : {Arrivals::closed, Arrivals::burst, Arrivals::constant}) {
    std::int64_t sent = 0;
    for (std::int64_t index = 0; index < 3; ++index) {
      Bench bench;
      bench.server.on_request = [&](auto connection, const auto&) {
        bench.server.reply(connection, kMillisecond, kLittleReply);
      };
      EnginePlan plan = plan_of(arrivals, 100);
      plan.planned = 20;
      plan.share = {index, 3};
      sent += bench.run(plan).ok;
    }
    CHECK(sent == 20);
  }
}
