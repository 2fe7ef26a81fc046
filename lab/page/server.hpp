#pragma once

#include <cstdint>
#include <string>

namespace lab {

struct PageServerOptions {
  std::uint16_t port = 0;   ///< 0: the kernel chooses
  std::string scenario;     ///< to begin with; empty: the page's choice
  bool open = false;        ///< starts the reader's browser
  bool with_class = false;  ///< students on the network vote
};

/// Serves the page on the loopback interface until Ctrl-C, and starts the runs that it asks for, each a
/// process of its own: what freezes a measured server never freezes the picture of it. Students come through
/// a door of their own, on a network address. Returns the exit code. Throws Failure (exit 3): the port is
/// taken, this machine is in no network.
int serve_page(const PageServerOptions& options);

}  // namespace lab
