#include "lab/servers/supervisor/backend.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "lab/servers/testing/test_client.hpp"

namespace lab {

using test::kPatience;
using test::RawClient;
using test::status_of;

namespace fs = std::filesystem;

namespace {

/// Whether the tests that need a server on io_uring can run; says why not.
bool io_uring_here() {
  const auto available = backend_available(Backend::io_uring);
  if (!available) WARN("skipped: " << available.error().message);
  return available.has_value();
}

ServerSetup on_io_uring(const char* mode, int workers) {
  ServerSetup setup;
  setup.routes = {{"slow", "GET", "/slow", {{Wait{kMillisecond}}}}};
  setup.arm.modes = {find_mode(mode)->traits};
  setup.arm.workers = workers;
  setup.arm.threads = 2;
  setup.arm.backend = Backend::io_uring;
  return setup;
}

/// From here on the kernel answers this process as it does in most containers.
bool forbid_io_uring() {
  sock_filter rules[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
                         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{std::size(rules), rules};
  return prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

TEST_CASE("epoll is always available") {
  CHECK(backend_available(Backend::epoll).has_value());
}

TEST_CASE("the program on io_uring is beside the one that runs, or where a build keeps programs") {
  std::string name = (fs::temp_directory_path() / "lab-backend-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  const fs::path root = name;
  fs::create_directories(root / "lab");
  fs::create_directories(root / "bin");
  const auto missing = io_uring_program(root / "lab");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().kind == ErrorKind::environment);
  CHECK(missing.error().message ==
        "no lab-io-uring beside this program; build it with liburing-dev installed");
  const fs::path program = root / "bin" / "lab-io-uring";
  std::ofstream(program).close();
  CHECK_FALSE(io_uring_program(root / "bin").has_value());
  chmod(program.c_str(), 0755);
  CHECK(io_uring_program(root / "bin").value() == program);
  CHECK(io_uring_program(root / "lab").value() == program);
  fs::remove_all(root);
}

TEST_CASE("without the program or the kernel's leave a server on io_uring is an error, not a process") {
  const auto available = backend_available(Backend::io_uring);
  if (available) return;
  const auto server = Server::start(on_io_uring("async-loop", 1), nullptr);
  REQUIRE_FALSE(server.has_value());
  CHECK(server.error().kind == ErrorKind::environment);
  CHECK(server.error().message == available.error().message);
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a kernel that refuses io_uring is named, and the way out too") {
  if (!io_uring_here()) return;
  const pid_t child = fork();
  if (child == 0) {
    if (!forbid_io_uring()) _exit(2);
    const auto server = Server::start(on_io_uring("async-loop", 1), nullptr);
    const bool named = !server && server.error().kind == ErrorKind::environment &&
                       server.error().message.starts_with("the kernel refuses io_uring here");
    _exit(named ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 2) {
    WARN("skipped: no seccomp filter can be set here");
  } else {
    CHECK(WEXITSTATUS(status) == 0);
  }
}

TEST_CASE("a server on io_uring answers, reports, and finishes what is in flight when it is stopped",
          "[sockets]") {
  if (!io_uring_here()) return;
  for (const char* name : {"async-loop", "thread-pool"}) {
    for (const int workers : {1, 2}) {
      INFO(name << " x " << workers);
      auto rings = EventRings::create(workers, 1024);
      REQUIRE(rings.has_value());
      auto server = Server::start(on_io_uring(name, workers), &*rings);
      REQUIRE(server.has_value());
      CHECK(fs::read_symlink("/proc/" + std::to_string(server->master()) + "/exe").filename() ==
            "lab-io-uring");
      RawClient idle(server->port());
      RawClient client(server->port());
      client.send("GET /slow HTTP/1.1\r\nHost: lab\r\nLab-Request: 9\r\n\r\n");
      CHECK(status_of(client.reply()) == 200);
      client.send("GET /slow HTTP/1.1\r\nHost: lab\r\nLab-Request: 9\r\n\r\n");
      CHECK(server->stop(kPatience));
      CHECK(status_of(client.reply()) == 200);
      Events events;
      rings->drain(events);
      CHECK(std::count_if(events.begin(), events.end(), [](const Event& event) {
              return event.request == 9 && event.kind == EventKind::replied;
            }) == 2);
      CHECK(rings->dropped() == 0);
    }
  }
}

TEST_CASE("nobody is left of a server on io_uring that is killed", "[sockets]") {
  if (!io_uring_here()) return;
  auto server = Server::start(on_io_uring("async-loop", 2), nullptr);
  REQUIRE(server.has_value());
  const pid_t master = server->master();
  const std::vector<pid_t> workers = server->workers();
  REQUIRE(workers.size() == 2);
  server->kill();
  CHECK(kill(master, 0) == -1);
  for (const pid_t worker : workers) CHECK(kill(worker, 0) == -1);
}

}  // namespace lab
