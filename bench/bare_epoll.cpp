// The least that an HTTP server on one core can do: epoll, recv, a search for the empty line, send. It checks
// nothing and answers every request with the bytes of one file, so what another server needs more than this
// is its own work.
//
//   bare_epoll REPLY-FILE      prints `listening on http://127.0.0.1:PORT`; ends with TERM
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "bare.hpp"

namespace {

constexpr std::string_view kEnd = "\r\n\r\n";

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
  if (reply.empty()) bare::fail(words[1]);
  const int listener = bare::listen_at(0);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  bare::watch(epoll, listener);
  std::array<epoll_event, 512> events{};
  for (;;) {
    const int ready = epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        while (bare::accept_one(epoll, listener)) {
        }
      } else {
        answer(fd, reply);
      }
    }
  }
}
