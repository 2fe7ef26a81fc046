#include "lab/servers/connection_source.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace lab {

namespace {

std::uint16_t port_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

/// One descriptor travels with each message; the client's port is the message.
struct Envelope {
  explicit Envelope(std::uint16_t& client_port) {
    body = {&client_port, sizeof client_port};
    message.msg_iov = &body;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
  }
  iovec body{};
  msghdr message{};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
};

}  // namespace

SpareDescriptor::SpareDescriptor() : fd_(open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

void SpareDescriptor::shed_one(int listening) {
  if (!fd_.valid()) return;
  fd_.reset();
  const UniqueFd unlucky(accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  fd_ = UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

Offer Acceptor::take(Accepted& accepted) {
  for (;;) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const int fd =
        accept4(listening_, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      accepted.fd = UniqueFd(fd);
      accepted.client_port = port_of(address);
      return Offer::taken;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      spare_.shed_one(listening_);
      return Offer::exhausted;
    }
    // accept(2): errors of the connection itself are to be treated like EAGAIN, by asking for the next one.
    if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO) return Offer::none;
  }
}

Offer ConnectionSource::take(Accepted& accepted) {
  return handed_ ? receive(accepted) : acceptor_.take(accepted);
}

Offer ConnectionSource::receive(Accepted& accepted) {
  for (;;) {
    Envelope envelope(accepted.client_port);
    const ssize_t size = recvmsg(fd(), &envelope.message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return Offer::none;
    const cmsghdr* header = CMSG_FIRSTHDR(&envelope.message);
    // Without a free descriptor the kernel drops the one in the message: that client is shed.
    if (header == nullptr || (envelope.message.msg_flags & MSG_CTRUNC) != 0) return Offer::exhausted;
    int received = -1;
    std::memcpy(&received, CMSG_DATA(header), sizeof received);
    accepted.fd = UniqueFd(received);
    return Offer::taken;
  }
}

bool hand_over(int channel, const Accepted& connection) {
  std::uint16_t client_port = connection.client_port;
  Envelope envelope(client_port);
  cmsghdr* header = CMSG_FIRSTHDR(&envelope.message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int fd = connection.fd.get();
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  for (;;) {
    if (sendmsg(channel, &envelope.message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
    if (errno != EINTR) return false;
  }
}

}  // namespace lab
