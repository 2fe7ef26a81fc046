#pragma once

#include <cstdint>
#include <string>

namespace lab {

struct PageServerOptions {
  std::uint16_t port = 0;  ///< 0: the kernel chooses
  std::string scenario;    ///< to begin with; empty: the page's choice
  bool open = false;       ///< starts the reader's browser
};

/// Serves the page on the loopback interface until Ctrl-C, and starts the runs that it asks for, each a
/// process of its own: what freezes a measured server never freezes the picture of it. Returns the exit code.
/// Throws Failure (exit 3): the port is taken.
int serve_page(const PageServerOptions& options);

}  // namespace lab
