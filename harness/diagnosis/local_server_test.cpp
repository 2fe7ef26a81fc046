#include "harness/diagnosis/local_server.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <ctime>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "lab/core/clock.hpp"

using namespace lab;

namespace {

Address address_of(const std::string& host) {
  return resolve(host, 80).value().front();
}

/// A socket that listens at a port of the system's choice.
class Listening {
 public:
  explicit Listening(const std::string& host) {
    const Address address = address_of(host);
    socket_ = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_storage at = address.storage;
    auto* name = reinterpret_cast<sockaddr*>(&at);
    reinterpret_cast<sockaddr_in*>(name)->sin_port = 0;  // at the same place in a sockaddr_in6
    socklen_t size = address.size;
    REQUIRE(bind(socket_, name, size) == 0);
    REQUIRE(listen(socket_, 1) == 0);
    REQUIRE(getsockname(socket_, name, &size) == 0);
    port = ntohs(reinterpret_cast<const sockaddr_in*>(name)->sin_port);
  }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;
  ~Listening() { close(socket_); }

  bool is_found_at(const std::string& host) const {
    const auto server = LocalServer::find(address_of(host), port);
    if (server) CHECK(server->pid() == getpid());
    return server.has_value();
  }

  std::uint16_t port = 0;

 private:
  int socket_ = -1;
};

}  // namespace

TEST_CASE("a server is looked for at its own address only") {
  const Listening server("127.0.0.1");
  CHECK(server.is_found_at("127.0.0.1"));
  CHECK(server.is_found_at("0.0.0.0"));
  CHECK(server.is_found_at("::ffff:127.0.0.1"));
  CHECK_FALSE(server.is_found_at("127.0.0.2"));
  CHECK_FALSE(server.is_found_at("::1"));
}

TEST_CASE("a server's language is its program's name without a version") {
  const Listening server("127.0.0.1");
  CHECK(LocalServer::find(address_of("127.0.0.1"), server.port)->runtime() == "diagnosis_tests");
}

TEST_CASE("a server that listens everywhere is found at every address of this machine, at no other") {
  const Listening server("0.0.0.0");
  CHECK(server.is_found_at("127.0.0.1"));
  CHECK(server.is_found_at("127.0.0.2"));
  CHECK_FALSE(server.is_found_at("192.0.2.1"));
  CHECK_FALSE(server.is_found_at("2001:db8::1"));
}

TEST_CASE("a server at a Unix socket is found by its path") {
  const std::string path = "/tmp/lab-local-server-" + std::to_string(getpid());
  const Address address = resolve(parse_url("unix:" + path + ":/").value()).value().front();
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(bind(socket, address.get(), address.size) == 0);
  REQUIRE(listen(socket, 1) == 0);
  const auto server = LocalServer::find(address, 0);
  REQUIRE(server);
  CHECK(server->pid() == getpid());
  close(socket);
  unlink(path.c_str());
  CHECK_FALSE(LocalServer::find(address, 0));
}

TEST_CASE("computing that one thread does is distinguished from that of several in turns") {
  const auto compute = [] {
    const auto used = [] {
      timespec time{};
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
      return time.tv_sec * kSecond + time.tv_nsec;
    };
    for (const Nanos began = used(); used() < began + 20 * kMillisecond;) {
    }
  };
  LocalServer server = LocalServer::of(getpid());
  const auto share = [&](const std::function<void()>& work) {
    const CpuTime before = server.cpu_time();
    work();
    const CpuTime after = server.cpu_time();
    return static_cast<double>(after.busiest - before.busiest) /
           static_cast<double>(after.used - before.used);
  };
  CHECK(share(compute) > 0.7);
  std::vector<std::thread> threads;
  std::atomic<int> finished = 0;
  std::atomic<bool> over = false;
  const double several = share([&] {
    for (int number = 0; number < 4; ++number) {
      threads.emplace_back([&] {
        compute();
        ++finished;
        finished.notify_all();
        over.wait(false);
      });
      finished.wait(number);
    }
  });
  over = true;
  over.notify_all();
  for (std::thread& thread : threads) thread.join();
  CHECK(several < 0.5);
}
