#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <map>
#include <memory>

#include "lab/servers/testing/test_client.hpp"
#include "lab/servers/worker/connection_source.hpp"

namespace lab {

using test::builtin_setup;
using test::get;
using test::kPatience;
using test::RawClient;
using test::status_of;
using test::worker_of;

namespace {

constexpr Accept kPolicies[] = {Accept::handoff, Accept::one, Accept::greedy, Accept::reuseport};

std::string closing(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n";
}

/// How many of ten requests on fresh connections each worker answered, most first.
std::vector<int> shares(std::uint16_t port, std::string_view path) {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<RawClient>(port));
    clients.back()->send(closing(path));
  }
  std::map<pid_t, int> by_worker;
  for (const auto& client : clients) ++by_worker[worker_of(client->reply())];
  CHECK(by_worker.count(0) == 0);
  std::vector<int> counts;
  for (const auto& [worker, count] : by_worker) counts.push_back(count);
  std::sort(counts.rbegin(), counts.rend());
  return counts;
}

}  // namespace

TEST_CASE("every accept policy answers everybody, in every model", "[sockets]") {
  for (const Accept policy : kPolicies) {
    for (const Mode* mode : all_modes()) {
      for (const int workers : {1, 3}) {
        INFO(to_string(policy) << ", " << mode->traits.name << " x " << workers);
        ServerSetup setup = builtin_setup(*mode, workers);
        setup.arm.accept = policy;
        auto server = Server::start(setup, nullptr);
        REQUIRE(server.has_value());
        const std::vector<int> counts = shares(server->port(), "/delay?ms=3");
        int sum = 0;
        for (const int count : counts) sum += count;
        CHECK(sum == 10);
        CHECK(server->stop(kPatience));
        CHECK_FALSE(RawClient(server->port()).connected());
      }
    }
  }
}

TEST_CASE("whoever is free takes the next connection, where workers take one at a time", "[sockets]") {
  for (const char* name : {"blocking-loop", "thread-per-request"}) {
    INFO(name);
    ServerSetup setup = builtin_setup(*find_mode(name), 4);
    setup.arm.accept = Accept::one;
    setup.arm.threads = 1;
    auto server = Server::start(setup, nullptr);
    REQUIRE(server.has_value());
    const std::vector<int> counts = shares(server->port(), "/delay?ms=30");
    REQUIRE(counts.size() == 4);
    CHECK(counts.front() <= 4);
  }
}

TEST_CASE("accept policy one closes after each reply", "[sockets]") {
  for (const Mode* mode : all_modes()) {
    INFO(mode->traits.name);
    ServerSetup setup = builtin_setup(*mode);
    setup.arm.accept = Accept::one;
    auto server = Server::start(setup, nullptr);
    REQUIRE(server.has_value());
    RawClient client(server->port());
    client.send(get("/ping"));
    const std::string reply = client.reply();
    CHECK(status_of(reply) == 200);
    CHECK(reply.find("\r\nConnection: close\r\n") != std::string::npos);
    CHECK(client.closed_by_server());
  }
}

TEST_CASE("TERM lets what waits in the accept queue be answered", "[sockets]") {
  for (const Accept policy : kPolicies) {
    for (const char* name : {"blocking-loop", "async-loop", "thread-per-request"}) {
      for (const int workers : {1, 2}) {
        INFO(to_string(policy) << ", " << name << " x " << workers);
        ServerSetup setup = builtin_setup(*find_mode(name), workers);
        setup.arm.accept = policy;
        auto server = Server::start(setup, nullptr);
        REQUIRE(server.has_value());
        std::vector<std::unique_ptr<RawClient>> clients;
        for (int i = 0; i < 6; ++i) {
          clients.push_back(std::make_unique<RawClient>(server->port()));
          clients.back()->send(closing("/delay?ms=10"));
        }
        CHECK(server->stop(kPatience));
        for (const auto& client : clients) CHECK(status_of(client->reply()) == 200);
      }
    }
  }
}

TEST_CASE("a killed worker's queue waits for its successor", "[sockets]") {
  for (const Accept policy : {Accept::one, Accept::greedy, Accept::reuseport}) {
    INFO(to_string(policy));
    ServerSetup setup = builtin_setup(*find_mode("blocking-loop"));
    setup.arm.accept = policy;
    auto server = Server::start(setup, nullptr);
    REQUIRE(server.has_value());
    // Stopped, it takes nobody: all are in the kernel's queue when it dies.
    REQUIRE(::kill(server->workers().front(), SIGSTOP) == 0);
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 3; ++i) {
      clients.push_back(std::make_unique<RawClient>(server->port()));
      clients.back()->send(closing("/ping"));
    }
    REQUIRE(::kill(server->workers().front(), SIGKILL) == 0);
    for (const auto& client : clients) {
      const pid_t worker = worker_of(client->reply());
      CHECK(worker != 0);
      CHECK(worker != server->workers().front());
    }
  }
}

TEST_CASE("a port that somebody listens on is not joined", "[sockets]") {
  for (const Accept first_policy : kPolicies) {
    for (const Accept second_policy : kPolicies) {
      INFO(to_string(first_policy) << ", then " << to_string(second_policy));
      ServerSetup setup = builtin_setup(*find_mode("async-loop"), 2);
      setup.arm.accept = first_policy;
      auto first = Server::start(setup, nullptr);
      REQUIRE(first.has_value());
      setup.arm.accept = second_policy;
      setup.port = first->port();
      const auto second = Server::start(setup, nullptr);
      REQUIRE_FALSE(second.has_value());
      CHECK(second.error().message.find("is in use") != std::string::npos);
    }
  }
}

TEST_CASE("the sockets of a group share one port") {
  const auto group = listen_on("127.0.0.1", 0, 3);
  REQUIRE(group.has_value());
  REQUIRE(group->size() == 3);
  for (const Listener& listener : *group) CHECK(listener.port == group->front().port);
}

}  // namespace lab
