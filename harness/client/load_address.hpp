#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "lab/core/error.hpp"

namespace lab {

/// Where connections go: an address as connect(2) takes it.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  /// `127.0.0.1`, `::1`: without the port.
  std::string text() const;
  std::uint16_t port() const;
  /// This machine or a private network: loopback, unspecified, RFC 1918, RFC 3927, RFC 4193, link-local.
  bool is_private() const;
};

/// All stream addresses of the host, in the resolver's order (getaddrinfo(3)); of `localhost` both loopbacks.
/// Error (exit 3) names the host.
Result<std::vector<Address>> resolve(const std::string& host, std::uint16_t port);

/// The first of them that takes a connection within `patience_ms` each, else the first: `localhost` is often
/// two addresses, and a server listens on one.
Address first_that_answers(const std::vector<Address>& addresses, int patience_ms);

}  // namespace lab
