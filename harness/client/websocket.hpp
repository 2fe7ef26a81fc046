#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lab/core/plan.hpp"

namespace lab {

/// The client's side of RFC 6455, as far as a load needs it: the handshake and whole messages.

/// The key that belongs to a number: 16 bytes in Base64.
std::string websocket_key(std::uint64_t number);
/// What a server must answer to that key.
std::string websocket_accept(std::string_view key);
/// The request that asks for the upgrade.
std::string websocket_handshake(const Route& route, const std::string& host, std::uint16_t port,
                                std::string_view key);

enum class WebSocketOp : std::uint8_t { more = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// One frame of a client: final, masked. At most 65,535 bytes of payload.
std::string websocket_frame(WebSocketOp op, std::string_view payload, std::uint32_t mask);

/// The server's bytes of one connection, split anywhere. What a server must not send is bad: masked frames,
/// reserved bits or codes, control frames that are long or in pieces, messages over 1 MB.
class WebSocketReader {
 public:
  enum class News : std::uint8_t { nothing, accepted, refused, message, ping, close, bad };

  /// Begins a connection whose handshake bore this key.
  void start(std::string_view key);
  void feed(std::string_view bytes) { bytes_ += bytes; }
  /// What comes next in the bytes so far; `nothing`: more bytes are needed.
  News next();
  /// Of the last message or ping.
  const std::string& payload() const { return payload_; }
  /// Of the handshake's reply.
  int status() const { return status_; }
  bool upgraded() const { return upgraded_; }

 private:
  News read_handshake();

  std::string bytes_, message_, payload_, accept_;
  int status_ = 0;
  bool upgraded_ = false;
  bool in_message_ = false;
};

}  // namespace lab
