#include "lab/page/admission.hpp"

#include <net/if.h>

#include <catch2/catch.hpp>

using lab::class_address;
using lab::NetworkAddress;

namespace {

constexpr unsigned kUp = IFF_UP | IFF_RUNNING | IFF_BROADCAST;
const NetworkAddress kLoopback{"lo", "127.0.0.1", IFF_UP | IFF_RUNNING | IFF_LOOPBACK};
const NetworkAddress kWireless{"wlan0", "192.168.1.20", kUp};

}  // namespace

TEST_CASE("A class joins at the first address that is up and that other machines can reach") {
  const NetworkAddress unplugged{"eth0", "192.168.7.1", IFF_UP | IFF_BROADCAST};
  const NetworkAddress off{"eth1", "192.168.8.1", IFF_BROADCAST};
  const NetworkAddress tunnel{"tun0", "10.8.0.2", IFF_UP | IFF_RUNNING | IFF_POINTOPOINT};
  const NetworkAddress own{"eth2", "169.254.3.4", kUp};
  const NetworkAddress bridge{"docker0", "172.17.0.1", kUp};
  CHECK(class_address({kLoopback, unplugged, off, tunnel, own, kWireless, bridge})->interface == "wlan0");
  CHECK_FALSE(class_address({kLoopback, unplugged, off, tunnel, own}).has_value());
  CHECK_FALSE(class_address({}).has_value());
}

TEST_CASE("This machine's own addresses have a name each, and the loopback interface's is one of them") {
  bool loopback = false;
  for (const NetworkAddress& one : lab::network_addresses()) {
    CHECK_FALSE(one.interface.empty());
    loopback = loopback || (one.address == "127.0.0.1" && (one.flags & IFF_LOOPBACK) != 0);
  }
  CHECK(loopback);
}
