#include "harness/trace/server_use.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace lab {
namespace {

const std::string kTable =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 "
    "100\n"
    "   1: 0100007F:1F90 0100007F:A0A0 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 "
    "100\n"
    "   2: 0100007F:A0A0 0100007F:1F90 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 "
    "100\n"
    "   3: 00000000:1F90 short\n";

TEST_CASE("listening sockets are distinguished from connections and other ports") {
  CHECK(listening_sockets(kTable) == std::vector<ListeningSocket>{{"socket:[4711]", "0100007F", 8080},
                                                                  {"socket:[4713]", "0100007F", 41120}});
  CHECK(listening_sockets("").empty());
}

TEST_CASE("a process listens from listen on, and watches from its epoll set on") {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const std::uint16_t port = ntohs(address.sin_port);
  const std::vector<pid_t> pids{getpid(), 1 << 30};
  CHECK(find_listeners(pids, port).empty());
  REQUIRE(listen(socket, 1) == 0);
  auto found = find_listeners(pids, port);
  REQUIRE(found.size() == 1);
  CHECK(found[0].pid == getpid());
  CHECK_FALSE(found[0].watches);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event interest{};
  interest.events = EPOLLIN;
  REQUIRE(epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &interest) == 0);
  found = find_listeners(pids, port);
  REQUIRE(found.size() == 1);
  CHECK(found[0].watches);
  CHECK(find_listeners({}, port).empty());
  CHECK(listening_ports(pids).contains(port));
  CHECK(listening_ports({}).empty());
  close(epoll);
  close(socket);
}

}  // namespace
}  // namespace lab
