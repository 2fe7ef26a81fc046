#include "harness/client/epoll_transport.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <cerrno>
#include <string>

namespace lab {
namespace {

// Either side of a connection in one thread: nothing here waits for anything that has not already happened.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(socket_, 16) == 0);
    REQUIRE(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() { stop(); }
  int accept_one(std::uint16_t* peer_port = nullptr) const {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const int accepted = accept4(socket_, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC);
    REQUIRE(accepted >= 0);
    if (peer_port != nullptr) *peer_port = ntohs(peer.sin_port);
    return accepted;
  }
  void stop() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  std::uint16_t port = 0;

 private:
  int socket_;
};

std::unique_ptr<EpollTransport> connect_to(std::uint16_t port, int interrupt_fd = -1) {
  return EpollTransport::create("127.0.0.1", port, interrupt_fd).value();
}

// News of one connection, waited for up to five seconds so that a failure cannot hang.
Readiness news(EpollTransport& transport) {
  const Nanos until = monotonic_now() + 5 * kSecond;
  while (monotonic_now() < until) {
    const auto ready = transport.wait(until);
    if (!ready.empty()) return ready.front();
  }
  FAIL("no news");
  return {};
}

TEST_CASE("a connection opens, sends, receives and ends") {
  Listener listener;
  auto transport = connect_to(listener.port);
  REQUIRE(transport->open(3) == 0);
  const Readiness opened = news(*transport);
  CHECK(opened.connection == 3);
  CHECK(opened.writable);
  CHECK(transport->opened(3) == 0);
  std::uint16_t peer_port = 0;
  const int server = listener.accept_one(&peer_port);
  CHECK(transport->local_port(3) == peer_port);

  CHECK(transport->send(3, "hello") == 5);
  std::string heard(5, '\0');
  REQUIRE(::recv(server, heard.data(), heard.size(), MSG_WAITALL) == 5);
  CHECK(heard == "hello");

  std::array<char, 64> buffer{};
  CHECK(transport->receive(3, buffer) == -EAGAIN);
  REQUIRE(::send(server, "world!", 6, MSG_NOSIGNAL) == 6);
  const Readiness readable = news(*transport);
  CHECK(readable.readable);
  CHECK_FALSE(readable.ended);
  CHECK(transport->receive(3, buffer) == 6);

  ::close(server);
  CHECK(news(*transport).ended);
  CHECK(transport->receive(3, buffer) == 0);
  transport->close(3);
  CHECK(transport->wait(0).empty());
}

TEST_CASE("a port where nothing listens refuses") {
  Listener listener;
  auto transport = connect_to(listener.port);
  listener.stop();
  int error = transport->open(0);
  if (error == 0) {
    CHECK(news(*transport).writable);
    error = transport->opened(0);
  }
  CHECK(error == ECONNREFUSED);
}

TEST_CASE("a connection that is reset says so") {
  Listener listener;
  auto transport = connect_to(listener.port);
  REQUIRE(transport->open(0) == 0);
  CHECK(news(*transport).writable);
  const int server = listener.accept_one();
  const linger at_once{1, 0};
  REQUIRE(setsockopt(server, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  ::close(server);
  CHECK(news(*transport).readable);
  std::array<char, 64> buffer{};
  CHECK(transport->receive(0, buffer) == -ECONNRESET);
}

TEST_CASE("a number can be opened again") {
  Listener listener;
  auto transport = connect_to(listener.port);
  REQUIRE(transport->open(0) == 0);
  CHECK(news(*transport).writable);
  const std::uint16_t before = transport->local_port(0);
  REQUIRE(transport->open(0) == 0);
  CHECK(news(*transport).writable);
  CHECK(transport->local_port(0) != before);
}

TEST_CASE("the interrupt ends a wait and stays") {
  Listener listener;
  const int interrupt = eventfd(0, EFD_CLOEXEC);
  auto transport = connect_to(listener.port, interrupt);
  CHECK(transport->wait(0).empty());
  CHECK_FALSE(transport->interrupted());
  REQUIRE(eventfd_write(interrupt, 1) == 0);
  CHECK(transport->wait(monotonic_now() + 5 * kSecond).empty());
  CHECK(transport->interrupted());
  ::close(interrupt);
}

TEST_CASE("a wait with nothing to come ends, and not before its time") {
  Listener listener;
  auto transport = connect_to(listener.port);
  const Nanos until = monotonic_now() + 2 * kMillisecond;
  CHECK(transport->wait(until).empty());
  CHECK(monotonic_now() >= until);
}

TEST_CASE("a host that does not exist is named") {
  const auto transport = EpollTransport::create("no such host", 80, -1);
  REQUIRE_FALSE(transport.has_value());
  CHECK(transport.error().kind == ErrorKind::environment);
  CHECK_THAT(transport.error().message, Catch::Matchers::Contains("no such host"));
}

}  // namespace
}  // namespace lab
