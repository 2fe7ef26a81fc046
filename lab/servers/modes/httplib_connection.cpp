#include "lab/servers/modes/httplib_connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "lab/servers/http/limits.hpp"
#include "lab/servers/http/reply.hpp"

namespace lab {

namespace {

constexpr std::size_t kReadSize = 16384;

/// Milliseconds for poll(2), rounded up.
int poll_time(Nanos span) {
  return static_cast<int>(std::max<Nanos>(0, (span + kMillisecond - 1) / kMillisecond));
}

}  // namespace

ssize_t MemoryStream::read(char* to, size_t size) {
  const std::size_t part = std::min(size, request_.size() - taken_);
  std::memcpy(to, request_.data() + taken_, part);
  taken_ += part;
  return static_cast<ssize_t>(part);
}

ssize_t MemoryStream::write(const char* from, size_t size) {
  reply_.append(from, size);
  return static_cast<ssize_t>(size);
}

// This mode serves on loopback only.
void MemoryStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip = "127.0.0.1";
  port = client_port_;
}

void MemoryStream::get_local_ip_and_port(std::string& ip, int& port) const {
  ip = "127.0.0.1";
  port = 0;
}

HttplibConnection::HttplibConnection(Accepted accepted, const Worker& worker, ThreadHold& hold)
    : fd_(std::move(accepted.fd)),
      stop_fd_(worker.stop_fd()),
      events_(worker.events()),
      hold_(hold),
      reader_(&worker.body_rules()),
      begun_(events_.stamp()),
      client_port_(accepted.client_port) {
  reader_.keep_text();
}

bool HttplibConnection::read_request() {
  deadline_ = 0;
  for (;;) {
    switch (reader_.parse(input_)) {
      case RequestReader::State::whole: return true;
      case RequestReader::State::refused: return refuse(reader_.refusal());
      case RequestReader::State::proceed:
        if (!send("HTTP/1.1 100 Continue\r\n\r\n")) return false;
        break;
      case RequestReader::State::more:
        if (!fill()) return false;
        break;
    }
  }
}

/// False: no bytes will come.
bool HttplibConnection::fill() {
  if (buffer_.size() != kReadSize) buffer_.resize(kReadSize);
  for (bool waited = false;; waited = true) {
    const ssize_t size = ::recv(fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size > 0) {
      if (waited) begun_ = events_.stamp();
      input_ = std::string_view(buffer_).substr(0, static_cast<std::size_t>(size));
      return true;
    }
    if (size == 0) return reader_.idle() ? false : refuse({400, "the request ended before it was whole"});
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
    if (!wait_for_bytes()) return reader_.idle() ? false : refuse({408, "the request took too long to come"});
  }
}

/// False: the deadline has passed, or the server is to end and this client has sent nothing.
bool HttplibConnection::wait_for_bytes() {
  hold_.by(0, begun_);
  const Nanos now = monotonic_now();
  const bool told_to_stop = stopping();
  if (told_to_stop && reader_.idle()) return false;
  set_deadline(now);
  if (told_to_stop) deadline_ = std::min(deadline_, now + kStopGrace);
  std::array<pollfd, 2> both{pollfd{fd(), POLLIN, 0}, pollfd{stop_fd_, POLLIN, 0}};
  // A stop is noticed once; from then on only the client and the clock count.
  return poll(both.data(), told_to_stop ? 1 : 2, poll_time(deadline_ - now)) != 0;
}

void HttplibConnection::set_deadline(Nanos now) {
  const Phase phase = reader_.idle() ? Phase::idle : reader_.in_body() ? Phase::body : Phase::header;
  if (deadline_ != 0 && phase == phase_) return;
  phase_ = phase;
  switch (phase) {
    case Phase::idle: deadline_ = now + kIdleTimeout; break;
    case Phase::header: deadline_ = now + kHeaderDeadline; break;
    case Phase::body: {
      const Nanos span = reader_.body_deadline();
      deadline_ = now + (span > 0 ? span : kBodyDeadline);
      break;
    }
  }
}

bool HttplibConnection::refuse(const Refusal& refusal) {
  std::string reply;
  append_reply(reply, {.status = refusal.status, .keep_alive = false}, detail_body(refusal.reason));
  if (send(reply)) linger();
  return false;
}

/// Closing with unread bytes makes the kernel send a reset, which takes the reply with it; so they are read
/// first.
void HttplibConnection::linger() {
  shutdown(fd(), SHUT_WR);
  const Nanos end = monotonic_now() + kLinger;
  for (std::size_t discarded = 0; discarded < kMaxDiscarded && !stopping();) {
    pollfd readable{fd(), POLLIN, 0};
    if (poll(&readable, 1, poll_time(end - monotonic_now())) <= 0) return;
    const ssize_t size = ::recv(fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size <= 0) return;
    discarded += static_cast<std::size_t>(size);
  }
}

std::string HttplibConnection::text() const {
  const std::string& header = reader_.header_text();
  std::string out;
  out.reserve(header.size() + 64);
  const std::size_t line_end = header.find("\r\n");
  // Only the origin form of a target means anything to httplib's routes.
  out.append(reader_.request().method).append(" ").append(reader_.request().target);
  out.append(reader_.request().http_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  for (std::size_t at = line_end + 2; at + 2 < header.size();) {
    const std::size_t end = header.find("\r\n", at);
    const std::string_view line = std::string_view(header).substr(at, end - at);
    const std::string_view name = line.substr(0, line.find(':'));
    if (!same_word(name, "content-length") && !same_word(name, "transfer-encoding") &&
        !same_word(name, "expect"))
      out.append(line).append("\r\n");
    at = end + 2;
  }
  return out.append("Content-Length: 0\r\n\r\n");
}

void HttplibConnection::next(Nanos now) {
  reader_.next();
  begun_ = now;
}

bool HttplibConnection::send(std::string_view bytes) {
  Nanos end = monotonic_now() + kWriteDeadline;
  bool told_to_stop = false;
  while (!bytes.empty()) {
    const ssize_t size = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(size));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
    std::array<pollfd, 2> both{pollfd{fd(), POLLOUT, 0}, pollfd{stop_fd_, POLLIN, 0}};
    const int ready = poll(both.data(), told_to_stop ? 1 : 2, poll_time(end - monotonic_now()));
    if (ready == 0 || (ready < 0 && errno != EINTR)) return false;
    if (ready < 0 || both[1].revents == 0) continue;
    told_to_stop = true;
    end = std::min(end, monotonic_now() + kStopGrace);
  }
  return true;
}

bool HttplibConnection::stopping() const {
  pollfd stop{stop_fd_, POLLIN, 0};
  return poll(&stop, 1, 0) > 0;
}

}  // namespace lab
