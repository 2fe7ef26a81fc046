#include "harness/client/load_generator.hpp"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "harness/client/testing/scripted_server.hpp"

using namespace lab;

namespace {

GeneratorPlan plan_for(std::uint16_t port) {
  GeneratorPlan plan;
  plan.addresses = {resolve("127.0.0.1", port).value().front()};
  plan.origins = {fmt::format("http://127.0.0.1:{}", port)};
  plan.tls = {false};
  plan.engine.requests.push_back({"GET / HTTP/1.1\r\nHost: x\r\n\r\n"});
  plan.engine.planned = 101;
  plan.engine.clients = plan.engine.most = 5;
  plan.engine.expected.set(200);
  plan.most_exact = 10'000;
  return plan;
}

const AgreeOnStart kNow = [] { return monotonic_now() + kMillisecond; };
const OnProgress kUnseen = [](const LoadProgress&) {};

ScriptedServer::Answer ok(const std::string& /*request*/) {
  return {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};
}

}  // namespace

TEST_CASE("threads share a load, and their samples are one") {
  ScriptedServer server(ok);
  GeneratorPlan plan = plan_for(server.port);
  plan.threads = 3;
  const LoadTotals totals = generate(plan, kNow, kUnseen).value();
  CHECK(totals.counts.ok == 101);
  CHECK(totals.counts.connections == 5);
  CHECK(totals.samples.latency.size() == 101);
  CHECK(totals.counts.books().adds_up());
}

TEST_CASE("where nothing listens there is no load, and every thread ends") {
  std::uint16_t port = 0;
  {
    const ScriptedServer gone(ok);
    port = gone.port;
  }
  GeneratorPlan plan = plan_for(port);
  plan.threads = 2;
  const auto totals = generate(plan, kNow, kUnseen);
  REQUIRE(totals.has_error());
  CHECK(totals.error().kind == ErrorKind::environment);
  CHECK_THAT(totals.error().message, Catch::Contains("nothing listens at http://127.0.0.1:"));
}

TEST_CASE("an interrupt ends every thread and keeps what there is") {
  ScriptedServer server([](const std::string&) { return ScriptedServer::Answer{}; });
  GeneratorPlan plan = plan_for(server.port);
  plan.threads = 2;
  plan.engine.planned = -1;
  plan.engine.duration = 3600 * kSecond;
  plan.interrupt_fd = eventfd(1, EFD_CLOEXEC);
  const LoadTotals totals = generate(plan, kNow, kUnseen).value();
  close(plan.interrupt_fd);
  CHECK(totals.interrupted);
  CHECK(totals.counts.books().adds_up());
}

TEST_CASE("an open load keeps to the descriptors that there are; what it begins with must fit") {
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  GeneratorPlan plan = plan_for(1);
  plan.engine.most = 2'000'000'000;
  CHECK(fit_descriptors(plan).has_value());
  CHECK(plan.engine.most < limit.rlim_max);
  plan.engine.clients = plan.engine.most = 2'000'000'000;
  const auto fits = fit_descriptors(plan);
  REQUIRE(fits.has_error());
  CHECK_THAT(fits.error().message, Catch::Contains("hard limit"));
  setrlimit(RLIMIT_NOFILE, &limit);
}
