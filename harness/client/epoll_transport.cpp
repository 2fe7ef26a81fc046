#include "harness/client/epoll_transport.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace lab {

namespace {

constexpr std::uint64_t kInterrupt = ~std::uint64_t{0};
constexpr Nanos kLongestWait = 3600 * kSecond;

}  // namespace

Result<std::unique_ptr<EpollTransport>> EpollTransport::create(const std::string& host, std::uint16_t port,
                                                               int interrupt_fd) {
  auto addresses = resolve(host, port);
  if (!addresses) return addresses.error();
  return create({addresses->front()}, interrupt_fd);
}

Result<std::unique_ptr<EpollTransport>> EpollTransport::create(std::vector<Address> addresses,
                                                               int interrupt_fd) {
  std::unique_ptr<EpollTransport> transport(new EpollTransport);
  transport->addresses_ = std::move(addresses);
  transport->epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (transport->epoll_ < 0) return system_error("epoll_create1", "the load generator", errno);
  if (interrupt_fd >= 0) {
    epoll_event interest{};
    interest.events = EPOLLIN;
    interest.data.u64 = kInterrupt;
    if (epoll_ctl(transport->epoll_, EPOLL_CTL_ADD, interrupt_fd, &interest) != 0) {
      return system_error("epoll_ctl", "the interrupt descriptor", errno);
    }
  }
  return transport;
}

EpollTransport::~EpollTransport() {
  for (std::uint32_t connection = 0; connection < sockets_.size(); ++connection) close(connection);
  if (epoll_ >= 0) ::close(epoll_);
}

int EpollTransport::open(std::uint32_t connection) {
  if (connection >= sockets_.size()) sockets_.resize(connection + 1, -1);
  close(connection);
  const Address& address = addresses_[connection % addresses_.size()];
  const int socket = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return errno;
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(socket, address.get(), address.size) != 0 && errno != EINPROGRESS) {
    const int error = errno;
    ::close(socket);
    return error;
  }
  return keep(connection, socket);
}

int EpollTransport::keep(std::uint32_t connection, int socket) {
  epoll_event interest{};
  // One registration for the whole life of the connection: edges cost no further system call.
  interest.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  interest.data.u64 = connection;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &interest) != 0) {
    const int error = errno;
    ::close(socket);
    return error;
  }
  sockets_[connection] = socket;
  return 0;
}

int EpollTransport::open_client(std::uint32_t connection) {
  if (connection >= sockets_.size()) sockets_.resize(connection + 1, -1);
  close(connection);
  const auto end = clients_.prepare(connection);
  return end ? keep(connection, *end) : errno;
}

int EpollTransport::opened(std::uint32_t connection) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(sockets_[connection], SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

std::uint16_t EpollTransport::local_port(std::uint32_t connection) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(sockets_[connection], reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  in_port_t port = 0;
  if (address.ss_family == AF_INET6) {
    port = reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port;
  } else {
    port = reinterpret_cast<const sockaddr_in*>(&address)->sin_port;
  }
  return ntohs(port);
}

ssize_t EpollTransport::send(std::uint32_t connection, std::string_view bytes) {
  if (clients_.is_client(connection)) {
    const int error = clients_.start(connection, bytes);
    return error == 0 ? static_cast<ssize_t>(bytes.size()) : -error;
  }
  const ssize_t taken = ::send(sockets_[connection], bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return taken < 0 ? -errno : taken;
}

ssize_t EpollTransport::receive(std::uint32_t connection, std::span<char> into) {
  const ssize_t read = ::recv(sockets_[connection], into.data(), into.size(), 0);
  return read < 0 ? -errno : read;
}

void EpollTransport::close(std::uint32_t connection) {
  if (sockets_[connection] < 0) return;
  clients_.end(connection);
  ::close(sockets_[connection]);
  sockets_[connection] = -1;
}

void EpollTransport::acknowledge(std::uint32_t connection) {
  const int on = 1;
  setsockopt(sockets_[connection], IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/// Where one reply came, more may follow at once. Whoever is awake then spares the server the wake-up, which
/// costs it as much as its reply.
int EpollTransport::look_for_more(Nanos until) {
  const Nanos end = std::min(until, awake_until_);
  int count = 0;
  while (count == 0 && monotonic_now() < end) {
    count = epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), 0);
  }
  return count;
}

int EpollTransport::wait_for_events(Nanos until) {
  const int room = static_cast<int>(events_.size());
  if (const int more = look_for_more(until); more != 0) return more;
  const Nanos left = until <= 0 ? 0 : std::clamp<Nanos>(until - monotonic_now(), 0, kLongestWait);
  if (left == 0) return epoll_wait(epoll_, events_.data(), room, 0);
  if (!coarse_timeouts_) {
    const timespec timeout{left / kSecond, left % kSecond};
    const int count = epoll_pwait2(epoll_, events_.data(), room, &timeout, nullptr);
    // A kernel before 5.11, or a container's seccomp profile that does not know the call.
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    coarse_timeouts_ = true;
  }
  return epoll_wait(epoll_, events_.data(), room, static_cast<int>(left / kMillisecond));
}

std::span<const Readiness> EpollTransport::wait(Nanos until) {
  constexpr Nanos kAwake = 40 * kMicrosecond;
  const int count = wait_for_events(until);
  if (count > 0) awake_until_ = monotonic_now() + kAwake;
  std::size_t ready = 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.u64 == kInterrupt) {
      interrupted_ = true;
      continue;
    }
    constexpr std::uint32_t kEnded = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
    ready_[ready++] = {static_cast<std::uint32_t>(event.data.u64), (event.events & (EPOLLIN | kEnded)) != 0,
                       (event.events & (EPOLLOUT | kEnded)) != 0, (event.events & kEnded) != 0};
  }
  return {ready_.data(), ready};
}

PunctualTimers::PunctualTimers() : before_(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0)) {
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
}

PunctualTimers::~PunctualTimers() {
  if (before_ > 0) prctl(PR_SET_TIMERSLACK, before_, 0, 0, 0);
}

}  // namespace lab
