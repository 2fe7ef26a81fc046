#include "harness/client/websocket.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::size_t kLongestMessage = 1'000'000;
constexpr std::size_t kLongestHead = 16'384;
constexpr std::size_t kLongestControl = 125;

std::uint32_t rotate(std::uint32_t value, unsigned bits) {
  return (value << bits) | (value >> (32U - bits));
}

void sha1_block(std::array<std::uint32_t, 5>& state, std::string_view block) {
  std::array<std::uint32_t, 80> words{};
  for (std::size_t i = 0; i < 64; ++i) {
    words[i / 4] = (words[i / 4] << 8U) | static_cast<unsigned char>(block[i]);
  }
  for (std::size_t i = 16; i < 80; ++i) {
    words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
  }
  auto [a, b, c, d, e] = state;
  for (std::size_t i = 0; i < 80; ++i) {
    std::uint32_t mixed = b ^ c ^ d;
    std::uint32_t constant = i < 40 ? 0x6ED9EBA1 : 0xCA62C1D6;
    if (i < 20) {
      mixed = (b & c) | (~b & d);
      constant = 0x5A827999;
    } else if (i >= 40 && i < 60) {
      mixed = (b & c) | (b & d) | (c & d);
      constant = 0x8F1BBCDC;
    }
    const std::uint32_t next = rotate(a, 5) + mixed + e + constant + words[i];
    e = d;
    d = c;
    c = rotate(b, 30);
    b = a;
    a = next;
  }
  const std::array<std::uint32_t, 5> sums{a, b, c, d, e};
  for (std::size_t i = 0; i < 5; ++i) state[i] += sums[i];
}

/// FIPS 180-4; RFC 6455 asks for nothing but this hash of a public text.
std::string sha1(std::string text) {
  const std::uint64_t bits = text.size() * 8;
  text += '\x80';
  while (text.size() % 64 != 56) text += '\0';
  for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>((bits >> shift) & 0xFFU);
  std::array<std::uint32_t, 5> state{0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  for (std::size_t at = 0; at < text.size(); at += 64)
    sha1_block(state, std::string_view(text).substr(at, 64));
  std::string digest;
  for (const std::uint32_t word : state) {
    for (int shift = 24; shift >= 0; shift -= 8) digest += static_cast<char>((word >> shift) & 0xFFU);
  }
  return digest;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = (group << 8U) | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out += i <= count ? kDigits[(group >> (18U - 6U * i)) & 63U] : '=';
    }
  }
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
  return base64(sha1(std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
}

std::string websocket_handshake(const Route& route, const std::string& host, std::uint16_t port,
                                std::string_view key) {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}{}{}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n\r\n",
      route.path, is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port, key);
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
  std::string connection(field(head, "connection"));
  std::transform(connection.begin(), connection.end(), connection.begin(), to_lower);
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
