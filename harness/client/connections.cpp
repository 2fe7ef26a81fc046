#include "harness/client/connections.hpp"

#include <cerrno>

namespace lab {

namespace {

/// Servers that close idle connections wait longer than that (gunicorn 2 s, uvicorn and Node 5 s).
constexpr Nanos kLongIdle = 500 * kMillisecond;
// The rest of a long body takes its turn behind what else is to be sent.
constexpr std::int64_t kMaxAtOnce = 256 * 1024;
constexpr int kSwitching = 101;

bool is_again(ssize_t result) {
  return result == -EAGAIN || result == -EINTR;
}

LoadError error_of(const ReplyReader& reply) {
  return reply.is_too_long() ? LoadError::long_header : LoadError::bad_reply;
}

}  // namespace

void Connections::open(std::uint32_t index) {
  Connection& connection = connections_[index];
  connection.opening_since = clock_.now();
  if (connection.asked && connection.acted == 0) connection.acted = connection.opening_since;
  connection.used = connection.surplus = false;
  connection.broken = 0;
  connection.reopened = connection.asked;
  connection.kind = user_.kind_of(index);
  connection.error = connection.kind == ConnectionKind::client_process ? transport_.open_client(index)
                                                                       : transport_.open(index);
  if (connection.error == 0) {
    connection.phase = Phase::opening;
    ++opening_;
  } else if (connection.asked) {
    fail(index, error_of_open(connection.error));
  } else if (open_error_ == 0) {
    open_error_ = connection.error;
  }
}

bool Connections::await_open(Nanos until) {
  while (opening_ > 0 && !interrupted_ && clock_.now() < until) look(until);
  return opening_ == 0;
}

void Connections::on_opened(std::uint32_t index) {
  Connection& connection = connections_[index];
  const int error = transport_.opened(index);
  if (error == EINPROGRESS) return;
  connection.error = error;
  if (error != 0) {
    if (connection.asked) return fail(index, error_of_open(error));
    if (open_error_ == 0) open_error_ = error;
    return close(index);
  }
  const Nanos now = clock_.now();
  ++opened_;
  connecting_ += now - connection.opening_since;
  connection.idle_since = now;
  user_.on_opened(index);
  if (connection.kind == ConnectionKind::websocket) return upgrade(index);
  --opening_;
  connection.phase = Phase::idle;
  if (connection.asked) transmit(index);
}

void Connections::upgrade(std::uint32_t index) {
  Connection& connection = connections_[index];
  connection.socket = std::make_unique<WebSocketReader>(false);
  const WebSocketHandshake handshake = user_.handshake_of(index);
  connection.reply.start_upgrade(handshake.key);
  connection.phase = Phase::upgrading;
  // A fresh connection takes these few bytes, or it is broken.
  if (transport_.send(index, handshake.text) == static_cast<ssize_t>(handshake.text.size())) return;
  return connection.asked ? fail(index, LoadError::reset) : close(index);
}

void Connections::begin(std::uint32_t index, Nanos now) {
  Connection& connection = connections_[index];
  connection.acted = connection.sent = 0;
  connection.offset = 0;
  connection.broken = 0;
  connection.asked = true;
  connection.heard = connection.was_idle = connection.reopened = false;
  if (connection.phase == Phase::closed) return open(index);
  if (connection.phase != Phase::idle) return;  // it is about to be open
  connection.was_idle = rules_.retry_within > 0 && now - connection.idle_since >= kLongIdle;
  if (connection.was_idle && !connection.surplus && found_closed(index)) return reopen(index);
  transmit(index);
  if (connections_[index].surplus && connections_[index].asked) fail(index, LoadError::extra);
}

/// Asks the socket itself where the server may have closed it: the news may not have been read yet.
bool Connections::found_closed(std::uint32_t index) {
  Connection& connection = connections_[index];
  if (connection.kind == ConnectionKind::websocket) return false;
  const ssize_t size = transport_.receive(index, buffer_);
  if (size == 0) ++closed_by_server_;
  connection.surplus = connection.used && size > 0;
  return !is_again(size) && !connection.surplus;
}

void Connections::transmit(std::uint32_t index) {
  const OutgoingRequest request = user_.request_on(index);
  Connection& connection = connections_[index];
  const auto head_size = static_cast<std::int64_t>(request.head.size());
  const std::int64_t whole = head_size + request.body_bytes;
  const std::int64_t before = connection.offset;
  if (before == 0) {
    connection.reply.start(request.to_head, request.keep_body, request.keep_stamps);
    connection.idempotent = request.idempotent;
    connection.prompt = request.prompt;
    connection.sent = clock_.now();
    if (connection.acted == 0) connection.acted = connection.sent;
  }
  ssize_t taken = 0;
  while (connection.offset < whole && connection.offset - before < kMaxAtOnce) {
    const std::string_view piece = connection.offset < head_size
                                       ? request.head.substr(static_cast<std::size_t>(connection.offset))
                                       : user_.body_piece(index, connection.offset - head_size);
    if (piece.empty()) break;
    taken = transport_.send(index, piece);
    if (taken < 0) break;
    connection.offset += taken;
    if (taken < static_cast<ssize_t>(piece.size())) break;
  }
  if (connection.offset > before) user_.on_sent(index, before == 0, connection.offset - before);
  if (taken >= 0) {
    const bool is_paused = connection.offset >= head_size && connection.offset < whole;
    connection.phase = connection.offset == whole ? Phase::awaiting
                       : is_paused                ? Phase::pausing
                                                  : Phase::sending;
    if (is_paused) user_.on_pause(index, connection.offset - head_size);
    return;
  }
  const bool retries = rules_.retry_within > 0;
  const bool begun = connection.offset > 0;
  if (!begun && !is_again(taken) && !connection.reopened && retries) {
    // The server closed it while it was idle and has seen nothing of this request.
    ++closed_by_server_;
    return reopen(index);
  }
  if ((begun || !retries) && (taken == -EPIPE || taken == -ECONNRESET)) {
    // It wants no more of the body: what it said about it (413, say) came before.
    connection.broken = taken;
    connection.phase = Phase::awaiting;
    return on_readable(index, true);
  }
  if (!begun) connection.sent = 0;
  if (!is_again(taken)) return fail(index, error_of_broken(taken));
  connection.phase = Phase::sending;
}

void Connections::look(Nanos until) {
  for (const Readiness& news : transport_.wait(until)) {
    const Phase phase = connections_[news.connection].phase;
    if (phase == Phase::opening) {
      on_opened(news.connection);
    } else if (news.writable && phase == Phase::sending) {
      transmit(news.connection);
    }
    if (news.readable) on_readable(news.connection, news.ended);
  }
  interrupted_ = transport_.interrupted();
}

void Connections::on_readable(std::uint32_t index, bool ended) {
  while (is_there(index)) {
    const ssize_t size = transport_.receive(index, buffer_);
    Connection& connection = connections_[index];
    const bool asked = connection.asked && connection.sent != 0;
    const bool is_socket = connection.kind == ConnectionKind::websocket;
    if (is_again(size) && connection.broken == 0) return;
    if (size == 0 && connection.broken == 0) ++closed_by_server_;
    if (!asked && (size <= 0 || !is_socket)) {
      // Idle: the server closed it, or says what nobody asked for. It is opened again when it is needed.
      connection.surplus = connection.used && size > 0;
      if (connection.asked) {
        return fail(index, connection.surplus ? LoadError::extra
                           : size < 0         ? error_of_broken(size)
                                              : LoadError::closed);
      }
      if (!connection.surplus) return close(index);
      if (!ended && static_cast<std::size_t>(size) < buffer_.size()) return;
      continue;
    }
    const Nanos now = clock_.now();
    if (size <= 0) {
      if (was_never_read(connection, now)) return reopen(index);
      // Its end came in order though the rest of the request could not be sent any more.
      if (size == 0 && !is_socket && connection.reply.end()) return reply(index, {.at = now});
      if (connection.broken != 0) return fail(index, error_of_broken(connection.broken));
      if (size < 0) return fail(index, error_of_broken(size));
      return fail(index, LoadError::closed);
    }
    if (asked) {
      connection.heard = true;
      user_.on_received(index, now, size);
    }
    std::string_view bytes(buffer_.data(), static_cast<std::size_t>(size));
    const bool filled = bytes.size() == buffer_.size();
    if (is_socket) {
      on_socket_bytes(index, bytes);
    } else {
      connection.reply.take(bytes);
      if (connection.reply.refusal()) return fail(index, error_of(connection.reply));
      if (connection.reply.is_whole()) {
        const bool keeps = connection.reply.keeps_alive() && !ended;
        const bool extra = !bytes.empty();
        if (!keeps) ++closed_by_server_;
        return reply(
            index,
            {.at = now, .kept = keeps && !extra && connection.phase == Phase::awaiting, .extra = extra});
      }
      if (connection.prompt) transport_.acknowledge(index);
    }
    if (!filled && !ended) return;
  }
}

/// The server's answer to the handshake. Whether the connection is a WebSocket from here on.
bool Connections::take_handshake(std::uint32_t index, std::string_view& bytes) {
  Connection& connection = connections_[index];
  ReplyKeeper& answer = connection.reply;
  const bool asked = connection.asked;
  answer.take(bytes);
  if (answer.is_whole() && !answer.refusal() && answer.status() == kSwitching) {
    --opening_;
    connection.phase = Phase::idle;
    if (asked) transmit(index);
    return is_there(index);
  }
  if (!asked && (answer.is_whole() || answer.refusal())) {
    close(index);
  } else if (answer.refusal()) {
    fail(index, LoadError::bad_reply);
  } else if (answer.is_whole()) {
    reply(index, {.at = clock_.now(), .status = answer.status()});
  }
  return false;
}

void Connections::on_socket_bytes(std::uint32_t index, std::string_view bytes) {
  using News = WebSocketReader::News;
  if (connections_[index].phase == Phase::upgrading && !take_handshake(index, bytes)) return;
  WebSocketReader& reader = *connections_[index].socket;
  reader.feed(bytes);
  for (News news = reader.next(); news != News::nothing; news = reader.next()) {
    const bool asked = connections_[index].asked;
    switch (news) {
      case News::message:
        if (asked) reply(index, {.at = clock_.now(), .body = reader.payload(), .kept = true});
        break;
      case News::ping:
        // Best effort: what is wrong with the connection shows at the next request.
        static_cast<void>(
            transport_.send(index, websocket_frame(WebSocketOp::pong, reader.payload(), index + 1)));
        break;
      case News::close: return asked ? fail(index, LoadError::closed) : close(index);
      case News::too_long:
      case News::bad_text:
      case News::bad: return asked ? fail(index, LoadError::bad_reply) : close(index);
      case News::nothing: break;
    }
    if (!is_there(index)) return;
  }
}

/// RFC 9112, 9.3.1 and 9.5: the server closed the idle connection while the request was on its way. Who
/// closes after a while may have begun with it, and a request that is not idempotent is never sent twice.
bool Connections::was_never_read(const Connection& connection, Nanos now) const {
  return connection.was_idle && !connection.reopened && connection.idempotent && !connection.heard &&
         now - connection.sent <= rules_.retry_within;
}

/// For the request that it has: on a new connection, once.
void Connections::reopen(std::uint32_t index) {
  close(index);
  Connection& connection = connections_[index];
  connection.asked = true;
  connection.offset = 0;
  connection.sent = 0;
  open(index);
}

void Connections::close(std::uint32_t index) {
  Connection& connection = connections_[index];
  connection.asked = false;
  if (connection.phase == Phase::closed) return;
  if (is_opening(index)) --opening_;
  transport_.close(index);
  connection.phase = Phase::closed;
}

void Connections::reply(std::uint32_t index, IncomingReply reply) {
  Connection& connection = connections_[index];
  connection.asked = false;
  connection.used = true;
  connection.idle_since = reply.at;
  if (reply.kept) {
    connection.phase = Phase::idle;
  } else {
    close(index);
  }
  if (connection.kind != ConnectionKind::websocket) {
    reply.status = connection.reply.status();
    reply.body = connection.reply.body();
    reply.stamps = connection.reply.stamps();
  }
  user_.on_reply(index, reply);
}

void Connections::fail(std::uint32_t index, LoadError error) {
  close(index);
  user_.on_failure(index, error);
}

}  // namespace lab
