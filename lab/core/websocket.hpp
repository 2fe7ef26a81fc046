#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lab {

/// RFC 6455 as far as both sides of a load need it: the handshake's key and whole messages.

/// The key that belongs to a number: 16 bytes in Base64.
std::string websocket_key(std::uint64_t number);
/// What a server must answer to that key.
std::string websocket_accept(std::string_view key);

enum class WebSocketOp : std::uint8_t { more = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// One frame, final; a client's has a mask. At most 65,535 bytes of payload.
std::string websocket_frame(WebSocketOp op, std::string_view payload, std::optional<std::uint32_t> mask);

/// Why a connection is closed (RFC 6455, 7.4.1).
enum class WebSocketEnd : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  bad = 1002,
  bad_text = 1007,
  too_long = 1009
};
/// A server's frame that says so.
std::string websocket_close(WebSocketEnd why);

/// The bytes that one side sends, split anywhere. What it must not send is bad: frames that are masked
/// though it is the server, or are not though it is the client, reserved bits or codes, control frames that
/// are long or in pieces, a close with half a code or one that no side may send. Text that is not UTF-8 is
/// bad text. Messages over 1 MB are too long.
class WebSocketReader {
 public:
  enum class News : std::uint8_t { nothing, message, ping, close, bad, bad_text, too_long };

  /// `masked`: what a client sends.
  explicit WebSocketReader(bool masked) : masked_(masked) {}

  void feed(std::string_view bytes);
  /// What comes next in the bytes so far; `nothing`: more bytes are needed.
  News next();
  /// Of the last message or ping, until more bytes come.
  const std::string& payload() const { return payload_; }

 private:
  std::string bytes_, message_, payload_;
  std::size_t taken_ = 0;  ///< of bytes_
  bool masked_;
  bool in_message_ = false, is_text_ = false;
};

}  // namespace lab
