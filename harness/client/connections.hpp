#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/client/load_counts.hpp"
#include "harness/client/request_text.hpp"
#include "harness/client/transport.hpp"
#include "lab/core/websocket.hpp"

namespace lab {

/// What goes out on a connection, and what its reply is read for.
struct OutgoingRequest {
  std::string_view head{};      ///< or all of it; valid until the next call of the user
  std::int64_t body_bytes = 0;  ///< behind the head: ConnectionUser::body_piece
  bool to_head = false;         ///< a HEAD request: its reply has no body
  bool keep_body = false;       ///< IncomingReply::body is wanted
  bool keep_stamps = false;     ///< IncomingReply::stamps is wanted
  bool idempotent = true;       ///< may be sent again when a kept connection turns out to be closed
  bool prompt = false;          ///< each part of the reply is acknowledged at once
};

/// A whole reply, or a message of a WebSocket.
struct IncomingReply {
  Nanos at = 0;
  int status = 200;         ///< a message has none of its own
  std::string_view body{};  ///< valid until a connection is begun or added
  const StampFields* stamps = nullptr;
  bool kept = false;   ///< the connection is still open
  bool extra = false;  ///< more bytes came behind it than it said
};

enum class ConnectionKind : std::uint8_t { plain, websocket, client_process };

struct WebSocketHandshake {
  std::string key, text;
};

/// Whose requests go over the connections: what is sent, and what becomes of it. When, and on which
/// connection, it decides itself with begin(), from within these calls as well.
class ConnectionUser {
 public:
  /// The request that was begun on this connection; asked for again where not all of it was sent at once.
  virtual OutgoingRequest request_on(std::uint32_t connection) = 0;
  /// What is to be sent by now of the body, from that offset on; empty: nothing yet.
  virtual std::string_view body_piece(std::uint32_t /*connection*/, std::int64_t /*offset*/) { return {}; }
  /// So much of the body is sent, and the rest waits for resume().
  virtual void on_pause(std::uint32_t /*connection*/, std::int64_t /*body_sent*/) {}
  virtual ConnectionKind kind_of(std::uint32_t /*connection*/) { return ConnectionKind::plain; }
  virtual WebSocketHandshake handshake_of(std::uint32_t /*connection*/) { return {}; }

  virtual void on_opened(std::uint32_t /*connection*/) {}
  virtual void on_sent(std::uint32_t /*connection*/, bool /*begins*/, std::int64_t /*bytes*/) {}
  virtual void on_received(std::uint32_t /*connection*/, Nanos /*now*/, std::int64_t /*bytes*/) {}
  virtual void on_reply(std::uint32_t connection, const IncomingReply& reply) = 0;
  /// The request ends without a reply; its connection is closed.
  virtual void on_failure(std::uint32_t connection, LoadError error) = 0;

 protected:
  ~ConnectionUser() = default;
};

/// The one HTTP client: connections over a transport, each with at most one request under way, from
/// connecting to the reply. A server that closed a kept connection, or that answers before it has read the
/// whole request, is answered here alone. The generators of loads and the examination are compositions: they
/// add when something is sent, what, what is noted about it and when it is over. Nothing on the way from one
/// reply to the next request allocates or asks the kernel for more than send and receive. One thread; virtual
/// time with a fake clock and transport.
class Connections {
 public:
  struct Rules {
    /// An idempotent request is sent again where its kept connection is found closed within this time, once;
    /// 0: nothing is ever sent again.
    Nanos retry_within = 0;
  };
  struct Connection {
    ReplyKeeper reply;
    std::unique_ptr<WebSocketReader> socket;
    // of the request that is under way, or was
    Nanos acted = 0;  ///< when the first thing was done for it: connecting, or sending
    Nanos sent = 0;   ///< 0: nothing of it was
    std::int64_t offset = 0;
    ssize_t broken = 0;  ///< -errno of a send after which a reply may still be there
    bool asked = false;  ///< it is under way
    bool heard = false;  ///< a byte of the reply
    // of the connection
    enum class Phase : std::uint8_t { closed, opening, upgrading, idle, sending, pausing, awaiting };
    Phase phase = Phase::closed;
    ConnectionKind kind = ConnectionKind::plain;
    bool used = false;     ///< it has brought a reply
    bool surplus = false;  ///< and more bytes later, unasked: whose is what comes next, nobody can tell
    int error = 0;         ///< errno of the last attempt to open it
    Nanos opening_since = 0, idle_since = 0;

   private:
    friend class Connections;
    // NOLINTBEGIN(readability-identifier-naming): Connections alone uses them, as it does those above
    bool idempotent = true, prompt = false;
    bool was_idle = false;  // so long before this request that the server may have had enough of it
    bool reopened = false;  // for this request
    // NOLINTEND(readability-identifier-naming)
  };
  using Phase = Connection::Phase;

  Connections(ConnectionUser& user, Rules rules, Clock& clock, Transport& transport, std::size_t count = 0)
      : user_(user), rules_(rules), clock_(clock), transport_(transport), connections_(count) {}

  void grow(std::size_t count) {
    if (count > connections_.size()) connections_.resize(count);
  }
  const Connection& at(std::uint32_t connection) const { return connections_[connection]; }
  bool is_opening(std::uint32_t connection) const {
    const Phase phase = connections_[connection].phase;
    return phase == Phase::opening || phase == Phase::upgrading;
  }
  std::size_t size() const { return connections_.size(); }

  /// Opens it for later. Where that fails, open_error() has it and Connection::error.
  void open(std::uint32_t connection);
  /// Waits until each that was to be opened is open or failed, at most until `until`. Returns whether it was.
  bool await_open(Nanos until);
  /// Sends the user's request on it, on a new connection where it is closed; `now` may be a moment old.
  void begin(std::uint32_t connection, Nanos now);
  /// Sends more of a body that paused.
  void resume(std::uint32_t connection) {
    if (connections_[connection].phase == Phase::pausing) transmit(connection);
  }
  /// Closes it; a request that is under way on it ends unreported.
  void close(std::uint32_t connection);
  /// Waits for news, at most until `until`, and deals with it.
  void look(Nanos until);

  bool interrupted() const { return interrupted_; }
  /// errno of the first connection that could not be opened for later; 0: none.
  int open_error() const { return open_error_; }
  std::int64_t opened() const { return opened_; }
  /// How long opening took those, together.
  Nanos connecting() const { return connecting_; }
  std::int64_t closed_by_server() const { return closed_by_server_; }

 private:
  void on_opened(std::uint32_t connection);
  void upgrade(std::uint32_t connection);
  void transmit(std::uint32_t connection);
  void on_readable(std::uint32_t connection, bool ended);
  bool is_there(std::uint32_t connection) const {
    const Phase phase = connections_[connection].phase;
    return phase != Phase::closed && phase != Phase::opening;
  }
  bool take_handshake(std::uint32_t connection, std::string_view& bytes);
  void on_socket_bytes(std::uint32_t connection, std::string_view bytes);
  void reply(std::uint32_t connection, IncomingReply reply);
  void fail(std::uint32_t connection, LoadError error);
  void reopen(std::uint32_t connection);
  bool found_closed(std::uint32_t connection);
  bool was_never_read(const Connection& connection, Nanos now) const;

  ConnectionUser& user_;
  const Rules rules_;
  Clock& clock_;
  Transport& transport_;
  std::vector<Connection> connections_;
  std::size_t opening_ = 0;
  std::int64_t opened_ = 0, closed_by_server_ = 0;
  Nanos connecting_ = 0;
  int open_error_ = 0;
  bool interrupted_ = false;
  std::array<char, 65536> buffer_{};
};

}  // namespace lab
