#include "harness/client/websocket.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "harness/client/load_address.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::size_t kLongestMessage = 1'000'000;
constexpr std::size_t kLongestHead = 16'384;
constexpr std::size_t kLongestControl = 125;

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  return out;
}

std::string_view field(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;) {
    const std::size_t end = std::min(head.find("\r\n", at + 2), head.size());
    const std::string_view line = head.substr(at + 2, end - at - 2);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && equals_ignoring_case(line.substr(0, colon), name))
      return trim(line.substr(colon + 1));
    at = end == head.size() ? std::string_view::npos : end;
  }
  return {};
}

}  // namespace

std::string websocket_key(std::uint64_t number) {
  std::string bytes;
  for (int i = 0; i < 16; ++i) {
    bytes += static_cast<char>(number & 0xFFU);
    number = number * 6364136223846793005U + 1442695040888963407U;
  }
  return base64(bytes);
}

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string websocket_handshake(const Route& route, const std::string& host, std::uint16_t port,
                                std::string_view key) {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n\r\n",
      route.path, bracketed(host), port, key);
}

std::string websocket_frame(WebSocketOp op, std::string_view payload, std::uint32_t mask) {
  std::string frame;
  frame += static_cast<char>(0x80U | static_cast<unsigned>(op));
  if (payload.size() <= kLongestControl) {
    frame += static_cast<char>(0x80U | payload.size());
  } else {
    frame += static_cast<char>(0x80U | 126U);
    frame += static_cast<char>((payload.size() >> 8U) & 0xFFU);
    frame += static_cast<char>(payload.size() & 0xFFU);
  }
  std::array<unsigned char, 4> bytes{};
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[i] = static_cast<unsigned char>(mask >> (24U - 8U * i));
    frame += static_cast<char>(bytes[i]);
  }
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame += static_cast<char>(static_cast<unsigned char>(payload[i]) ^ bytes[i % 4]);
  }
  return frame;
}

void WebSocketReader::start(std::string_view key) {
  bytes_.clear();
  message_.clear();
  payload_.clear();
  accept_ = websocket_accept(key);
  status_ = 0;
  upgraded_ = in_message_ = false;
}

WebSocketReader::News WebSocketReader::read_handshake() {
  const std::size_t end = bytes_.find("\r\n\r\n");
  if (end == std::string::npos) return bytes_.size() > kLongestHead ? News::bad : News::nothing;
  const std::string head = bytes_.substr(0, end);
  bytes_.erase(0, end + 4);
  if (!head.starts_with("HTTP/1.1 ") || head.size() < 12) return News::bad;
  const auto [stop, problem] = std::from_chars(head.data() + 9, head.data() + 12, status_);
  if (problem != std::errc() || stop != head.data() + 12) return News::bad;
  if (status_ != 101) return News::refused;
  const std::string connection = lower_case(field(head, "connection"));
  const bool upgrades = equals_ignoring_case(field(head, "upgrade"), "websocket") &&
                        connection.find("upgrade") != std::string::npos;
  if (!upgrades || field(head, "sec-websocket-accept") != accept_) return News::bad;
  upgraded_ = true;
  return News::accepted;
}

WebSocketReader::News WebSocketReader::next() {
  if (!upgraded_) return read_handshake();
  while (bytes_.size() >= 2) {
    const auto first = static_cast<unsigned char>(bytes_[0]);
    const auto second = static_cast<unsigned char>(bytes_[1]);
    const bool final = (first & 0x80U) != 0;
    const auto op = static_cast<WebSocketOp>(first & 0x0FU);
    const bool control = (first & 0x08U) != 0;
    std::uint64_t length = second & 0x7FU;
    if ((first & 0x70U) != 0 || (second & 0x80U) != 0) return News::bad;
    if (control && (length > kLongestControl || !final)) return News::bad;
    std::size_t head = 2;
    if (length >= 126) {
      head += length == 126 ? 2 : 8;
      if (bytes_.size() < head) return News::nothing;
      length = 0;
      for (std::size_t i = 2; i < head; ++i) length = (length << 8U) | static_cast<unsigned char>(bytes_[i]);
    }
    if (length > kLongestMessage || message_.size() + length > kLongestMessage) return News::bad;
    if (bytes_.size() < head + length) return News::nothing;
    std::string payload = bytes_.substr(head, static_cast<std::size_t>(length));
    bytes_.erase(0, head + static_cast<std::size_t>(length));
    if (control) {
      payload_ = std::move(payload);
      if (op == WebSocketOp::ping) return News::ping;
      if (op == WebSocketOp::close) return News::close;
      if (op == WebSocketOp::pong) continue;
      return News::bad;
    }
    const bool begins = op == WebSocketOp::text || op == WebSocketOp::binary;
    if ((!begins && op != WebSocketOp::more) || begins == in_message_) return News::bad;
    in_message_ = !final;
    message_ += payload;
    if (!final) continue;
    payload_ = std::move(message_);
    message_.clear();
    return News::message;
  }
  return News::nothing;
}

}  // namespace lab
