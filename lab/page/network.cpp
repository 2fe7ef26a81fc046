#include "lab/page/network.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "lab/core/error.hpp"

namespace lab {

std::vector<NetworkAddress> network_addresses() {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) throw Failure(system_error("getifaddrs", "of this machine", errno));
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> all(first, freeifaddrs);
  std::vector<NetworkAddress> addresses;
  for (const ifaddrs* each = all.get(); each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr, text.data(),
              text.size());
    addresses.push_back({each->ifa_name, text.data(), each->ifa_flags});
  }
  return addresses;
}

std::optional<NetworkAddress> class_address(const std::vector<NetworkAddress>& addresses) {
  const auto fits = [](const NetworkAddress& one) {
    const bool up = (one.flags & IFF_UP) != 0 && (one.flags & IFF_RUNNING) != 0;
    return up && (one.flags & (IFF_LOOPBACK | IFF_POINTOPOINT)) == 0 && !one.address.starts_with("169.254.");
  };
  const auto found = std::ranges::find_if(addresses, fits);
  return found == addresses.end() ? std::nullopt : std::optional(*found);
}

}  // namespace lab
