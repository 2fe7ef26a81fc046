#include "harness/load_engine.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "harness/fake_transport.hpp"

using namespace lab;

namespace {

const std::string kReply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

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
  LoadDistributions samples;

  const LoadCounts& run(const EnginePlan& plan) {
    engine.emplace(plan, arena, clock, server);
    engine->open_connections(clock.time + kSecond);
    engine->run(clock.time + plan.warm_up + kMillisecond);
    engine->samples().pour_into(samples);
    const Books books = engine->counts().books();
    CHECK(books.balance());
    CHECK(samples.latency.size() == books.ok);
    return engine->counts();
  }
};

}  // namespace

TEST_CASE("a closed loop sends its next request when it has its reply") {
  Bench bench;
  bench.server.on_request = [&](auto connection, const auto&) {
    bench.server.reply(connection, 10 * kMillisecond, kReply);
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
  double under_way_seconds = 0;
  bench.server.on_request = [&](auto connection, const auto&) {
    const auto takes = static_cast<Nanos>(work(random) * 1e9);
    under_way_seconds += seconds(takes);
    bench.server.reply(connection, takes, kReply);
  };
  EnginePlan plan = plan_of(Arrivals::poisson, 200);
  plan.duration = 30 * kSecond;
  plan.most = 1000;
  const LoadCounts& counts = bench.run(plan);
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
    bench.server.reply(connection, frozen ? thaw - bench.clock.time : kMillisecond, kReply);
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
    if (++answered <= 50) return bench.server.reply(connection, kMillisecond, kReply);
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
  CHECK(counts.errors[static_cast<std::size_t>(LoadError::refused)] == 40);
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
    bench.server.reply(connection, kMillisecond, kReply);
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
    bench.server.reply(connection, 100 * kMillisecond, kReply);
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
    bench.server.reply(connection, kMillisecond, kReply, true);
  };
  EnginePlan plan = plan_of(Arrivals::constant, 1);
  plan.planned = 3;
  const LoadCounts& counts = bench.run(plan);
  CHECK(counts.ok == 3);
  CHECK(counts.connections == 3);
}

TEST_CASE("shares of a load send all of its requests, each once") {
  for (const Arrivals arrivals : {Arrivals::closed, Arrivals::burst, Arrivals::constant}) {
    std::int64_t sent = 0;
    for (std::int64_t index = 0; index < 3; ++index) {
      Bench bench;
      bench.server.on_request = [&](auto connection, const auto&) {
        bench.server.reply(connection, kMillisecond, kReply);
      };
      EnginePlan plan = plan_of(arrivals, 100);
      plan.planned = 20;
      plan.share = {index, 3};
      sent += bench.run(plan).ok;
    }
    CHECK(sent == 20);
  }
}
