#include "lab/experiment/probe.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <string_view>

#include "lab/core/process.hpp"
#include "lab/experiment/interrupt.hpp"

namespace lab {

namespace {

/// False: it did not become ready in time, or the run was interrupted.
bool await(int socket, short events, Nanos until) {
  pollfd polled[2] = {{socket, events, 0}, {interrupt_fd(), POLLIN, 0}};
  const Nanos left = std::max<Nanos>(0, until - monotonic_now());
  const timespec span{left / kSecond, left % kSecond};
  return ppoll(polled, 2, &span, nullptr) > 0 && polled[0].revents != 0;
}

/// A status below 500: a server that is not ready yet says 503.
bool is_ready_status(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return text.size() >= 12 && text.starts_with("HTTP/1.") && text[8] == ' ' &&
         std::all_of(text.begin() + 9, text.begin() + 12, is_digit) && text[9] < '5';
}

bool answers_http(int socket, const ReadinessProbe& probe, Nanos until) {
  const std::string request = fmt::format("GET {} HTTP/1.1\r\nHost: {}:{}\r\nConnection: close\r\n\r\n",
                                          probe.path, probe.host, probe.port);
  if (::send(socket, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return false;
  std::string reply;
  char buffer[512];
  while (reply.size() < 12 && await(socket, POLLIN, until)) {
    const ssize_t size = ::recv(socket, buffer, sizeof buffer, 0);
    if (size < 0 && errno == EAGAIN) continue;
    if (size <= 0) return false;
    reply.append(buffer, static_cast<std::size_t>(size));
  }
  return is_ready_status(reply);
}

}  // namespace

Result<ReadinessProbe> make_probe(const std::string& ready, std::uint16_t port) {
  constexpr std::string_view kScheme = "http://";
  ReadinessProbe probe;
  probe.port = port;
  probe.path = ready;
  if (ready.empty() || ready.front() == '/') return probe;
  if (!ready.starts_with(kScheme))
    return usage_error("--ready '{}' is neither a path (/docs) nor an http URL", ready);
  const std::string rest = ready.substr(kScheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string authority = rest.substr(0, slash);
  probe.path = slash < rest.size() ? rest.substr(slash) : "/";
  const std::size_t colon = authority.rfind(':');
  probe.host = authority.substr(0, colon);
  if (colon != std::string::npos) {
    const char* const end = authority.data() + authority.size();
    const auto [stop, problem] = std::from_chars(authority.data() + colon + 1, end, probe.port);
    if (problem != std::errc() || stop != end || probe.port == 0)
      return usage_error("--ready '{}': '{}' is no port", ready, authority.substr(colon + 1));
  }
  if (probe.host.empty()) return usage_error("--ready '{}' names no host", ready);
  return probe;
}

bool answers(const ReadinessProbe& probe, Nanos until) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(probe.host.c_str(), std::to_string(probe.port).c_str(), &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    const UniqueFd socket(::socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.valid()) continue;
    int error = 0;
    if (connect(socket.get(), at->ai_addr, at->ai_addrlen) != 0) {
      if (errno != EINPROGRESS || !await(socket.get(), POLLOUT, until)) continue;
      socklen_t size = sizeof error;
      getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error == 0) return probe.path.empty() || answers_http(socket.get(), probe, until);
  }
  return false;
}

}  // namespace lab
