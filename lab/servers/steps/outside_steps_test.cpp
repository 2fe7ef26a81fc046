#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

#include "lab/servers/testing/step_client.hpp"

namespace lab {

using test::Answer;
using test::ask;
using test::every_mode;
using test::has;
using test::kShort;
using test::RawClient;
using test::setup_for;
using test::status_of;
using test::steps_of;

namespace {

/// 0: it has none, or several.
pid_t only_child_of(pid_t parent) {
  const std::string id = std::to_string(parent);
  std::ifstream file("/proc/" + id + "/task/" + id + "/children");
  pid_t child = 0;
  pid_t another = 0;
  return file >> child && !(file >> another) ? child : 0;
}

std::ptrdiff_t threads_of(pid_t process) {
  return std::distance(std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task"), {});
}

}  // namespace

TEST_CASE("every execution model calls an upstream server, kept or new, and says 502 where there is none",
          "[sockets]") {
  auto upstream = Server::start(test::builtin_setup(*find_mode("async-loop")), nullptr);
  REQUIRE(upstream.has_value());
  const std::uint16_t port = upstream->port();
  for (const bool gone : {false, true}) {
    if (gone) CHECK(upstream->stop(test::kPatience));
    for (const Mode* mode : every_mode()) {
      INFO(mode->traits.name << (gone ? ", gone" : ""));
      ServerSetup setup = setup_for(*mode, {{CallUpstream{kMillisecond}},
                                            {CallUpstream{kMillisecond}},
                                            {CallUpstream{500 * kMicrosecond, false}},
                                            {CallUpstream{kMillisecond}, true}});
      setup.upstream_port = port;
      const Answer answer = ask(setup);
      CHECK(status_of(answer.reply) == (gone ? 502 : 200));
      CHECK(has(answer.reply, "{\"detail\":\"the upstream server") == gone);
      CHECK(steps_of(answer.events) ==
            (gone ? "b0 e0 finished replied" : "b0 e0 b1 e1 b2 e2 b3 e3 finished replied"));
    }
  }
}

TEST_CASE("a query without PostgreSQL is answered with 503 and libpq's words", "[sockets]") {
  for (const int connections : {0, 2}) {
    for (const Mode* mode : every_mode()) {
      INFO(mode->traits.name << ", " << connections << " connections");
      ServerSetup setup = setup_for(*mode, {{Query{kMillisecond}}, {kShort}});
      setup.postgres = "host=/nonexistent dbname=lab";
      setup.arm.connections = connections;
      const Answer answer = ask(setup);
      CHECK(status_of(answer.reply) == 503);
      CHECK(has(answer.reply, "PostgreSQL: "));
      CHECK(steps_of(answer.events) == "b0 e0 finished replied");
    }
  }
}

TEST_CASE("counters belong to a worker, or to all of them", "[sockets]") {
  const std::filesystem::path store =
      std::filesystem::temp_directory_path() / ("lab-steps-" + std::to_string(getpid()) + ".sqlite");
  for (const Mode* mode : every_mode()) {
    for (const bool shared : {false, true}) {
      INFO(mode->traits.name << (shared ? ", shared" : ""));
      std::filesystem::remove(store);
      ServerSetup setup = setup_for(*mode, {{Increment{}}});
      setup.arm.workers = 2;
      setup.arm.shared_counters = shared;
      setup.store = store.string();
      auto server = Server::start(setup, nullptr);
      REQUIRE(server.has_value());
      std::map<pid_t, std::string> last;
      for (int i = 1; i <= 4; ++i) {
        RawClient client(server->port());
        client.send(test::get("/it"));
        const std::string reply = client.reply();
        if (shared) CHECK(has(reply, "\"count\":" + std::to_string(i) + "}"));
        last[test::worker_of(reply)] = reply;
      }
      CHECK(last.size() == 2);
      for (const auto& [worker, reply] : last) CHECK((shared || has(reply, "\"count\":2}")));
      CHECK(server->stop(test::kPatience));
    }
  }
  std::filesystem::remove(store);
  std::filesystem::remove(store.string() + "-wal");
  std::filesystem::remove(store.string() + "-shm");
}

TEST_CASE("a wait on a database connection holds one", "[sockets]") {
  for (const Mode* mode : every_mode()) {
    INFO(mode->traits.name);
    ServerSetup setup = setup_for(*mode, {{Wait{kMillisecond, true}}});
    setup.arm.connections = 1;
    auto rings = EventRings::create(1, 4096);
    auto server = Server::start(setup, &*rings);
    REQUIRE(server.has_value());
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 4; ++i) {
      clients.push_back(std::make_unique<RawClient>(server->port()));
      clients.back()->send(test::get("/it"));
    }
    for (const auto& client : clients) CHECK(status_of(client->reply()) == 200);
    CHECK(server->stop(test::kPatience));
    Events all;
    rings->drain(all);
    std::stable_sort(all.begin(), all.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
    int holders = 0;
    int most = 0;
    for (const Event& event : all) {
      if (event.resource != Resource::connection) continue;
      holders += event.kind == EventKind::acquire ? 1 : -1;
      most = std::max(most, holders);
    }
    CHECK(most == 1);
    CHECK(holders == 0);
  }
}

TEST_CASE("a pool of processes runs steps, and a member that dies costs its request alone", "[sockets]") {
  ServerSetup setup =
      setup_for(*find_mode("offload"), {{kShort}, {Compute{.work = Work::sqrt_sum, .units = 5}}});
  setup.arm.pool_processes = true;
  setup.arm.threads = 2;
  Answer answer = ask(setup);
  CHECK(status_of(answer.reply) == 200);
  CHECK(steps_of(answer.events) == "b0 e0 b1 e1 finished replied");

  setup.routes[0].plan = {{Wait{300 * kMillisecond}}};
  setup.arm.threads = 1;
  auto server = Server::start(setup, nullptr);
  REQUIRE(server.has_value());
  RawClient client(server->port());
  client.send(test::get("/it"));
  const pid_t fork_server = only_child_of(server->workers()[0]);
  REQUIRE(fork_server > 0);
  const pid_t member = only_child_of(fork_server);
  REQUIRE(member > 0);
  kill(member, SIGKILL);
  const std::string reply = client.reply();
  CHECK(status_of(reply) == 502);
  CHECK(has(reply, "of the process pool died"));
  client.send(test::get("/it"));
  CHECK(status_of(client.reply()) == 200);
  // The new one too is the child of a process without threads, with as many as a child begins with: one, and
  // the thread sanitizer's. The worker, whose pool noticed, has more.
  const pid_t heir = only_child_of(fork_server);
  CHECK(heir != member);
  CHECK(threads_of(fork_server) == threads_of(heir));
  CHECK(threads_of(server->workers()[0]) > threads_of(heir));
  CHECK(server->stop(test::kPatience));
}

}  // namespace lab
