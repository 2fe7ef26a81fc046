#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/process.hpp"

namespace lab {

/// An http or https address, taken apart (RFC 3986, RFC 9110 4.2).
struct Url {
  bool tls = false;
  std::string host;  ///< a name, or an IP address without brackets
  std::uint16_t port = 80;
  std::string socket;  ///< the path of a Unix socket, instead of host and port; empty: there is none
  std::string target;  ///< path and query, as the request line has it
  std::string text;    ///< as it was given

  /// The Host field: brackets around IPv6, the port only where it is not the scheme's own (RFC 9110, 7.2).
  std::string authority() const;
  /// `https://host:port`, `unix:/run/app.sock:`: what connections are made to.
  std::string origin() const;
};

/// An IPv6 address in the brackets that it has in URLs; anything else as it is.
std::string bracketed(const std::string& host);

/// `unix:/run/app.sock:/report` is a route behind a Unix socket. Strict: no user, no fragment, nothing that
/// had to be percent-encoded and is not. Errors (exit 2) say what is wrong and what to write instead.
Result<Url> parse_url(std::string_view text);

/// Where connections go: an address as connect(2) takes it.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  /// `127.0.0.1`, `::1`: without the port. Of a Unix socket its path.
  std::string text() const;
  std::uint16_t port() const;  ///< 0: a Unix socket
  bool is_unix() const { return storage.ss_family == AF_UNIX; }
  /// This machine or a private network: loopback, unspecified, RFC 1918, RFC 3927, RFC 4193, link-local.
  bool is_private() const;
};

/// All stream addresses of the host, in the resolver's order (getaddrinfo(3)); of `localhost` both loopbacks.
/// Error (exit 3) names the host.
Result<std::vector<Address>> resolve(const std::string& host, std::uint16_t port);
/// The same of a URL; of a Unix socket its path is the only one.
Result<std::vector<Address>> resolve(const Url& url);

/// A connection to it that is open by then; none: nobody takes it, or a signal came.
UniqueFd connect_to(const Address& address, Nanos until);

/// The first of them that takes a connection within `patience_ms` each, else the first: `localhost` is often
/// two addresses, and a server listens on one.
Address first_that_answers(const std::vector<Address>& addresses, int patience_ms);

}  // namespace lab
