// The life of one connection of the load driver: opening, sending, reading, and how its request ends.

#include <algorithm>
#include <cerrno>

#include "harness/client/load_driver.hpp"
#include "harness/client/load_pace.hpp"
#include "harness/trace/reply_json.hpp"

namespace lab {

namespace {

Outcome outcome_of_broken(ssize_t error) {
  return error == -ECONNREFUSED ? Outcome::refused : Outcome::reset;
}

constexpr Nanos kPiece = 10 * kMillisecond;
constexpr Nanos kRoomSoon = 100 * kMicrosecond;  // where the socket takes more of a long body at once
constexpr std::int64_t kMostAtOnce = 256 * 1024;
constexpr std::int64_t kFillerSize = 65'536;
const std::string kFiller(kFillerSize, 'x');

// A connection that was closed while idle says so at once when something is sent on it.
constexpr Nanos kSaysSo = 5 * kMillisecond;

Outcome outcome_of_open(int error) {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case EADDRNOTAVAIL:
    case ENOBUFS:
    case ENOMEM: return Outcome::harness_fault;
    case ECONNRESET: return Outcome::reset;
    case ETIMEDOUT: return Outcome::timeout;
    default: return Outcome::refused;
  }
}

}  // namespace

void LoadDriver::start_open(std::uint32_t index) {
  Connection& connection = connections_[index];
  const bool for_request = connection.request != kNoRequest;
  connection.reopened = for_request;
  const bool is_client = case_.loads[connection.load].client_process;
  const int error = is_client ? transport_.open_client(index) : transport_.open(index);
  if (error == 0) {
    connection.phase = Phase::opening;
  } else if (for_request) {
    fail(index, outcome_of_open(error));
  } else if (open_error_ == 0) {
    open_error_ = error;
  }
}

void LoadDriver::on_opened(std::uint32_t index) {
  Connection& connection = connections_[index];
  const bool for_request = connection.request != kNoRequest;
  const int error = transport_.opened(index);
  if (error != 0) {
    if (for_request) return fail(index, outcome_of_open(error));
    if (open_error_ == 0) open_error_ = error;
    return drop(index);
  }
  connection.port = transport_.local_port(index);
  if (is_websocket(index)) return start_upgrade(index);
  connection.phase = Phase::idle;
  connection.idle_since = clock_.now();
  if (for_request) transmit(index);
}

bool LoadDriver::wants_body(const Connection& connection) const {
  return !case_.loads[connection.load].keep.empty();
}

/// All of the request but its body.
std::string_view LoadDriver::head_of(std::uint32_t index) {
  const Connection& connection = connections_[index];
  const RequestRecord& record = records_[connection.request];
  LoadState& state = loads_[connection.load];
  if (record.parent != 0) return state.follow_text->with_id(record.id, chain_of(index).value);
  if (!state.websocket) return state.text.with_id(record.id);
  frame_ = websocket_frame(WebSocketOp::text, std::to_string(record.id), record.id * 2654435761U);
  return frame_;
}

/// How much of its body is to be sent by now: pieces at even times, the last one when `body_over` has passed.
std::int64_t LoadDriver::body_due(const Connection& connection, Nanos now) const {
  const RequestRecord& record = records_[connection.request];
  const Load& load = case_.loads[connection.load];
  if (record.parent != 0) return 0;
  if (load.body_over <= 0 || now - record.sent >= load.body_over) return load.body_bytes;
  const Nanos pieces = (load.body_over + kPiece - 1) / kPiece;
  const Nanos sent = (now - record.sent) * pieces / load.body_over;
  return static_cast<std::int64_t>(static_cast<double>(load.body_bytes) * static_cast<double>(sent) /
                                   static_cast<double>(pieces));
}

void LoadDriver::transmit(std::uint32_t index) {
  Connection& connection = connections_[index];
  const std::uint32_t request = connection.request;
  RequestRecord& record = records_[request];
  const Load& load = case_.loads[connection.load];
  const std::string_view head = head_of(index);
  const auto head_size = static_cast<std::int64_t>(head.size());
  const std::int64_t whole = head_size + (record.parent == 0 ? load.body_bytes : 0);
  const bool begins = connection.offset == 0;
  if (begins) {
    connection.broken = 0;
    connection.parser.start(loads_[connection.load].text.is_head(), wants_body(connection), stamped_);
    ports_[request] = connection.port;
    record.sent = clock_.now();
  }
  ssize_t taken = 0;
  for (std::int64_t at_once = 0; connection.offset < whole && at_once < kMostAtOnce; at_once += taken) {
    std::string_view piece = head.substr(static_cast<std::size_t>(std::min(connection.offset, head_size)));
    if (piece.empty()) {
      const std::int64_t due = head_size + body_due(connection, clock_.now()) - connection.offset;
      if (due <= 0) break;
      piece = std::string_view(kFiller).substr(0, static_cast<std::size_t>(std::min(due, kFillerSize)));
    }
    taken = transport_.send(index, piece);
    if (taken < 0) break;
    connection.offset += taken;
    if (taken < static_cast<ssize_t>(piece.size())) break;
  }
  if (begins && connection.offset > 0 && load.hang_up > 0 && record.parent == 0) {
    hang_ups_.push({record.sent + load.hang_up, request});
  }
  if (taken >= 0) {
    const bool paused = connection.offset >= head_size && connection.offset < whole;
    connection.phase = connection.offset == whole ? Phase::awaiting : Phase::sending;
    // The rest of a long body takes its turn behind what else is to be sent.
    if (!paused) return;
    const bool ahead = connection.offset >= head_size + body_due(connection, clock_.now());
    connection.phase = Phase::pausing;
    const Nanos pieces = std::max<Nanos>(1, (load.body_over + kPiece - 1) / kPiece);
    const Nanos period = std::max<Nanos>(1, load.body_over / pieces);
    const Nanos now = clock_.now();
    const Nanos next = record.sent + ((now - record.sent) / period + 1) * period;
    pieces_.push({ahead ? std::min(next, record.sent + load.body_over) : now + kRoomSoon, index});
    return;
  }
  if (connection.offset == 0) record.sent = 0;
  if (taken == -EAGAIN || taken == -EINTR) {
    connection.phase = Phase::sending;
  } else if (connection.offset == 0 && !connection.reopened) {
    // The server closed it while it was idle and has seen nothing of this request.
    reopen(index);
  } else if (connection.offset > 0 && (taken == -EPIPE || taken == -ECONNRESET)) {
    // It wants no more of the body: what it said about it (413, say) came before.
    connection.broken = taken;
    connection.phase = Phase::awaiting;
    on_readable(index, true);
  } else {
    fail(index, outcome_of_broken(taken));
  }
}

void LoadDriver::handle(std::span<const Readiness> ready) {
  for (const Readiness& news : ready) {
    const std::uint32_t index = news.connection;
    if (news.writable) {
      if (connections_[index].phase == Phase::opening) {
        on_opened(index);
      } else if (connections_[index].phase == Phase::sending) {
        transmit(index);
      }
    }
    if (news.readable) on_readable(index, news.ended);
  }
}

void LoadDriver::on_readable(std::uint32_t index, bool ended) {
  const Phase phase = connections_[index].phase;
  if (phase == Phase::closed || phase == Phase::opening) return;
  while (true) {
    const ssize_t size = transport_.receive(index, buffer_);
    Connection& connection = connections_[index];
    const bool asked = connection.request != kNoRequest;
    const bool broken = asked && connection.broken != 0;
    if ((size == -EAGAIN || size == -EINTR) && !broken) return;
    const bool websocket = is_websocket(index);
    // Idle: the server closed it, or says what nobody asked for. It is opened again when it is needed.
    if (!asked && (size <= 0 || !websocket)) return drop(index);
    const Nanos now = clock_.now();
    if (size <= 0 && was_never_read(index, now)) return reopen(index);
    if (size <= 0 && broken) return fail(index, outcome_of_broken(connection.broken));
    if (size < 0) return fail(index, outcome_of_broken(size));
    if (size == 0) {
      if (!websocket && connection.parser.end() == ReplyParser::State::done)
        return complete(index, now, false);
      return fail(index, Outcome::closed);
    }
    const bool sent = asked && records_[connection.request].sent != 0;
    if (sent && records_[connection.request].first_byte == 0) records_[connection.request].first_byte = now;
    const auto bytes = static_cast<std::size_t>(size);
    if (websocket) {
      on_websocket_bytes(index, {buffer_.data(), bytes});
      const Phase after = connections_[index].phase;
      if (after == Phase::closed || after == Phase::opening) return;
    } else {
      const std::size_t used = connection.parser.feed({buffer_.data(), bytes});
      switch (connection.parser.state()) {
        case ReplyParser::State::bad: return fail(index, Outcome::bad_reply);
        case ReplyParser::State::done:
          if (used < bytes) return fail(index, Outcome::extra);
          return complete(index, now,
                          connection.parser.keep_alive() && !ended && connection.phase == Phase::awaiting);
        case ReplyParser::State::reading: break;
      }
    }
    if (bytes < buffer_.size() && !ended) return;
  }
}

/// For the request that it has: on a new connection, once.
void LoadDriver::reopen(std::uint32_t index) {
  drop(index);
  connections_[index].offset = 0;
  start_open(index);
}

/// Asks the socket itself where the server may have closed it in the moment: the news of it may not have been
/// read yet.
bool LoadDriver::closed_by_now(std::uint32_t index) {
  Connection& connection = connections_[index];
  connection.was_idle = clock_.now() - connection.idle_since >= kLongIdle;
  if (!connection.was_idle || is_websocket(index)) return false;
  const ssize_t size = transport_.receive(index, buffer_);
  return size != -EAGAIN && size != -EINTR;
}

/// RFC 9112, 9.3.1 and 9.5: the server closed the idle connection while the request was on its way. Who
/// closes after a while may have begun with it, and a request that is not idempotent is never sent twice.
bool LoadDriver::was_never_read(std::uint32_t index, Nanos now) const {
  const Connection& connection = connections_[index];
  const RequestRecord& record = records_[connection.request];
  const std::string& method = routes_[record.route].method;
  const bool idempotent =
      method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
  return connection.was_idle && !connection.reopened && idempotent && record.sent != 0 &&
         record.first_byte == 0 && now - record.sent <= kSaysSo;
}

void LoadDriver::drop(std::uint32_t index) {
  Connection& connection = connections_[index];
  if (connection.phase != Phase::closed) transport_.close(index);
  connection.phase = Phase::closed;
}

void LoadDriver::complete(std::uint32_t index, Nanos now, bool keep) {
  const ReplyParser& parser = connections_[index].parser;
  if (parser.stamps() != nullptr) stamps_.add(records_[connections_[index].request].id, *parser.stamps());
  const std::string body = parser.body();
  finish(index, now, parser.status(), keep, body);
}

void LoadDriver::finish(std::uint32_t index, Nanos now, int status, bool keep, std::string_view body) {
  Connection& connection = connections_[index];
  RequestRecord& record = records_[connection.request];
  record.received = now;
  record.status = static_cast<std::uint16_t>(status);
  record.outcome = status >= 200 && status <= 399 ? Outcome::ok : Outcome::bad_status;
  last_answer_ = now;
  connection.failures = 0;
  const Load& load = case_.loads[connection.load];
  const bool reuse = load.arrivals == Arrivals::closed || !setup_.close_after_reply;
  if (keep && reuse && !load.fresh_connections) {
    connection.phase = Phase::idle;
    connection.idle_since = now;
  } else {
    drop(index);
  }
  if (record.parent != 0) {
    connection.request = kNoRequest;
    --outstanding_;
    const auto state = json_string(body, "status");
    const bool over = state && (*state == load.then->until || *state == "lost");
    return over ? end_chain(index) : continue_chain(index, now);
  }
  const bool asks = begin_chain(index, now, body);  // may move the connections
  release(index, asks);
  if (load.arrivals == Arrivals::closed) issue_closed(index, now);
}

void LoadDriver::fail(std::uint32_t index, Outcome outcome) {
  Connection& connection = connections_[index];
  RequestRecord& record = records_[connection.request];
  const Nanos now = clock_.now();
  record.received = now;
  record.outcome = outcome;
  drop(index);
  if (outcome == Outcome::hung_up) last_answer_ = now;
  if (record.parent != 0) {
    connection.request = kNoRequest;
    --outstanding_;
    return continue_chain(index, now);
  }
  release(index, false);
  if (loads_[connection.load].to_issue == 0) return;
  // A server that refuses or resets answers at once; without a pause a closed load would be over before it is
  // back.
  Nanos pause = 0;
  if (outcome != Outcome::timeout && outcome != Outcome::hung_up) {
    pause = std::min(kFirstPause << std::min<int>(connection.failures, 10), kLongestPause);
    if (connection.failures < 10) ++connection.failures;
  }
  later_.push({now + pause, index});
}

/// `asks`: the connection goes on with questions about the reply.
void LoadDriver::release(std::uint32_t index, bool asks) {
  Connection& connection = connections_[index];
  connection.request = kNoRequest;
  --outstanding_;
  if (!asks && is_pooled(case_.loads[connection.load])) make_idle(index);
}

}  // namespace lab
