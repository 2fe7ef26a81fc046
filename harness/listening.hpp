#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// A process that has a socket which listens at the port asked for.
struct Listener {
  pid_t pid = 0;
  bool watches = false;  ///< it is in an epoll set: an event loop runs and will take connections
};

/// Which of these processes listen at a TCP port, read from their files in /proc (proc(5)). What may not be
/// read, or ends meanwhile, is left out. They share one network with the first of them.
std::vector<Listener> find_listeners(std::span<const pid_t> pids, std::uint16_t port,
                                     const std::string& proc = "/proc");

/// Inodes of the sockets that listen at that port, by the text of /proc/PID/net/tcp or tcp6.
std::set<std::string> listening_inodes(std::string_view net_tcp, std::uint16_t port);

}  // namespace lab
