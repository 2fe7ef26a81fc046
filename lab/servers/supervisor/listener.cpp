#include "lab/servers/supervisor/listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace lab {

namespace {

// As deep as the kernel allows by default (net.core.somaxconn).
constexpr int kBacklog = 4096;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
};

bool make_address(const std::string& host, std::uint16_t port, Address& address) {
  sockaddr_in v4{};
  if (inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.size = sizeof v4;
    return true;
  }
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.size = sizeof v6;
    return true;
  }
  return false;
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

void allow_group(int fd) {
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
}

/// When a socket joins those that share its port.
enum class Sharing : std::uint8_t { none, after_bind, before_bind };

Result<Listener> make_listener(const std::string& host, std::uint16_t port, Sharing sharing) {
  Address address;
  if (!make_address(host, port, address))
    return usage_error("host '{}' is not an address; use one like 127.0.0.1 or ::1", host);
  Listener listener;
  listener.fd = UniqueFd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener.fd.valid()) return system_error("socket", host, errno);
  const int fd = listener.fd.get();
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (sharing == Sharing::before_bind) allow_group(fd);
  // With SO_REUSEADDR two servers can both bind; the second one is refused by listen.
  if (bind(fd, address.raw(), address.size) != 0) return bind_error(host, port, errno);
  if (sharing == Sharing::after_bind) allow_group(fd);
  if (listen(fd, kBacklog) != 0) return bind_error(host, port, errno);
  if (getsockname(fd, address.raw(), &address.size) != 0)
    return system_error("getsockname", "the listening socket", errno);
  listener.port = ntohs(address.storage.ss_family == AF_INET6
                            ? reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_port
                            : reinterpret_cast<const sockaddr_in&>(address.storage).sin_port);
  return listener;
}

}  // namespace

Result<Listener> listen_on(const std::string& host, std::uint16_t port) {
  return make_listener(host, port, Sharing::none);
}

Result<std::vector<Listener>> listen_as_group(const std::string& host, std::uint16_t port,
                                              std::size_t count) {
  std::vector<Listener> group;
  while (group.size() < count) {
    auto next = group.empty() ? make_listener(host, port, Sharing::after_bind)
                              : make_listener(host, group.front().port, Sharing::before_bind);
    if (!next) return next.error();
    group.push_back(std::move(*next));
  }
  return group;
}

}  // namespace lab
