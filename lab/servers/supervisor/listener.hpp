#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/unique_fd.hpp"

namespace lab {

struct Listener {
  UniqueFd fd;  ///< non-blocking, closed on exec
  std::uint16_t port = 0;
};

/// Binds and listens. `host` is an address or `localhost`; port 0: the kernel chooses. Errors: bad host (exit
/// 2), port in use or not permitted (names the port and the way out).
Result<Listener> listen_on(const std::string& host, std::uint16_t port);

/// `count` sockets on one port that the kernel deals connections to by lot (SO_REUSEPORT). Errors as above:
/// the first one binds alone, so a port that somebody else listens on is refused and not joined.
Result<std::vector<Listener>> listen_as_group(const std::string& host, std::uint16_t port, std::size_t count);

}  // namespace lab
