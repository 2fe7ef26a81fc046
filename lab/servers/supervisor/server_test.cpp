#include "lab/servers/supervisor/server.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <future>
#include <memory>
#include <vector>

#include "lab/core/testing/eventually.hpp"
#include "lab/servers/testing/test_client.hpp"

namespace lab {

using test::builtin_setup;
using test::get;
using test::kPatience;
using test::RawClient;
using test::status_of;
using test::worker_of;

namespace {

/// Neither running nor a zombie.
bool gone(pid_t pid) {
  return ::kill(pid, 0) != 0 && errno == ESRCH;
}

/// Running no more, whoever has to reap it.
bool dead(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return true;
  return line.substr(line.rfind(')') + 2, 1) == "Z";
}

pid_t ask_worker(std::uint16_t port) {
  RawClient client(port);
  client.send(get("/ping"));
  return worker_of(client.reply());
}

}  // namespace

TEST_CASE("ten connections on four workers are always dealt 3-3-2-2, beginning where the seed says",
          "[sockets]") {
  for (const Mode* mode : all_modes()) {
    for (const std::uint64_t seed : {0, 6}) {
      INFO(mode->traits.name);
      ServerSetup setup = builtin_setup(*mode, 4);
      setup.seed = seed;
      auto server = Server::start(setup, nullptr);
      REQUIRE(server.has_value());
      REQUIRE(server->workers().size() == 4);
      std::vector<std::unique_ptr<RawClient>> clients;
      for (int i = 0; i < 10; ++i) clients.push_back(std::make_unique<RawClient>(server->port()));
      for (std::size_t i = 0; i < clients.size(); ++i) {
        clients[i]->send(get("/ping"));
        CHECK(worker_of(clients[i]->reply()) == server->workers()[(i + seed) % 4]);
      }
    }
  }
}

TEST_CASE("a killed worker is replaced and serves again", "[sockets]") {
  for (const int workers : {1, 2}) {
    for (const Mode* mode : all_modes()) {
      INFO(mode->traits.name << " x " << workers);
      auto server = Server::start(builtin_setup(*mode, workers), nullptr);
      REQUIRE(server.has_value());
      const pid_t victim = ask_worker(server->port());
      REQUIRE(std::count(server->workers().begin(), server->workers().end(), victim) == 1);
      RawClient bereaved(server->port());
      REQUIRE(::kill(victim, SIGKILL) == 0);
      for (int i = 0; i < 2 * workers; ++i) {
        const pid_t successor = ask_worker(server->port());
        CHECK(successor != 0);
        CHECK(successor != victim);
      }
    }
  }
}

TEST_CASE("workers that keep dying stop the server within a second", "[sockets]") {
  auto server = Server::start(builtin_setup(*find_mode("async-loop")), nullptr);
  REQUIRE(server.has_value());
  const pid_t master = server->master();
  // Each is killed as soon as it has answered, which is within its first second.
  for (int i = 0; i < 6; ++i) {
    const pid_t worker = ask_worker(server->port());
    if (worker > 0) ::kill(worker, SIGKILL);
  }
  CHECK(test::eventually([&] { return dead(master); }));
  CHECK_FALSE(RawClient(server->port()).connected());
}

TEST_CASE("TERM lets what is in flight finish and ends idle connections at once", "[sockets]") {
  for (const int workers : {1, 2}) {
    for (const Mode* mode : all_modes()) {
      INFO(mode->traits.name << " x " << workers);
      auto server = Server::start(builtin_setup(*mode, workers), nullptr);
      REQUIRE(server.has_value());
      RawClient idle(server->port());
      idle.send(get("/ping"));
      REQUIRE(status_of(idle.reply()) == 200);
      RawClient busy(server->port());
      busy.send(get("/delay?ms=20"));
      // In a second connection of the same worker, sent but perhaps not read yet when TERM comes.
      RawClient next(server->port());
      next.send(get("/delay?ms=20"));
      CHECK(server->stop(kPatience));
      CHECK(status_of(busy.reply()) == 200);
      CHECK(status_of(next.reply()) == 200);
      CHECK(idle.closed_by_server());
      CHECK_FALSE(RawClient(server->port()).connected());
    }
  }
}

TEST_CASE("a worker that a TERM of its own ended is replaced", "[sockets]") {
  auto server = Server::start(builtin_setup(*find_mode("async-loop")), nullptr);
  REQUIRE(server.has_value());
  const pid_t first = server->workers().front();
  REQUIRE(::kill(first, SIGTERM) == 0);
  CHECK(test::eventually([&] { return ask_worker(server->port()) != first; }));
}

TEST_CASE("a stopped worker ends with its server", "[sockets]") {
  for (const Mode* mode : all_modes()) {
    INFO(mode->traits.name);
    auto server = Server::start(builtin_setup(*mode, 2), nullptr);
    REQUIRE(server.has_value());
    REQUIRE(::kill(server->workers().back(), SIGSTOP) == 0);
    CHECK(server->stop(kPatience));
  }
}

TEST_CASE("a second TERM ends what is still in flight", "[sockets]") {
  for (const Mode* mode : all_modes()) {
    INFO(mode->traits.name);
    auto server = Server::start(builtin_setup(*mode), nullptr);
    REQUIRE(server.has_value());
    RawClient client(server->port());
    client.send(get("/delay?ms=60000"));
    const auto asked_to_end = [&] {
      ::kill(server->master(), SIGTERM);
      return dead(server->master());
    };
    CHECK(test::eventually(asked_to_end));
  }
}

TEST_CASE("half a request behind the one in flight does not delay a stop", "[sockets]") {
  // Each takes the second that is left to such a client, so they take it together.
  std::vector<Server> servers;
  for (const Mode* mode : all_modes())
    servers.push_back(Server::start(builtin_setup(*mode), nullptr).value());
  std::vector<std::unique_ptr<RawClient>> clients;
  std::vector<std::future<bool>> stops;
  for (Server& server : servers) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    clients.back()->send(get("/delay?ms=20") + "GET /ping HT");
    stops.push_back(std::async(std::launch::async, [&server] { return server.stop(kPatience); }));
  }
  for (std::size_t i = 0; i < stops.size(); ++i) {
    INFO(all_modes()[i]->traits.name);
    CHECK(stops[i].get());
    CHECK(status_of(clients[i]->reply()) == 200);
  }
}

TEST_CASE("a client that never reads its replies does not delay a stop", "[sockets]") {
  for (const char* name : {"thread-per-request", "async-loop"}) {
    INFO(name);
    auto server = Server::start(builtin_setup(*find_mode(name)), nullptr);
    REQUIRE(server.has_value());
    RawClient client(server->port());
    std::string many;
    for (int i = 0; i < 1000; ++i) many += get("/ping");
    client.send_all_it_takes(many);
    CHECK(server->stop(kPatience));
  }
}

TEST_CASE("a server starts without stdin, stdout and stderr", "[sockets]") {
  const pid_t parent = fork();
  if (parent == 0) {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) close(fd);
    bool served = false;
    {
      auto server = Server::start(builtin_setup(*find_mode("async-loop"), 2), nullptr);
      served = server && ask_worker(server->port()) != 0 && server->stop(kPatience);
    }
    _exit(served ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(parent, &status, 0) == parent);
  CHECK(status == 0);
}

TEST_CASE("a worker's descriptor table has its full size before its threads begin", "[sockets]") {
  for (const Mode* mode : all_modes()) {
    INFO(mode->traits.name);
    auto server = Server::start(builtin_setup(*mode), nullptr);
    REQUIRE(server.has_value());
    std::ifstream file("/proc/" + std::to_string(server->workers().front()) + "/status");
    std::string word;
    while (file >> word && word != "FDSize:") {
    }
    int size = 0;
    CHECK(file >> size);
    CHECK(size >= 512);
  }
}

TEST_CASE("a master that somebody stopped is known, and ends in order nevertheless", "[sockets]") {
  auto server = Server::start(builtin_setup(*find_mode("async-loop"), 2), nullptr);
  REQUIRE(server.has_value());
  CHECK_FALSE(server->is_stopped());
  ::kill(server->master(), SIGSTOP);
  CHECK(test::eventually([&] { return server->is_stopped(); }));
  CHECK(server->stop(kPatience));
}

TEST_CASE("no process is left after stop, kill or destruction", "[sockets]") {
  for (const Mode* mode : all_modes()) {
    for (int way = 0; way < 3; ++way) {
      INFO(mode->traits.name << ", way " << way);
      std::vector<pid_t> family;
      {
        auto server = Server::start(builtin_setup(*mode, 3), nullptr);
        REQUIRE(server.has_value());
        family = server->workers();
        family.push_back(server->master());
        RawClient client(server->port());
        client.send(get("/delay?ms=10000"));
        if (way == 0) CHECK_FALSE(server->stop(10 * kMillisecond));
        if (way == 1) server->kill();
      }
      CHECK(std::all_of(family.begin(), family.end(), gone));
      CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
    }
  }
}

TEST_CASE("the family dies with a parent that is killed", "[sockets]") {
  for (const bool kill_master : {false, true}) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    const pid_t parent = fork();
    if (parent == 0) {
      auto server = Server::start(builtin_setup(*find_mode("thread-pool"), 2), nullptr);
      std::vector<pid_t> family;
      if (server) family = server->workers();
      if (server) family.push_back(server->master());
      [[maybe_unused]] const ssize_t written = write(ends[1], family.data(), family.size() * sizeof(pid_t));
      for (;;) pause();
    }
    pid_t family[3] = {};
    const ssize_t size = read(ends[0], family, sizeof family);
    close(ends[0]);
    close(ends[1]);
    if (size == static_cast<ssize_t>(sizeof family)) ::kill(kill_master ? family[2] : parent, SIGKILL);
    CHECK(size == static_cast<ssize_t>(sizeof family));
    CHECK(test::eventually([&] { return std::all_of(std::begin(family), std::end(family), dead); }));
    ::kill(parent, SIGKILL);
    while (waitpid(-1, nullptr, 0) > 0) {
    }
  }
}

TEST_CASE("a port in use is named, and the way out too", "[sockets]") {
  auto first = Server::start(builtin_setup(*find_mode("async-loop")), nullptr);
  REQUIRE(first.has_value());
  for (const Mode* mode : all_modes()) {
    ServerSetup setup = builtin_setup(*mode);
    setup.port = first->port();
    const auto second = Server::start(setup, nullptr);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().kind == ErrorKind::environment);
    CHECK(second.error().message ==
          "port " + std::to_string(first->port()) +
              " is in use; choose another with --port, or --port 0 for any free one");
  }
}

TEST_CASE("a server that cannot be made is an error, not a process", "[sockets]") {
  ServerSetup setup = builtin_setup(*find_mode("async-loop"));
  setup.host = "nowhere";
  const auto server = Server::start(setup, nullptr);
  REQUIRE_FALSE(server.has_value());
  CHECK(server.error().kind == ErrorKind::usage);
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("children hold no descriptor of their parent's, and never its stdout", "[sockets]") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  auto server = Server::start(builtin_setup(*find_mode("async-loop"), 2), nullptr);
  REQUIRE(server.has_value());
  close(ends[1]);
  // With the writing end open anywhere this would wait for ever.
  pollfd readable{ends[0], POLLIN, 0};
  CHECK(poll(&readable, 1, 1000) == 1);
  close(ends[0]);
  std::vector<pid_t> family = server->workers();
  family.push_back(server->master());
  for (const pid_t pid : family) {
    char target[64] = {};
    CHECK(readlink(("/proc/" + std::to_string(pid) + "/fd/1").c_str(), target, sizeof target - 1) > 0);
    CHECK(std::string(target) == "/dev/null");
  }
}

TEST_CASE("routes in different modes share a server", "[sockets]") {
  ServerSetup setup;
  setup.routes = {{"slow", "GET", "/slow", {{Wait{20 * kMillisecond}}}}, {"ping", "GET", "/ping", {}}};
  setup.arm.modes = {find_mode("thread-pool")->traits, find_mode("async-loop")->traits};
  auto server = Server::start(setup, nullptr);
  REQUIRE(server.has_value());
  for (const char* path : {"/slow", "/ping", "/"}) {
    RawClient client(server->port());
    client.send(get(path));
    CHECK(status_of(client.reply()) == 200);
  }
}

}  // namespace lab
