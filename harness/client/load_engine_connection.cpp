// The life of one connection of the load engine: opening, sending, reading.

#include <algorithm>
#include <cerrno>

#include "harness/client/load_engine.hpp"
#include "harness/client/load_pace.hpp"

namespace lab {

namespace {

LoadError error_of_broken(ssize_t error) {
  switch (-error) {
    case ECONNREFUSED: return LoadError::refused;
    case EPROTO: return LoadError::tls;
    case ETIMEDOUT: return LoadError::timeout;
    case ECONNABORTED: return LoadError::closed;
    default: return LoadError::reset;
  }
}

}  // namespace

void LoadEngine::start_open(std::uint32_t index) {
  Lane& lane = lanes_[index];
  const Nanos now = clock_.now();
  if (lane.acted == 0) lane.acted = now;
  lane.reopened = true;
  opening_since_[lane.connection] = now;
  used_[lane.connection] = 0;
  const int error = transport_.open(lane.connection);
  if (error != 0) return fail(index, error_of_open(error));
  links_[lane.connection] = Link::opening;
  lane.phase = Phase::opening;
}

void LoadEngine::on_opened(std::uint32_t connection) {
  const std::uint32_t index = connection / plan_.endpoints;
  const bool wanted = lanes_[index].phase == Phase::opening && lanes_[index].connection == connection;
  const int error = transport_.opened(connection);
  if (error == EINPROGRESS) return;
  if (error != 0) {
    if (wanted) return fail(index, error_of_open(error));
    if (open_error_ == 0) open_error_ = error;
    return drop(connection);
  }
  links_[connection] = Link::open;
  ++counts_.connections;
  const Nanos now = clock_.now();
  counts_.connecting += now - opening_since_[connection];
  if (wanted) return transmit(index);
  lanes_[index].free_since = std::max(lanes_[index].free_since, now);
}

void LoadEngine::transmit(std::uint32_t index) {
  Lane& lane = lanes_[index];
  const LoadRequest& request = plan_.requests[lane.request];
  const bool begins = lane.offset == 0;
  if (begins) {
    lane.parser.start(request.to_head);
    lane.sent = clock_.now();
    if (lane.acted == 0) lane.acted = lane.sent;
  }
  const ssize_t taken = transport_.send(lane.connection, std::string_view(request.bytes).substr(lane.offset));
  if (taken >= 0) {
    if (begins && counts(lane)) {
      const Nanos at = lane.sent - began_;
      if (counts_.bytes_sent == 0) counts_.first_sent = at;
      counts_.last_sent = at;
    }
    counts_.bytes_sent += counts(lane) ? taken : 0;
    lane.offset += static_cast<std::size_t>(taken);
    lane.phase = lane.offset == request.bytes.size() ? Phase::awaiting : Phase::sending;
    return;
  }
  if (begins) lane.sent = 0;
  if (taken == -EAGAIN || taken == -EINTR) {
    lane.phase = Phase::sending;
  } else if (begins && !lane.reopened) {
    // The server closed it while it was idle and has seen nothing of this request.
    ++counts_.closed_by_server;
    reopen(index);
  } else if (!begins && (taken == -EPIPE || taken == -ECONNRESET)) {
    // It wants no more of the body: what it said about it (413, say) came before.
    lane.broken = taken;
    lane.phase = Phase::awaiting;
    on_readable(lane.connection, true);
  } else {
    fail(index, error_of_broken(taken));
  }
}

void LoadEngine::handle(std::span<const Readiness> ready) {
  for (const Readiness& news : ready) {
    const std::uint32_t connection = news.connection;
    if (links_[connection] == Link::opening) {
      on_opened(connection);
    } else if (news.writable && links_[connection] == Link::open) {
      const std::uint32_t index = connection / plan_.endpoints;
      if (lanes_[index].phase == Phase::sending && lanes_[index].connection == connection) transmit(index);
    }
    if (news.readable && links_[connection] == Link::open) on_readable(connection, news.ended);
  }
}

void LoadEngine::on_readable(std::uint32_t connection, bool ended) {
  const std::uint32_t index = connection / plan_.endpoints;
  while (true) {
    const ssize_t size = transport_.receive(connection, buffer_);
    Lane& lane = lanes_[index];
    const bool asked = lane.connection == connection && lane.sent != 0 &&
                       (lane.phase == Phase::awaiting || lane.phase == Phase::sending);
    // Idle: the server closed it, or says what nobody asked for. It is opened again when it is needed.
    if (!asked) {
      if (size == -EAGAIN || size == -EINTR) return;
      if (size == 0) ++counts_.closed_by_server;
      return drop(connection);
    }
    if (size <= 0 && lane.broken != 0) return fail(index, error_of_broken(lane.broken));
    if (size == -EAGAIN || size == -EINTR) return;
    const Nanos now = clock_.now();
    if (size == 0) ++counts_.closed_by_server;
    if (size <= 0) {
      // RFC 9112, 9.3.1 and 9.5: closed while the request was on its way. One that is not idempotent is never
      // sent twice.
      const bool never_read =
          lane.was_idle && !lane.heard && !lane.reopened && plan_.requests[lane.request].idempotent;
      if (never_read) return reopen(index);
      if (size < 0) return fail(index, error_of_broken(size));
      if (lane.parser.end() == ReplyParser::State::done) return complete(index, now, false);
      return fail(index, LoadError::closed);
    }
    lane.heard = true;
    const auto bytes = static_cast<std::size_t>(size);
    if (counts(lane)) counts_.bytes_received += size;
    const std::size_t used = lane.parser.feed({buffer_.data(), bytes});
    switch (lane.parser.state()) {
      case ReplyParser::State::bad:
        if (first_problem_.empty()) first_problem_ = lane.parser.problem();
        return fail(index, lane.parser.is_too_long() ? LoadError::long_header : LoadError::bad_reply);
      case ReplyParser::State::done:
        if (!lane.parser.keep_alive() || ended) ++counts_.closed_by_server;
        return complete(index, now,
                        lane.parser.keep_alive() && used == bytes && !ended && lane.phase == Phase::awaiting,
                        used < bytes);
      case ReplyParser::State::reading: break;
    }
    if (bytes < buffer_.size() && !ended) return;
  }
}

void LoadEngine::drop(std::uint32_t connection) {
  if (links_[connection] != Link::closed) transport_.close(connection);
  links_[connection] = Link::closed;
}

/// For the request that it has: on a new connection, once.
void LoadEngine::reopen(std::uint32_t index) {
  drop(lanes_[index].connection);
  lanes_[index].offset = 0;
  lanes_[index].sent = 0;
  start_open(index);
}

/// Asks the socket itself where the server may have closed it: the news may not have been read yet.
bool LoadEngine::closed_by_now(Lane& lane) {
  if (is_closed_loop() && lane.intended == lane.free_since) return false;  // it was busy just now
  lane.was_idle = clock_.now() - lane.free_since >= kLongIdle;
  if (!lane.was_idle) return false;
  const ssize_t size = transport_.receive(lane.connection, buffer_);
  if (size == 0) ++counts_.closed_by_server;
  return size != -EAGAIN && size != -EINTR;
}

}  // namespace lab
