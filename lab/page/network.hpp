#pragma once

#include <optional>
#include <string>
#include <vector>

namespace lab {

/// An IPv4 address of this machine, as getifaddrs(3) has it.
struct NetworkAddress {
  std::string interface;  ///< `wlan0`
  std::string address;    ///< `192.168.1.20`
  unsigned flags = 0;     ///< IFF_UP, IFF_LOOPBACK, …
};

/// In the kernel's order.
std::vector<NetworkAddress> network_addresses();

/// The one that phones on the same network can open: the first that is up, and neither loopback nor a
/// tunnel's nor one that a machine gives itself where there is no network (169.254.…). Nothing where there is
/// none.
std::optional<NetworkAddress> class_address(const std::vector<NetworkAddress>& addresses);

}  // namespace lab
