#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// A process that has a socket which listens at the port asked for.
struct ListeningProcess {
  pid_t pid = 0;
  bool watches = false;  ///< it is in an epoll set: an event loop runs and will take connections
};

/// Which of these processes listen at a TCP port, read from their files in /proc (proc(5)). What may not be
/// read, or ends meanwhile, is left out. They share one network with the first of them.
std::vector<ListeningProcess> find_listeners(std::span<const pid_t> pids, std::uint16_t port,
                                             const std::string& proc = "/proc");

/// The TCP ports at which these processes listen, as far as they may be looked at.
std::set<std::uint16_t> listening_ports(std::span<const pid_t> pids, const std::string& proc = "/proc");

/// Inode and port of each socket that listens, by the text of /proc/PID/net/tcp or tcp6.
std::map<std::string, std::uint16_t> listening_sockets(std::string_view net_tcp);

}  // namespace lab
