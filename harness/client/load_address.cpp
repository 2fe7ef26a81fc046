#include "harness/client/load_address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace lab {

namespace {

bool is_private_v4(std::uint32_t address) {
  const auto in = [address](std::uint32_t network, int bits) {
    return address >> (32 - bits) == network >> (32 - bits);
  };
  return address == 0 || in(0x7F000000, 8) || in(0x0A000000, 8) || in(0xAC100000, 12) || in(0xC0A80000, 16) ||
         in(0xA9FE0000, 16);
}

bool is_private_v6(const in6_addr& address) {
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    std::uint32_t inner = 0;
    std::memcpy(&inner, address.s6_addr + 12, sizeof inner);
    return is_private_v4(ntohl(inner));
  }
  const bool unique_local = (address.s6_addr[0] & 0xFE) == 0xFC;
  return IN6_IS_ADDR_LOOPBACK(&address) || IN6_IS_ADDR_UNSPECIFIED(&address) ||
         IN6_IS_ADDR_LINKLOCAL(&address) || unique_local;
}

bool takes_connections(const Address& address, int patience_ms) {
  const int socket = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  int error = connect(socket, address.get(), address.size) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    pollfd news{socket, POLLOUT, 0};
    socklen_t size = sizeof error;
    if (poll(&news, 1, patience_ms) != 1 || getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
      error = ETIMEDOUT;
  }
  close(socket);
  return error == 0;
}

}  // namespace

std::string Address::text() const {
  std::array<char, NI_MAXHOST> name{};
  if (getnameinfo(get(), size, name.data(), name.size(), nullptr, 0, NI_NUMERICHOST) != 0) return "?";
  return name.data();
}

std::uint16_t Address::port() const {
  // At the same place in a sockaddr_in6.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

bool Address::is_private() const {
  if (storage.ss_family == AF_INET)
    return is_private_v4(ntohl(reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr.s_addr));
  return storage.ss_family == AF_INET6 &&
         is_private_v6(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr);
}

namespace {

Result<std::vector<Address>> look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) return environment_error("cannot find the host '{}': {}", host, gai_strerror(error));
  std::vector<Address> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Address& address = addresses.emplace_back();
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.size = each->ai_addrlen;
  }
  freeaddrinfo(found);
  return addresses;
}

}  // namespace

Result<std::vector<Address>> resolve(const std::string& host, std::uint16_t port) {
  auto addresses = look_up(host, port);
  if (!addresses || host != "localhost") return addresses;
  // Both, whatever the hosts file has (RFC 6761, 6.3): a server may listen at either.
  for (const char* loopback : {"127.0.0.1", "::1"}) {
    const auto known = [&](const Address& address) { return address.text() == loopback; };
    if (std::any_of(addresses->begin(), addresses->end(), known)) continue;
    if (const auto other = look_up(loopback, port)) addresses->push_back(other->front());
  }
  return addresses;
}

Address first_that_answers(const std::vector<Address>& addresses, int patience_ms) {
  if (addresses.size() == 1) return addresses.front();
  for (const Address& address : addresses) {
    if (takes_connections(address, patience_ms)) return address;
  }
  return addresses.front();
}

}  // namespace lab
