#include "lab/servers/worker/connection_source.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace lab {

namespace {

// As deep as the kernel allows by default (net.core.somaxconn).
constexpr int kBacklog = 4096;
// What the kernel keeps of replies that a client does not read; it would take 2.6 MB on loopback.
constexpr int kUnread = 64 * 1024;

/// Of IPv4 or IPv6.
union Address {
  sockaddr_in6 v6;
  sockaddr_in v4;
  sockaddr any;

  std::uint16_t port() const { return ntohs(any.sa_family == AF_INET6 ? v6.sin6_port : v4.sin_port); }
};

/// Size 0: the host is no address.
socklen_t make_address(const std::string& host, std::uint16_t port, Address& address) {
  address = {};
  if (inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host.c_str(), &address.v4.sin_addr) == 1) {
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(port);
    return sizeof address.v4;
  }
  address = {};
  if (inet_pton(AF_INET6, host.c_str(), &address.v6.sin6_addr) != 1) return 0;
  address.v6.sin6_family = AF_INET6;
  address.v6.sin6_port = htons(port);
  return sizeof address.v6;
}

Error bind_error(const std::string& host, std::uint16_t port, int problem) {
  switch (problem) {
    case EADDRINUSE:
      return environment_error("port {} is in use; choose another with --port, or --port 0 for any free one",
                               port);
    case EACCES:
      return environment_error("port {} needs privileges; choose one above 1023 with --port", port);
    case EADDRNOTAVAIL:
      return environment_error("this machine has no address {}; try --host 127.0.0.1", host);
    default: return system_error("bind", fmt::format("{}:{}", host, port), problem);
  }
}

void switch_on(int fd, int level, int option) {
  const int on = 1;
  setsockopt(fd, level, option, &on, sizeof on);
}

/// When a socket joins those that share its port.
enum class Sharing : std::uint8_t { none, after_bind, before_bind };

Result<Listener> make_listener(const std::string& host, std::uint16_t port, Sharing sharing) {
  Address address;
  socklen_t size = make_address(host, port, address);
  if (size == 0) return usage_error("host '{}' is not an address; use one like 127.0.0.1 or ::1", host);
  Listener listener;
  listener.fd = UniqueFd(socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener.fd.valid()) return system_error("socket", host, errno);
  const int fd = listener.fd.get();
  switch_on(fd, SOL_SOCKET, SO_REUSEADDR);
  // Inherited by every connection.
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kUnread, sizeof kUnread);
  if (sharing == Sharing::before_bind) switch_on(fd, SOL_SOCKET, SO_REUSEPORT);
  // With SO_REUSEADDR two servers can both bind; the second one is refused by listen.
  if (bind(fd, &address.any, size) != 0) return bind_error(host, port, errno);
  if (sharing == Sharing::after_bind) switch_on(fd, SOL_SOCKET, SO_REUSEPORT);
  if (listen(fd, kBacklog) != 0) return bind_error(host, port, errno);
  if (getsockname(fd, &address.any, &size) != 0)
    return system_error("getsockname", "the listening socket", errno);
  listener.port = address.port();
  return listener;
}

UniqueFd open_spare() {
  return UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

}  // namespace

Result<std::vector<Listener>> listen_on(const std::string& host, std::uint16_t port, std::size_t sockets) {
  std::vector<Listener> group;
  while (group.size() < sockets) {
    const Sharing sharing = sockets == 1    ? Sharing::none
                            : group.empty() ? Sharing::after_bind
                                            : Sharing::before_bind;
    LAB_TRY(Listener next, make_listener(host, group.empty() ? port : group.front().port, sharing));
    group.push_back(std::move(next));
  }
  return group;
}

ConnectionSource::ConnectionSource(int fd, bool handed) : fd_(fd), handed_(handed), spare_(open_spare()) {}

AcceptResult ConnectionSource::accept(Accepted& accepted) {
  for (;;) {
    Address address{};
    socklen_t size = sizeof address;
    const int fd = accept4(fd_, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      switch_on(fd, IPPROTO_TCP, TCP_NODELAY);
      accepted = {UniqueFd(fd), address.port()};
      return AcceptResult::taken;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      if (spare_.valid()) {
        spare_.reset();
        const UniqueFd unlucky(accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        spare_ = open_spare();
      }
      return AcceptResult::exhausted;
    }
    // accept(2): errors of the connection itself are to be treated like EAGAIN, by asking for the next one.
    if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO) return AcceptResult::none;
  }
}

AcceptResult ConnectionSource::receive(Accepted& accepted) {
  PassedDescriptor passed;
  if (!take_descriptor(fd_, passed, MSG_DONTWAIT)) return AcceptResult::none;
  if (!passed.fd.valid()) return AcceptResult::exhausted;  // that client is shed
  accepted = {std::move(passed.fd), static_cast<std::uint16_t>(passed.number)};
  return AcceptResult::taken;
}

Dealer::Dealer(int listening, std::vector<int> channels, std::size_t first)
    : source_(listening, false), channels_(std::move(channels)), waiting_(channels_.size()), next_(first) {}

bool Dealer::deal() {
  for (;;) {
    Accepted accepted;
    const AcceptResult result = source_.take(accepted);
    if (result != AcceptResult::taken) return result == AcceptResult::none;
    const std::size_t slot = std::exchange(next_, (next_ + 1) % channels_.size());
    // First come, first served: nobody overtakes those who wait already.
    waiting_[slot].push_back(std::move(accepted));
    flush(slot);
  }
}

void Dealer::flush(std::size_t slot) {
  std::deque<Accepted>& queue = waiting_[slot];
  while (!queue.empty() &&
         pass_descriptor(channels_[slot], queue.front().fd.get(), queue.front().client_port, MSG_DONTWAIT))
    queue.pop_front();
}

}  // namespace lab
