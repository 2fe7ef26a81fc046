#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "lab/core/http_message.hpp"
#include "lab/core/process.hpp"
#include "lab/servers/steps/leaf.hpp"

namespace lab {

namespace {

/// Of this thread, idle. A process has one upstream server.
thread_local std::vector<UniqueFd> idle_connections;

/// One question and its reply.
class UpstreamCall final : public Conversation {
 public:
  UpstreamCall(std::uint16_t port, const CallUpstream& call)
      : port_(port),
        keep_(call.keep_connection),
        request_(fmt::format("GET /delay?ms={:.3f} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: {}\r\n\r\n",
                             seconds(call.duration) * 1e3, port, keep_ ? "keep-alive" : "close")),
        unsent_(request_) {
    deadline_ = monotonic_now() + call.duration + kUpstreamPatience;
    if (!keep_ || idle_connections.empty()) return;
    socket_ = std::move(idle_connections.back());
    idle_connections.pop_back();
    kept_ = true;
  }

  std::optional<Need> go_on() override {
    while (!over_) {
      const bool sends = !unsent_.empty();
      const ssize_t size = !socket_.valid() ? connect() : sends ? send() : receive();
      if (size > 0 || (size < 0 && errno == EINTR)) continue;
      if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Need{socket_.get(), sends};
      const std::string reason =
          size == 0 ? "it closed the connection" : std::generic_category().message(errno);
      if (!std::exchange(kept_, false)) return end(reason);
      socket_.reset();
      unsent_ = request_;
      reply_.start(false);
    }
    return std::nullopt;
  }

  void give_up() override { end(std::generic_category().message(ETIMEDOUT)); }

 private:
  /// What could not be connected says so at the first byte that is sent.
  ssize_t connect() {
    socket_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_.valid()) return -1;
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port_);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const int outcome = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
    return outcome == 0 || errno == EINPROGRESS ? 1 : -1;
  }

  ssize_t send() {
    const ssize_t size = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (size > 0) unsent_.remove_prefix(static_cast<std::size_t>(size));
    return size;
  }

  ssize_t receive() {
    char bytes[4096];
    const ssize_t size = ::recv(socket_.get(), bytes, sizeof bytes, 0);
    std::string_view part(bytes, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    reply_.take(part);
    if (reply_.refusal()) {
      end(reply_.refusal().reason);
    } else if (reply_.is_whole()) {
      finish();
    }
    return size;
  }

  void finish() {
    over_ = true;
    if (reply_.status() != 200) {
      end(fmt::format("status {}", reply_.status()));
    } else if (keep_) {
      idle_connections.push_back(std::move(socket_));
    }
  }

  std::nullopt_t end(const std::string& reason) {
    over_ = true;
    return fail(kBadGateway,
                fmt::format("the upstream server at 127.0.0.1:{} gave no answer: {}", port_, reason));
  }

  std::uint16_t port_;
  bool keep_;
  std::string request_;
  std::string_view unsent_;
  ReplyReader reply_;
  UniqueFd socket_;
  bool kept_ = false;  // it was idle before
  bool over_ = false;
};

}  // namespace

std::unique_ptr<Conversation> ask_upstream(std::uint16_t port, const CallUpstream& call) {
  return std::make_unique<UpstreamCall>(port, call);
}

}  // namespace lab
