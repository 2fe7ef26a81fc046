#pragma once

#include <cstdint>
#include <string>

#include "lab/core/error.hpp"
#include "lab/servers/unique_fd.hpp"

namespace lab {

struct Listener {
  UniqueFd fd;  ///< non-blocking, closed on exec
  std::uint16_t port = 0;
};

/// Binds and listens. `host` is an address or `localhost`; port 0: the kernel chooses. Errors: bad host (exit
/// 2), port in use or not permitted (names the port and the way out).
Result<Listener> listen_on(const std::string& host, std::uint16_t port);

}  // namespace lab
