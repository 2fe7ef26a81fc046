#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lab/core/clock.hpp"
#include "lab/core/process.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/supervisor/server.hpp"

namespace lab::test {

/// Nothing here waits longer, so that a server that hangs fails its test instead of stopping the suite.
constexpr Nanos kPatience = 5 * kSecond;

/// Bytes to and from a server, without any idea of HTTP but where a reply ends.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }

  bool connected() const { return connected_; }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t size = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
  }

  /// Sends it again and again, cut off anywhere, until the server has taken nothing for a while.
  void send_all_it_takes(std::string_view bytes) {
    for (pollfd writable{fd_.get(), POLLOUT, 0}; poll(&writable, 1, 100) > 0;) {
      if (::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return;
    }
  }

  /// Sends it again and again and reads nothing. True where the server breaks the connection within the
  /// patience.
  bool broken_while_it_sends(std::string_view bytes) {
    for (const Nanos end = monotonic_now() + kPatience; monotonic_now() < end;) {
      if (::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) continue;
      if (errno != EAGAIN) return true;
      pollfd writable{fd_.get(), POLLOUT, 0};
      poll(&writable, 1, 100);
    }
    return false;
  }

  /// Whether something has come, or the end, within that time.
  bool has_news(Nanos within) {
    pollfd readable{fd_.get(), POLLIN, 0};
    return poll(&readable, 1, static_cast<int>(within / kMillisecond)) > 0;
  }

  void half_close() { shutdown(fd_.get(), SHUT_WR); }

  /// The next whole reply; what there was of it where the server closed or the patience ended.
  std::string reply(bool to_head = false) {
    const Nanos end = monotonic_now() + kPatience;
    std::size_t size = 0;
    while ((size = reply_size(to_head)) == 0 && more(end)) {
    }
    if (size == 0) size = buffer_.size();
    std::string text = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return text;
  }

  /// The next bytes, or what there was of them.
  std::string bytes(std::size_t count) {
    const Nanos end = monotonic_now() + kPatience;
    while (buffer_.size() < count && more(end)) {
    }
    std::string some = buffer_.substr(0, count);
    buffer_.erase(0, some.size());
    return some;
  }

  /// True where the server closes, or resets, within the patience.
  bool closed_by_server() {
    const Nanos end = monotonic_now() + kPatience;
    while (more(end)) {
    }
    return ended_;
  }

  std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }

 private:
  bool more(Nanos end) {
    pollfd readable{fd_.get(), POLLIN, 0};
    const Nanos left = end - monotonic_now();
    if (left <= 0 || poll(&readable, 1, static_cast<int>(left / kMillisecond) + 1) <= 0) return false;
    char bytes[4096];
    const ssize_t size = recv(fd_.get(), bytes, sizeof bytes, 0);
    ended_ = size <= 0;
    if (size > 0) buffer_.append(bytes, static_cast<std::size_t>(size));
    return !ended_;
  }

  std::size_t reply_size(bool to_head) const {
    const std::size_t head_end = buffer_.find("\r\n\r\n");
    if (head_end == std::string::npos) return 0;
    const std::size_t field = buffer_.find("Content-Length: ");
    const std::size_t body =
        to_head || field > head_end ? 0 : std::strtoull(buffer_.c_str() + field + 16, nullptr, 10);
    const std::size_t size = head_end + 4 + body;
    return buffer_.size() < size ? 0 : size;
  }

  UniqueFd fd_;
  std::string buffer_;
  bool connected_ = false;
  bool ended_ = false;
};

/// Of `HTTP/1.1 200 OK…`; 0 where that is no reply.
inline int status_of(const std::string& reply) {
  return reply.starts_with("HTTP/1.1 ") ? std::atoi(reply.c_str() + 9) : 0;
}

/// The number behind `"worker_id":`; 0 where there is none.
inline pid_t worker_of(const std::string& reply) {
  const std::size_t at = reply.find("\"worker_id\":");
  return at == std::string::npos ? 0 : std::atoi(reply.c_str() + at + 12);
}

inline std::string get(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: lab\r\n\r\n";
}

inline ServerSetup builtin_setup(const Mode& mode, int workers = 1) {
  ServerSetup setup;
  setup.builtin_routes = true;
  setup.arm.id = std::string(mode.traits.name);
  setup.arm.modes = {mode.traits};
  setup.arm.workers = workers;
  setup.arm.threads = 8;
  return setup;
}

}  // namespace lab::test
