#include "lab/servers/worker/connection_source.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "lab/core/unique_fd.hpp"

namespace lab {

namespace {

std::uint16_t port_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace

SpareDescriptor::SpareDescriptor() : fd_(open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

void SpareDescriptor::shed_one(int listening) {
  if (!fd_.valid()) return;
  fd_.reset();
  const UniqueFd unlucky(accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  fd_ = UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

AcceptResult Acceptor::take(Accepted& accepted) {
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
      return AcceptResult::taken;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      spare_.shed_one(listening_);
      return AcceptResult::exhausted;
    }
    // accept(2): errors of the connection itself are to be treated like EAGAIN, by asking for the next one.
    if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO) return AcceptResult::none;
  }
}

AcceptResult ConnectionSource::take(Accepted& accepted) {
  return handed_ ? receive(accepted) : acceptor_.take(accepted);
}

AcceptResult ConnectionSource::receive(Accepted& accepted) {
  PassedDescriptor passed;
  if (!take_descriptor(fd(), passed, MSG_DONTWAIT)) return AcceptResult::none;
  if (!passed.fd.valid()) return AcceptResult::exhausted;  // that client is shed
  accepted.fd = std::move(passed.fd);
  accepted.client_port = static_cast<std::uint16_t>(passed.number);
  return AcceptResult::taken;
}

bool hand_over(int channel, const Accepted& connection) {
  return pass_descriptor(channel, connection.fd.get(), connection.client_port, MSG_DONTWAIT);
}

Dealer::Dealer(int listening, std::vector<int> channels, std::size_t first)
    : acceptor_(listening), channels_(std::move(channels)), waiting_(channels_.size()), next_(first) {}

bool Dealer::deal() {
  for (;;) {
    Accepted accepted;
    const AcceptResult offer = acceptor_.take(accepted);
    if (offer != AcceptResult::taken) return offer == AcceptResult::none;
    const std::size_t slot = std::exchange(next_, (next_ + 1) % channels_.size());
    // First come, first served: nobody overtakes those who wait already.
    waiting_[slot].push_back(std::move(accepted));
    flush(slot);
  }
}

void Dealer::flush(std::size_t slot) {
  std::deque<Accepted>& queue = waiting_[slot];
  while (!queue.empty() && hand_over(channels_[slot], queue.front())) queue.pop_front();
}

}  // namespace lab
