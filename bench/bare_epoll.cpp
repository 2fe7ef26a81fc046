// The least that an HTTP server on one core can do: epoll, recv, a search for the empty line, send. It checks
// nothing and answers every request with the bytes of one file, so what another server needs more than this
// is its own work.
//
//   bare_epoll REPLY-FILE      prints `listening on http://127.0.0.1:PORT`; ends with TERM
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view kEnd = "\r\n\r\n";

[[noreturn]] void fail(const char* call) {
  std::perror(call);
  std::exit(3);
}

int listen_somewhere() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (fd < 0 || bind(fd, any, size) != 0 || listen(fd, 4096) != 0 || getsockname(fd, any, &size) != 0)
    fail("listen");
  std::printf("listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

void watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

void accept_all(int epoll, int listener) {
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(epoll, fd);
  }
}

/// Requests are small and come whole; what is pipelined is answered together.
void answer(int fd, const std::string& reply) {
  std::array<char, 16384> bytes;
  const ssize_t got = recv(fd, bytes.data(), bytes.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    close(fd);
    return;
  }
  const std::string_view text(bytes.data(), static_cast<std::size_t>(got));
  for (std::size_t at = text.find(kEnd); at != std::string_view::npos; at = text.find(kEnd, at + kEnd.size()))
    if (send(fd, reply.data(), reply.size(), MSG_NOSIGNAL) < 0) return;
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) {
    std::fputs("usage: bare_epoll REPLY-FILE\n", stderr);
    return 2;
  }
  std::ifstream file(words[1], std::ios::binary);
  const std::string reply{std::istreambuf_iterator<char>(file), {}};
  if (reply.empty()) fail(words[1]);
  const int listener = listen_somewhere();
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, listener);
  std::array<epoll_event, 512> events{};
  for (;;) {
    const int ready = epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        accept_all(epoll, listener);
      } else {
        answer(fd, reply);
      }
    }
  }
}
