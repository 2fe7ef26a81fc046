#include "lab/servers/steps/upstream.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <string_view>
#include <system_error>

#include "lab/core/unique_fd.hpp"

namespace lab {

namespace {

std::string last_error() {
  return std::generic_category().message(errno);
}

/// One connection to the lab's own upstream server, whose replies have a Content-Length. One thread at a
/// time.
class Upstream {
 public:
  explicit Upstream(std::uint16_t port)
      : port_(port), socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    open_ = connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }

  Result<void> ask(const std::string& target, Nanos patience, bool keep) {
    if (!open_) return upstream_error(port_, last_error());
    open_ = false;
    const timeval most{static_cast<time_t>(patience / kSecond + 1), 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    const std::string request = fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: {}\r\n\r\n",
                                            target, port_, keep ? "keep-alive" : "close");
    if (send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size()))
      return upstream_error(port_, last_error());
    return receive(keep);
  }

  /// The other side may have closed it meanwhile.
  bool is_open() const {
    char byte = 0;
    return open_ && recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
  }
  std::uint16_t port() const { return port_; }

 private:
  Result<void> receive(bool keep) {
    std::string reply;
    for (std::size_t whole = std::string::npos; reply.size() < whole || whole == std::string::npos;) {
      char bytes[4096];
      const ssize_t got = recv(socket_.get(), bytes, sizeof bytes, 0);
      if (got <= 0) return upstream_error(port_, got == 0 ? "it closed the connection" : last_error());
      reply.append(bytes, static_cast<std::size_t>(got));
      const std::size_t head = reply.find("\r\n\r\n");
      if (head != std::string::npos) whole = head + 4 + content_length(reply.substr(0, head));
    }
    const std::string_view line = std::string_view(reply).substr(0, reply.find('\r'));
    constexpr std::string_view kVersion = "HTTP/1.1 ";
    if (!line.starts_with("HTTP/1.1 200"))
      return upstream_error(port_, fmt::format("status {}", line.substr(kVersion.size(), 3)));
    open_ = keep;
    return {};
  }

  static std::size_t content_length(const std::string& head) {
    constexpr std::string_view kField = "\r\nContent-Length: ";
    const std::size_t at = head.find(kField);
    std::size_t length = 0;
    if (at != std::string::npos)
      std::from_chars(head.data() + at + kField.size(), head.data() + head.size(), length);
    return length;
  }

  std::uint16_t port_;
  UniqueFd socket_;
  bool open_ = false;
};

}  // namespace

std::string upstream_target(const CallUpstream& call) {
  return fmt::format("/delay?ms={:.3f}", seconds(call.duration) * 1e3);
}

Error upstream_error(std::uint16_t port, const std::string& reason) {
  return environment_error("the upstream server at 127.0.0.1:{} gave no answer: {}", port, reason);
}

Result<void> call_upstream_blocking(std::uint16_t port, const CallUpstream& call) {
  thread_local std::unique_ptr<Upstream> kept;
  const Nanos patience = call.duration + kUpstreamPatience;
  if (!call.keep_connection) return Upstream(port).ask(upstream_target(call), patience, false);
  if (kept == nullptr || kept->port() != port || !kept->is_open()) kept = std::make_unique<Upstream>(port);
  return kept->ask(upstream_target(call), patience, true);
}

}  // namespace lab
